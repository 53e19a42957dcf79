#include "chain/elaborate.h"

#include <algorithm>
#include <iterator>
#include <numbers>

#include "base/concat.h"
#include "base/near_names.h"
#include "chain/lexer.h"

namespace gpu_node::chain {
namespace {

using Kind = Expression::Kind;

template <typename T>
std::optional<size_t> position(const std::vector<T>& list, const std::string& name) {
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i].name == name) return i;
  return std::nullopt;
}

// A definition is gone through for each place that it is used at.
constexpr size_t kMaxEvaluated = size_t{1} << 22;

constexpr std::string_view kComposed[] = {"logsumexp", "logit", "square", "logsigmoid", "detach"};

std::vector<std::string> function_names() {
  std::vector<std::string> names(std::begin(kComposed), std::end(kComposed));
  for (const ScalarOp op : scalar_ops()) names.emplace_back(name_of(op));
  return names;
}

// The graph's own limits are checked where they may have been passed; what is made afterwards means nothing.
Error too_large() { return {ErrorCode::kUnsupported, "more values or indices than the limit"}; }

}  // namespace

Result<ValueId> Elaborator::evaluate(const Expression& expression, uint32_t id, const Scope& scope) {
  const std::vector<uint32_t> line = line_down(expression, id);
  GPU_ASSIGN(ValueId value, single(expression, line.back(), scope));
  for (size_t i = line.size() - 1; i-- > 0;) {
    const Expression::Node& node = expression.nodes[line[i]];
    GPU_ASSIGN(const ValueId right, evaluate(expression, node.children[1], scope));
    value = graph_.apply(*find_scalar_op(node.name), value, right);
  }
  return value;
}

Result<ValueId> Elaborator::single(const Expression& expression, uint32_t id, const Scope& scope) {
  if (graph_.full()) return too_large();
  if (++evaluated_ > kMaxEvaluated)
    return Error{ErrorCode::kUnsupported, concat("more than ", kMaxEvaluated,
                                                 " numbers, names and calls, those of a definition for each place")};
  const Expression::Node& node = expression.nodes[id];
  switch (node.kind) {
    case Kind::kNumber:
      return graph_.constant(node.number);
    case Kind::kReference:
      return reference(expression, id, scope);
    case Kind::kCall:
      return call(expression, id, scope);
    default:
      return sum(expression, id, scope);
  }
}

ValueId Elaborator::log_sum_exp(const std::vector<ValueId>& terms) {
  // The greatest one cancels in the derivative. Where all are -infinity, a finite one keeps their differences numbers;
  // this one is finite in every float type.
  ValueId greatest = graph_.constant(-3e38);
  for (const ValueId term : terms) greatest = graph_.apply(ScalarOp::kMax, term, greatest);
  greatest = graph_.detach(greatest);
  ValueId total = kNoValue;
  for (const ValueId term : terms) {
    const ValueId part = graph_.apply(ScalarOp::kExp, graph_.apply(ScalarOp::kSubtract, term, greatest));
    total = total == kNoValue ? part : graph_.apply(ScalarOp::kAdd, total, part);
  }
  return graph_.apply(ScalarOp::kAdd, greatest, graph_.apply(ScalarOp::kLog, total));
}

Result<ValueId> Elaborator::call(const Expression& expression, uint32_t id, const Scope& scope) {
  const Expression::Node& node = expression.nodes[id];
  const auto op = find_scalar_op(node.name == "logsigmoid" ? "log_sigmoid" : node.name);
  const bool composed =
      node.name == "logsumexp" || node.name == "logit" || node.name == "square" || node.name == "detach";
  if (!op && !composed)
    return parse_error(node.column,
                       "there is no function '" + node.name + "'" + did_you_mean(node.name, function_names()));
  const size_t wanted = op ? static_cast<size_t>(operand_count(*op)) : 1;
  if (node.name != "logsumexp" && node.children.size() != wanted)
    return parse_error(
        node.column, concat(node.name, " takes ", counted(wanted, "argument"), ", here it has ", node.children.size()));
  std::vector<ValueId> arguments;
  for (const uint32_t child : node.children) {
    GPU_ASSIGN(const ValueId argument, evaluate(expression, child, scope));
    arguments.push_back(argument);
  }
  if (op) return graph_.apply(*op, arguments);
  if (node.name == "logsumexp") return log_sum_exp(arguments);
  if (node.name == "detach") return graph_.detach(arguments[0]);
  if (node.name == "square") return graph_.apply(ScalarOp::kMultiply, arguments[0], arguments[0]);
  const ValueId rest = graph_.apply(ScalarOp::kLog1p, graph_.apply(ScalarOp::kNegate, arguments[0]));
  return graph_.apply(ScalarOp::kSubtract, graph_.apply(ScalarOp::kLog, arguments[0]), rest);
}

Result<ValueId> Elaborator::sum(const Expression& expression, uint32_t id, const Scope& scope) {
  const Expression::Node& node = expression.nodes[id];
  for (const Bound& bound : scope.bound)
    if (bound.name == node.name) return parse_error(node.column, "the index '" + node.name + "' is in use already");
  if (dimensions_of(node.name, scope)) return parse_error(node.column, "'" + node.name + "' names something else");
  std::optional<uint16_t> dimension;
  if (!node.over.empty()) {
    const auto named = position(model_.symbols.dimensions, node.over);
    if (!named)
      return parse_error(node.column, "there is no dimension '" + node.over + "'" +
                                          there_are(node.over, names_of(model_.symbols.dimensions)));
    dimension = static_cast<uint16_t>(*named);
  } else {
    dimension = inferred_dimension(expression, node.children[0], node.name, scope);
    if (!dimension)
      return parse_error(node.column, "nothing says what '" + node.name + "' runs over: write sum(" + node.name +
                                          " in DIMENSION, ...)");
  }
  const IndexId index = graph_.fresh_index(*dimension, scope.active);
  Scope inner = scope;
  inner.bound.push_back({node.name, graph_.index(index), *dimension});
  inner.active |= index_bit(index);
  GPU_ASSIGN(const ValueId body, evaluate(expression, node.children[0], inner));
  return graph_.sum(index, body);
}

Result<ValueId> Elaborator::reference(const Expression& expression, uint32_t id, const Scope& scope) {
  const Expression::Node& node = expression.nodes[id];
  const Symbols& symbols = model_.symbols;
  for (const Bound& bound : scope.bound)
    if (bound.name == node.name) {
      if (!node.children.empty()) return parse_error(node.column, "the index '" + node.name + "' takes no brackets");
      return bound.place;
    }
  const auto dimensions = dimensions_of(node.name, scope);
  if (!dimensions) {
    if (node.name == "pi" && node.children.empty()) return graph_.constant(std::numbers::pi);
    return parse_error(node.column,
                       "nothing here is called '" + node.name + "'" + did_you_mean(node.name, names_in(scope)));
  }
  GPU_ASSIGN(const auto at, places(expression, id, *dimensions, scope));
  const ValueId place = at.empty() ? kNoValue : at[0];
  if (const auto i = position(symbols.parameters, node.name)) return graph_.parameter(static_cast<uint16_t>(*i));
  if (const auto i = position(symbols.variables, node.name)) return constrained(static_cast<uint16_t>(*i), place);
  if (const auto i = position(symbols.data, node.name)) return graph_.data(static_cast<uint16_t>(*i), at);
  return defined(*position(model_.definitions, node.name), place);
}

std::vector<std::string> Elaborator::names_in(const Scope& scope) const {
  std::vector<std::string> names = names_of(scope.bound);
  const auto add = [&](std::vector<std::string> more) { std::ranges::move(more, std::back_inserter(names)); };
  add(names_of(model_.symbols.parameters));
  add(names_of(model_.symbols.variables));
  add(names_of(model_.symbols.data));
  add(names_of(std::span(model_.definitions).first(scope.definitions)));
  return names;
}

Result<std::vector<ValueId>> Elaborator::places(const Expression& expression, uint32_t id,
                                                std::vector<uint16_t> dimensions, const Scope& scope) {
  const Expression::Node& node = expression.nodes[id];
  if (node.children.size() != dimensions.size())
    return parse_error(node.column, "'" + node.name + "' has " + counted(dimensions.size(), "dimension") +
                                        ", here it has " + counted(node.children.size(), "place"));
  std::vector<ValueId> values;
  for (size_t i = 0; i < dimensions.size(); ++i) {
    GPU_ASSIGN(const Place at, place(expression, node.children[i], scope));
    if (at.dimension && *at.dimension != dimensions[i]) {
      const auto& names = model_.symbols.dimensions;
      return parse_error(expression.nodes[node.children[i]].column, "a place in '" + names[*at.dimension].name +
                                                                        "' where '" + node.name + "' has '" +
                                                                        names[dimensions[i]].name + "'");
    }
    const Expression::Node& child = expression.nodes[node.children[i]];
    if (child.kind == Kind::kNumber) note_place(expression, id, dimensions[i], child.number);
    values.push_back(at.value);
  }
  return values;
}

Result<Elaborator::Place> Elaborator::place(const Expression& expression, uint32_t id, const Scope& scope) {
  const Expression::Node& node = expression.nodes[id];
  if (node.kind == Kind::kNumber) return Place{graph_.constant(node.number), std::nullopt};
  for (const Bound& bound : scope.bound)
    if (bound.name == node.name && node.children.empty()) return Place{bound.place, bound.dimension};
  const auto i = position(model_.symbols.data, node.name);
  if (!i || !model_.symbols.data[*i].indexes_into)
    return parse_error(node.column, "'" + node.name + "' is neither an index in use here nor data that holds indices");
  GPU_ASSIGN(const ValueId value, reference(expression, id, scope));
  return Place{value, model_.symbols.data[*i].indexes_into};
}

std::optional<std::vector<uint16_t>> Elaborator::dimensions_of(const std::string& name, const Scope& scope) const {
  const Symbols& symbols = model_.symbols;
  if (position(symbols.parameters, name)) return std::vector<uint16_t>();
  const auto of_optional = [](const auto& dimension) {
    return dimension ? std::vector<uint16_t>{*dimension} : std::vector<uint16_t>();
  };
  if (const auto i = position(symbols.variables, name)) return of_optional(symbols.variables[*i].dimension);
  if (const auto i = position(symbols.data, name)) return symbols.data[*i].dimensions;
  if (const auto i = position(model_.definitions, name); i && *i < scope.definitions) {
    const auto& loop = model_.definitions[*i].loop;
    return loop ? std::vector<uint16_t>{loop->dimension} : std::vector<uint16_t>();
  }
  return std::nullopt;
}

std::optional<uint16_t> Elaborator::inferred_dimension(const Expression& expression, uint32_t id,
                                                       const std::string& index, const Scope& scope) const {
  const std::vector<uint32_t> line = line_down(expression, id);
  if (line.size() > 1) {
    auto found = inferred_dimension(expression, line.back(), index, scope);
    for (size_t i = line.size() - 1; i-- > 0 && !found;)
      found = inferred_dimension(expression, expression.nodes[line[i]].children[1], index, scope);
    return found;
  }
  const Expression::Node& node = expression.nodes[id];
  const auto dimensions = node.kind == Kind::kReference ? dimensions_of(node.name, scope) : std::nullopt;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Expression::Node& child = expression.nodes[node.children[i]];
    const bool bare = child.kind == Kind::kReference && child.name == index && child.children.empty();
    if (bare && dimensions && i < dimensions->size()) return (*dimensions)[i];
    if (const auto found = inferred_dimension(expression, node.children[i], index, scope)) return found;
  }
  return std::nullopt;
}

Result<ValueId> Elaborator::defined(size_t i, ValueId place) {
  const auto found = known_.find({i, place});
  if (found != known_.end()) return found->second;
  const Definition& definition = model_.definitions[i];
  Scope scope{.definitions = i};
  if (definition.loop) {
    scope.bound.push_back({definition.loop->index, place, definition.loop->dimension});
    scope.active = graph_[place].free;
  }
  const auto root = static_cast<uint32_t>(definition.expression.nodes.size() - 1);
  GPU_ASSIGN(const ValueId value, evaluate(definition.expression, root, scope));
  known_.emplace(std::pair(i, place), value);
  return value;
}

Result<ValueId> Elaborator::definition(size_t i) {
  const auto& loop = model_.definitions[i].loop;
  return defined(i, loop ? graph_.index(graph_.index_over(loop->dimension, 0)) : kNoValue);
}

void Elaborator::note_place(const Expression& expression, uint32_t id, uint16_t dimension, double place) {
  const auto at = static_cast<int64_t>(place);
  const auto found = greatest_.find(dimension);
  if (found != greatest_.end() && found->second.place >= at) return;
  const auto path_in = [&](const auto& list, const char* folder) -> std::string {
    for (size_t i = 0; i < list.size(); ++i)
      if (&list[i].expression == &expression) return expression_path(folder, i);
    return {};
  };
  std::string path = path_in(model_.terms, "terms");
  if (path.empty()) path = path_in(model_.definitions, "definitions");
  greatest_[dimension] = {.dimension = dimension,
                          .place = at,
                          .text = text_of(expression, id),
                          .path = std::move(path),
                          .column = expression.nodes[id].column};
}

std::vector<FixedPlace> Elaborator::places() const {
  std::vector<FixedPlace> places;
  places.reserve(greatest_.size());
  for (const auto& [dimension, place] : greatest_) places.push_back(place);
  return places;
}

Result<ValueId> Elaborator::term(size_t i) {
  const Term& term = model_.terms[i];
  Scope scope{.definitions = model_.definitions.size()};
  IndexId index = 0;
  if (term.loop) {
    index = graph_.index_over(term.loop->dimension, 0);
    scope.bound.push_back({term.loop->index, graph_.index(index), term.loop->dimension});
    scope.active = index_bit(index);
  }
  GPU_ASSIGN(const ValueId value,
             evaluate(term.expression, static_cast<uint32_t>(term.expression.nodes.size() - 1), scope));
  if (graph_.full()) return too_large();
  return term.loop ? graph_.sum(index, value) : value;
}

ValueId Elaborator::constrained(uint16_t variable, ValueId place) {
  const ValueId u = graph_.coordinate(variable, place);
  switch (model_.symbols.variables[variable].transform) {
    case Transform::kIdentity:
      return u;
    case Transform::kExp:
      return graph_.apply(ScalarOp::kExp, u);
    case Transform::kSoftplus:
      return graph_.apply(ScalarOp::kSoftplus, u);
    default:
      return graph_.apply(ScalarOp::kSigmoid, u);
  }
}

ValueId Elaborator::log_jacobian(uint16_t variable) {
  const Variable& row = model_.symbols.variables[variable];
  IndexId index = 0;
  ValueId place = kNoValue;
  if (row.dimension) {
    index = graph_.index_over(*row.dimension, 0);
    place = graph_.index(index);
  }
  const ValueId u = graph_.coordinate(variable, place);
  ValueId logarithm = u;
  if (row.transform != Transform::kExp) logarithm = graph_.apply(ScalarOp::kLogSigmoid, u);
  if (row.transform == Transform::kSigmoid)
    logarithm = graph_.apply(ScalarOp::kAdd, logarithm,
                             graph_.apply(ScalarOp::kLogSigmoid, graph_.apply(ScalarOp::kNegate, u)));
  return row.dimension ? graph_.sum(index, logarithm) : logarithm;
}

}  // namespace gpu_node::chain
