#include "chain/program.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/concat.h"
#include "chain/differentiate.h"

namespace gpu_node::chain {
namespace {

constexpr std::pair<Support, std::string_view> kSupports[] = {
    {Support::kReal, "real"}, {Support::kPositive, "positive"}, {Support::kUnitInterval, "unit_interval"}};
constexpr std::pair<Transform, std::string_view> kTransforms[] = {{Transform::kIdentity, "identity"},
                                                                  {Transform::kExp, "exp"},
                                                                  {Transform::kSoftplus, "softplus"},
                                                                  {Transform::kSigmoid, "sigmoid"}};

template <typename T, size_t N>
std::optional<T> find(const std::pair<T, std::string_view> (&table)[N], std::string_view name) {
  for (const auto& [value, text] : table)
    if (text == name) return value;
  return std::nullopt;
}

template <typename T, size_t N>
std::vector<std::string> names_in(const std::pair<T, std::string_view> (&table)[N]) {
  std::vector<std::string> names;
  for (const auto& [value, text] : table) names.emplace_back(text);
  return names;
}

// The values that |results| need, in their order, without detached ones; |results| become their new names.
std::vector<Value> needed_values(const Graph& graph, const std::vector<ValueId*>& results) {
  std::vector<bool> needed(graph.values().size());
  for (const ValueId* result : results) needed[*result] = true;
  for (size_t id = needed.size(); id-- > 0;)
    if (needed[id])
      for (const ValueId operand : graph.values()[id].operand_list()) needed[operand] = true;
  std::vector<ValueId> renamed(needed.size(), kNoValue);
  std::vector<Value> values;
  for (size_t id = 0; id < needed.size(); ++id) {
    if (!needed[id]) continue;
    Value value = graph.values()[id];
    for (size_t i = 0; i < value.operand_count; ++i) value.operands[i] = renamed[value.operands[i]];
    if (value.kind == ValueKind::kDetach) {
      renamed[id] = value.operands[0];
    } else {
      renamed[id] = static_cast<ValueId>(values.size());
      values.push_back(value);
    }
  }
  for (ValueId* result : results) *result = renamed[*result];
  return values;
}

std::string number_text(double number) {
  std::array<char, 40> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr};
}

}  // namespace

std::string_view name_of(Support support) { return kSupports[static_cast<size_t>(support)].second; }
std::string_view name_of(Transform transform) { return kTransforms[static_cast<size_t>(transform)].second; }
std::optional<Support> find_support(std::string_view name) { return find(kSupports, name); }
std::optional<Transform> find_transform(std::string_view name) { return find(kTransforms, name); }
std::vector<std::string> support_names() { return names_in(kSupports); }
std::vector<std::string> transform_names() { return names_in(kTransforms); }

bool maps_onto(Transform transform, Support support) {
  switch (transform) {
    case Transform::kIdentity:
      return support == Support::kReal;
    case Transform::kExp:
    case Transform::kSoftplus:
      return support == Support::kPositive;
    default:
      return support == Support::kUnitInterval;
  }
}

Transform default_transform(Support support) {
  switch (support) {
    case Support::kReal:
      return Transform::kIdentity;
    case Support::kPositive:
      return Transform::kExp;
    default:
      return Transform::kSigmoid;
  }
}

bool contains(Support support, double value) {
  if (!std::isfinite(value)) return false;
  return support == Support::kReal || (value > 0 && (support == Support::kPositive || value < 1));
}

std::shared_ptr<const Terms> make_terms(const Symbols& symbols, const Graph& graph, std::vector<std::string> names,
                                        std::vector<ValueId> values) {
  auto terms = std::make_shared<Terms>();
  terms->names = std::move(names);
  terms->values = std::move(values);
  std::vector<ValueId*> results;
  for (ValueId& value : terms->values) results.push_back(&value);
  terms->program = {.symbols = symbols, .indices = graph.indices(), .values = needed_values(graph, results)};
  return terms;
}

Result<Program> make_program(Symbols symbols, Graph graph, ValueId logp) {
  if (graph.full()) return Error{ErrorCode::kUnsupported, "the log density has more values or indices than the limit"};
  if (logp >= graph.values().size() || graph[logp].free != 0)
    return Error{ErrorCode::kInvalidArgument, "the log density is no value of the graph, or varies over an index"};
  GPU_ASSIGN(auto gradient, differentiate(graph, symbols, logp));
  Program program{.symbols = std::move(symbols), .logp = logp, .gradient = std::move(gradient)};
  std::vector<ValueId*> results = {&program.logp};
  for (ValueId& derivative : program.gradient) results.push_back(&derivative);
  program.values = needed_values(graph, results);
  program.indices = graph.indices();
  return program;
}

std::vector<ValueId> uniforms(const Program& program) {
  const auto uniform = [&](ValueId id) {
    const Value& value = program.values[id];
    return !value.varies && value.free == 0 && value.kind != ValueKind::kConstant;
  };
  std::vector<bool> wanted(program.values.size());
  for (const Value& value : program.values) {
    // One that is a part of a greater one is not needed by itself.
    if (!value.varies && value.free == 0) continue;
    for (const ValueId operand : value.operand_list())
      if (uniform(operand)) wanted[operand] = true;
  }
  if (uniform(program.logp)) wanted[program.logp] = true;
  for (const ValueId derivative : program.gradient)
    if (uniform(derivative)) wanted[derivative] = true;
  std::vector<ValueId> ids;
  for (ValueId id = 0; id < wanted.size(); ++id)
    if (wanted[id]) ids.push_back(id);
  return ids;
}

std::string text_of(const Program& program) {
  const Symbols& symbols = program.symbols;
  const auto index_name = [&](IndexId id) {
    const Index& index = program.indices[id];
    return concat(symbols.dimensions[index.dimension].name, ".", index.number);
  };
  std::string text;
  for (size_t id = 0; id < program.values.size(); ++id) {
    const Value& value = program.values[id];
    const auto head = [&]() -> std::string {
      switch (value.kind) {
        case ValueKind::kConstant:
          return number_text(value.number);
        case ValueKind::kParameter:
          return "parameter " + symbols.parameters[value.symbol].name;
        case ValueKind::kCoordinate:
          return "coordinate " + symbols.variables[value.symbol].name;
        case ValueKind::kData:
          return "data " + symbols.data[value.symbol].name;
        case ValueKind::kIndex:
          return "index " + index_name(value.symbol);
        case ValueKind::kSize:
          return "size " + symbols.dimensions[value.symbol].name;
        case ValueKind::kSum:
          return "sum " + index_name(value.symbol);
        case ValueKind::kDetach:
          return "detach";
        default:
          return std::string(name_of(value.op));
      }
    };
    text += concat("%", id, " = ", head());
    for (const ValueId operand : value.operand_list()) text += concat(" %", operand);
    text += "\n";
  }
  text += concat("logp %", program.logp, "\n");
  for (size_t i = 0; i < program.gradient.size(); ++i)
    text += concat("gradient ", symbols.variables[i].name, " %", program.gradient[i], "\n");
  return text;
}

}  // namespace gpu_node::chain
