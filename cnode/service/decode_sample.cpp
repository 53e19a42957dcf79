// The request `sample`.
#include <cmath>
#include <cstring>

#include "base/concat.h"
#include "service/decode_parts.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr std::string_view kWhat = "sample";
constexpr size_t kMaxResults = 4096;

Result<void> read_count(Reader& reader, std::string_view key, int64_t least, int64_t& value) {
  return read_bounded(reader, concat(kWhat, ": ", key), least, INT64_MAX, value);
}

Result<void> read_real(Reader& reader, std::string_view key, double& value) {
  const Reader before = reader;
  int64_t whole = 0;
  if (reader.read_int64(whole)) {
    value = static_cast<double>(whole);
    return {};
  }
  if (reader.read_double(value) && std::isfinite(value)) return {};
  return malformed(kWhat, std::string(key) + ", a number", before);
}

Result<void> read_flag(Reader& reader, std::string_view key, bool& value) {
  return reader.read_boolean(value) ? Result<void>() : malformed(kWhat, std::string(key) + ", a boolean", reader);
}

// Little-endian f64, as many as there are coordinates.
Result<void> read_mass(Reader& reader, std::vector<double>& mass) {
  std::span<const std::byte> bytes;
  const Reader before = reader;
  if (!reader.read_binary(bytes) || bytes.empty() || bytes.size() % sizeof(double) != 0)
    return malformed(kWhat, "inverse_mass, a binary of f64", before);
  mass.resize(bytes.size() / sizeof(double));
  std::memcpy(mass.data(), bytes.data(), bytes.size());
  return {};
}

// False when |key| is no option of the sampler.
Result<bool> read_sampler_option(Reader& reader, std::string_view key, chain::SamplerOptions& sampler) {
  const auto done = [](Result<void> read) -> Result<bool> {
    if (!read.ok()) return std::move(read).error();
    return true;
  };
  if (key == "chains") return done(read_count(reader, key, 1, sampler.chains));
  if (key == "warmup") return done(read_count(reader, key, 0, sampler.warmup));
  if (key == "draws") return done(read_count(reader, key, 1, sampler.draws));
  if (key == "thin") return done(read_count(reader, key, 1, sampler.thin));
  if (key == "max_steps") return done(read_count(reader, key, 1, sampler.max_steps));
  if (key == "seed")
    return reader.read_uint64(sampler.seed) ? Result<bool>(true) : malformed(kWhat, "seed of 64 bits", reader);
  if (key == "path_length") return done(read_real(reader, key, sampler.path_length.emplace()));
  if (key == "step_size") return done(read_real(reader, key, sampler.step_size.emplace()));
  if (key == "jitter") return done(read_real(reader, key, sampler.jitter));
  if (key == "target_accept") return done(read_real(reader, key, sampler.target_accept));
  if (key == "inverse_mass") return done(read_mass(reader, sampler.inverse_mass));
  if (key == "constrained") return done(read_flag(reader, key, sampler.constrained));
  if (key == "keep_draws") return done(read_flag(reader, key, sampler.keep_draws));
  if (key == "mapping") return done(read_mapping(reader, kWhat, sampler.mapping));
  return false;
}

}  // namespace

Result<Request> read_sample(Reader& reader) {
  Sample sample;
  GPU_TRY(read_session(reader, kWhat, sample.session));
  GPU_TRY(read_id(reader, kWhat, sample.model));
  GPU_ASSIGN(sample.results, decode_integers(reader, kMaxResults));
  for (const int64_t id : sample.results)
    if (id < 0) return Error{ErrorCode::kInvalidArgument, concat("sample: results are ids >= 0, not ", id)};
  GPU_TRY(read_options(reader, kWhat, [&](std::string_view key) -> Result<void> {
    if (key == "position") return read_chain_operand(reader, "sample: position", sample.position.emplace());
    if (key == "progress_ms") return read_count(reader, key, 0, sample.progress_ms);
    GPU_ASSIGN(const bool own, read_sampler_option(reader, key, sample.sampler));
    if (own) return {};
    GPU_ASSIGN(const bool known, read_request_option(reader, kWhat, key, sample.options));
    return known ? Result<void>()
                 : unknown_option(kWhat, key,
                                  "chains, warmup, draws, thin, seed, path_length, jitter, max_steps, step_size, "
                                  "target_accept, inverse_mass, position, constrained, keep_draws, mapping, "
                                  "progress_ms");
  }));
  return Request(std::move(sample));
}

}  // namespace gpu_node::service
