// The requests about families, models and chains.
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/concat.h"
#include "chain/family.h"
#include "service/option_map.h"

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
  const auto parameter = [&](const std::string& name) { return read_parameter(reader, name, inputs.parameters[name]); };
  const auto dimension = [&](const std::string& name) {
    return reader.read_int64(inputs.dimensions[name]) ? Result<void>()
                                                      : malformed("dimension " + name, "an integer", reader);
  };
  const auto data = [&](const std::string& name) { return read_data(reader, name, compile); };
  return read_keys(reader, "compile_family", "input",
                   Key{"parameters", [&](const KeyedValue&) { return read_named(reader, "parameters", parameter); }},
                   Key{"dimensions", [&](const KeyedValue&) { return read_named(reader, "dimensions", dimension); }},
                   Key{"data", [&](const KeyedValue&) { return read_named(reader, "data", data); }});
}

Result<void> read_operands(Reader& reader, Chain& chain) {
  std::optional<ChainOperand> position, momentum, inverse_mass, step_size;
  const auto into = [&](std::optional<ChainOperand>& operand) {
    return [&](const KeyedValue& value) {
      return read_chain_operand(reader, concat("chain: ", value.key), operand.emplace());
    };
  };
  GPU_TRY(read_keys(reader, "chain", "operand", Key{"position", into(position)}, Key{"momentum", into(momentum)},
                    Key{"inverse_mass", into(inverse_mass)}, Key{"step_size", into(step_size)}));
  const auto take = [](std::string_view name, std::optional<ChainOperand>& operand, ChainOperand& to) -> Result<void> {
    if (!operand) return Error{ErrorCode::kInvalidArgument, concat("chain: the operand ", name, " is missing")};
    to = std::move(*operand);
    return {};
  };
  GPU_TRY(take("position", position, chain.position));
  GPU_TRY(take("momentum", momentum, chain.momentum));
  GPU_TRY(take("inverse_mass", inverse_mass, chain.inverse_mass));
  return take("step_size", step_size, chain.step_size);
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

Result<void> read_mapping(const KeyedValue& value, std::optional<chain::Mapping>& mapping) {
  size_t place = 0;
  GPU_TRY(value.choice({chain::kMappingNames[0], chain::kMappingNames[1], chain::kMappingNames[2]}, place));
  static_assert(chain::kMappings == 3);
  mapping = static_cast<chain::Mapping>(place);
  return {};
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
  const auto read_type = [&](const KeyedValue& value) -> Result<void> {
    size_t place = 0;
    GPU_TRY(value.choice({"f32", "f64"}, place));
    compile.dtype = place == 0 ? Dtype::f32 : Dtype::f64;
    return {};
  };
  const auto read_file = [&](const KeyedValue&) -> Result<void> {
    GPU_ASSIGN(compile.file, read_text(reader, "compile_family: file", kMaxNameBytes));
    return {};
  };
  GPU_TRY(
      read_request_options(reader, kWhat, compile.options, Key{"type", read_type}, Key{"file", read_file},
                           Key{"chains", [&](const KeyedValue& value) { return value.integer(compile.chains, 1); }}));
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
  const auto read_rows = [&](const KeyedValue& value) -> Result<void> {
    size_t place = 0;
    GPU_TRY(value.choice({"all", "last"}, place));
    chain.last_only = place == 1;
    return {};
  };
  GPU_TRY(read_request_options(
      reader, kWhat, chain.options,
      Key{"steps", [&](const KeyedValue& value) { return value.integer(chain.steps, 1); }}, Key{"rows", read_rows},
      Key{"mapping", [&](const KeyedValue& value) { return read_mapping(value, chain.mapping); }}));
  return Request(std::move(chain));
}

}  // namespace gpu_node::service
