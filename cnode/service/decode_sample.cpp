// The request `sample`.
#include <cstring>
#include <type_traits>

#include "base/concat.h"
#include "service/option_map.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr std::string_view kWhat = "sample";
constexpr size_t kMaxResults = 4096;

// Little-endian f64, as many as there are coordinates.
Result<void> read_mass(const KeyedValue& value, std::vector<double>& mass) {
  etf::Reader ahead = value.reader;
  std::span<const std::byte> bytes;
  if (!ahead.read_binary(bytes) || bytes.empty() || bytes.size() % sizeof(double) != 0)
    return value.wrong("a binary of f64");
  value.reader = ahead;
  mass.resize(bytes.size() / sizeof(double));
  std::memcpy(mass.data(), bytes.data(), bytes.size());
  return {};
}

}  // namespace

Result<Request> read_sample(Reader& reader) {
  Sample sample;
  GPU_TRY(read_session(reader, kWhat, sample.session));
  GPU_TRY(read_id(reader, kWhat, sample.model));
  GPU_ASSIGN(sample.results, decode_integers(reader, kMaxResults));
  for (const int64_t id : sample.results)
    if (id < 0) return Error{ErrorCode::kInvalidArgument, concat("sample: results are ids >= 0, not ", id)};
  const auto count = [](int64_t& to, int64_t least) {
    return [&to, least](const KeyedValue& value) { return value.integer(to, least); };
  };
  const auto real = [](auto& to) {
    return [&to](const KeyedValue& value) {
      if constexpr (std::is_same_v<decltype(to), double&>)
        return value.real(to);
      else
        return value.real(to.emplace());
    };
  };
  const auto flag = [](bool& to) { return [&to](const KeyedValue& value) { return value.boolean(to); }; };
  chain::SamplerOptions& sampler = sample.sampler;
  GPU_TRY(read_request_options(
      reader, kWhat, sample.options,
      // Counts.
      Key{"chains", count(sampler.chains, 1)}, Key{"warmup", count(sampler.warmup, 0)},
      Key{"draws", count(sampler.draws, 1)}, Key{"thin", count(sampler.thin, 1)},
      Key{"max_steps", count(sampler.max_steps, 1)},
      Key{"seed", [&](const KeyedValue& value) { return value.unsigned_integer(sampler.seed); }},
      // Numbers.
      Key{"path_length", real(sampler.path_length)}, Key{"jitter", real(sampler.jitter)},
      Key{"step_size", real(sampler.step_size)}, Key{"target_accept", real(sampler.target_accept)},
      Key{"inverse_mass", [&](const KeyedValue& value) { return read_mass(value, sampler.inverse_mass); }},
      Key{"position",
          [&](const KeyedValue&) { return read_chain_operand(reader, "sample: position", sample.position.emplace()); }},
      // The rest.
      Key{"constrained", flag(sampler.constrained)}, Key{"keep_draws", flag(sampler.keep_draws)},
      Key{"mapping", [&](const KeyedValue& value) { return read_mapping(value, sampler.mapping); }},
      Key{"progress_ms", count(sample.progress_ms, 0)}));
  return Request(std::move(sample));
}

}  // namespace gpu_node::service
