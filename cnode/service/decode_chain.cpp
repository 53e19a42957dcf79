// The requests about families, models and chains.
#include <array>
#include <cstring>
#include <unordered_set>

#include "base/concat.h"
#include "chain/family.h"
#include "service/decode_parts.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

Result<std::string> read_text(Reader& reader, std::string_view what, size_t limit) {
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) return malformed(what, "a binary", reader);
  if (bytes.size() > limit)
    return Error{ErrorCode::kInvalidArgument,
                 concat(what, ": a binary of ", bytes.size(), " bytes, the limit is ", limit)};
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Calls |entry| with each name of the map that comes next, a name once; it reads the value.
template <typename Entry>
Result<void> read_named(Reader& reader, std::string_view what, Entry entry) {
  uint32_t pairs = 0;
  if (!reader.read_map(pairs, kMaxNames))
    return malformed(what, concat("a map of at most ", kMaxNames, " names"), reader);
  std::unordered_set<std::string> names;
  for (uint32_t i = 0; i < pairs; ++i) {
    GPU_ASSIGN(const std::string name, read_text(reader, std::string(what) + ": a name", kMaxNameBytes));
    if (!names.insert(name).second) return repeated_key(what, name);
    GPU_TRY(entry(name));
  }
  return {};
}

// {Shape, Binary}, f64 in row-major order.
Result<chain::Array> read_array(Reader& reader, const std::string& name) {
  uint32_t arity = 0;
  if (!reader.read_tuple_of(2)) return malformed("data " + name, "a tensor's id or {Shape, Binary}", reader);
  GPU_ASSIGN(const Shape shape, decode_shape(reader));
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) return malformed("data " + name, "a binary of f64", reader);
  const auto count = static_cast<uint64_t>(element_count(shape));
  if (bytes.size() / sizeof(double) != count || bytes.size() % sizeof(double) != 0)
    return Error{ErrorCode::kInvalidArgument, concat("data ", name, ": ", type_text(Dtype::f64, shape), " has ",
                                                     count * sizeof(double), " bytes, the binary ", bytes.size())};
  chain::Array array;
  array.shape.assign(shape.begin(), shape.end());
  array.values.resize(count);
  if (count > 0) std::memcpy(array.values.data(), bytes.data(), bytes.size());
  return array;
}

Result<void> read_parameter(Reader& reader, const std::string& name, double& value) {
  int64_t whole = 0;
  if (reader.read_double(value)) return {};
  if (!reader.read_int64(whole)) return malformed("parameter " + name, "a number", reader);
  value = static_cast<double>(whole);
  return {};
}

Result<void> read_data(Reader& reader, const std::string& name, CompileFamily& compile) {
  if (reader.peek() == etf::Kind::kInteger) return read_id(reader, "data " + name, compile.tensors[name]);
  GPU_ASSIGN(compile.inputs.data[name], read_array(reader, name));
  return {};
}

Result<void> read_inputs(Reader& reader, CompileFamily& compile) {
  chain::Inputs& inputs = compile.inputs;
  return read_options(reader, "compile_family: inputs", [&](std::string_view key) -> Result<void> {
    if (key == "parameters")
      return read_named(reader, "parameters",
                        [&](const std::string& name) { return read_parameter(reader, name, inputs.parameters[name]); });
    if (key == "dimensions")
      return read_named(reader, "dimensions", [&](const std::string& name) -> Result<void> {
        if (!reader.read_int64(inputs.dimensions[name])) return malformed("dimension " + name, "an integer", reader);
        return {};
      });
    if (key == "data")
      return read_named(reader, "data", [&](const std::string& name) { return read_data(reader, name, compile); });
    return Error{ErrorCode::kInvalidArgument,
                 "compile_family: inputs have no " + std::string(key) + ", but parameters, dimensions, data"};
  });
}

Result<void> read_operands(Reader& reader, Chain& chain) {
  struct Place {
    std::string_view name;
    ChainOperand* operand;
    bool given = false;
  };
  std::array<Place, 4> places{{{"position", &chain.position},
                               {"momentum", &chain.momentum},
                               {"inverse_mass", &chain.inverse_mass},
                               {"step_size", &chain.step_size}}};
  GPU_TRY(read_options(reader, "chain", [&](std::string_view key) -> Result<void> {
    for (Place& place : places) {
      if (place.name != key) continue;
      place.given = true;
      return read_chain_operand(reader, "chain: " + std::string(key), *place.operand);
    }
    return Error{ErrorCode::kInvalidArgument, "chain: there is no operand " + std::string(key)};
  }));
  for (const Place& place : places)
    if (!place.given)
      return Error{ErrorCode::kInvalidArgument, "chain: the operand " + std::string(place.name) + " is missing"};
  return {};
}

Result<void> read_rows(Reader& reader, bool& last_only) {
  std::string_view name;
  const Reader before = reader;
  if (!reader.read_atom(name) || (name != "all" && name != "last"))
    return malformed("chain", "rows all or last", before);
  last_only = name == "last";
  return {};
}

}  // namespace

Result<void> read_chain_operand(Reader& reader, const std::string& what, ChainOperand& operand) {
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) {
    int64_t id = 0;
    GPU_TRY(read_id(reader, what, id));
    operand = id;
    return {};
  }
  if (bytes.size() > kMaxInlineChainBytes)
    return Error{ErrorCode::kInvalidArgument, concat(what, ": a binary of ", bytes.size(), " bytes, the limit is ",
                                                     kMaxInlineChainBytes, "; upload larger ones")};
  operand = std::vector<std::byte>(bytes.begin(), bytes.end());
  return {};
}

Result<void> read_mapping(Reader& reader, std::string_view what, std::optional<chain::Mapping>& mapping) {
  std::string_view name;
  if (!reader.read_atom(name)) return malformed(what, "a mapping", reader);
  mapping = chain::find_mapping(name);
  if (mapping) return {};
  return Error{ErrorCode::kInvalidArgument, std::string(what) + ": there is no mapping " + std::string(name)};
}

Result<Request> read_compile_family(Reader& reader) {
  constexpr std::string_view kWhat = "compile_family";
  CompileFamily compile;
  GPU_TRY(read_session(reader, kWhat, compile.session));
  GPU_TRY(read_id(reader, kWhat, compile.id));
  std::string_view built_in;
  if (reader.read_atom(built_in)) {
    compile.file = built_in;
  } else {
    GPU_ASSIGN(compile.text, read_text(reader, "compile_family: the family", chain::kMaxFamilyBytes));
    if (compile.text.empty()) return Error{ErrorCode::kInvalidArgument, "compile_family: the family is empty"};
    compile.file = "family";
  }
  GPU_TRY(read_inputs(reader, compile));
  GPU_TRY(read_options(reader, kWhat, [&](std::string_view key) -> Result<void> {
    if (key == "type") {
      const Reader before = reader;
      GPU_ASSIGN(compile.dtype, decode_dtype(reader));
      if (compile.dtype != Dtype::f32 && compile.dtype != Dtype::f64)
        return malformed(kWhat, "type f32 or f64", before);
      return {};
    }
    if (key == "file") {
      GPU_ASSIGN(compile.file, read_text(reader, "compile_family: file", kMaxNameBytes));
      return {};
    }
    if (key == "chains") return read_bounded(reader, "compile_family: chains", 1, INT64_MAX, compile.chains);
    GPU_ASSIGN(const bool known, read_request_option(reader, kWhat, key, compile.options));
    return known ? Result<void>() : unknown_option(kWhat, key, "type, file, chains");
  }));
  return Request(std::move(compile));
}

Result<Request> read_chain(Reader& reader) {
  constexpr std::string_view kWhat = "chain";
  Chain chain;
  GPU_TRY(read_session(reader, kWhat, chain.session));
  GPU_TRY(read_id(reader, kWhat, chain.model));
  GPU_TRY(read_operands(reader, chain));
  GPU_ASSIGN(chain.results, decode_integers(reader, 4));
  if (!chain.results.empty() && chain.results.size() != 4)
    return Error{ErrorCode::kInvalidArgument,
                 concat("chain: results are four ids, or none, not ", chain.results.size())};
  GPU_TRY(read_options(reader, kWhat, [&](std::string_view key) -> Result<void> {
    if (key == "steps")
      return reader.read_int64(chain.steps) ? Result<void>() : malformed(kWhat, "steps, an integer", reader);
    if (key == "rows") return read_rows(reader, chain.last_only);
    if (key == "mapping") return read_mapping(reader, kWhat, chain.mapping);
    GPU_ASSIGN(const bool known, read_request_option(reader, kWhat, key, chain.options));
    return known ? Result<void>() : unknown_option(kWhat, key, "steps, rows, mapping");
  }));
  return Request(std::move(chain));
}

}  // namespace gpu_node::service
