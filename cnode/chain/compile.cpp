// A model's terms and transforms as one program.
#include <cassert>
#include <set>

#include "base/concat.h"
#include "chain/elaborate.h"
#include "chain/model.h"

namespace gpu_node::chain {

namespace {

constexpr size_t kMostSaid = 200;  // bytes of a term, in messages

}  // namespace

std::string expression_path(const char* folder, size_t i) { return concat("/", folder, "/", i, "/expression"); }

std::optional<ModelError> check_names(const Model& model) {
  std::set<std::string> seen;
  std::optional<ModelError> problem;
  const auto check = [&](const auto& list, const std::string& folder) {
    if (list.size() > kMaxSymbols && !problem)
      problem = {"/" + folder, {ErrorCode::kInvalidArgument, concat("more than ", kMaxSymbols, " entries")}};
    for (size_t i = 0; i < list.size() && !problem; ++i) {
      const std::string& name = list[i].name;
      const std::string path = concat("/", folder, "/", i, "/name");
      if (!is_name(name) || name == "pi")
        problem = {path, {ErrorCode::kInvalidArgument, "'" + name + "' cannot be a name"}};
      else if (!seen.insert(name).second)
        problem = {path, {ErrorCode::kInvalidArgument, "'" + name + "' names something else already"}};
    }
  };
  check(model.symbols.dimensions, "dimensions");
  seen.clear();  // a dimension never stands where another name may
  check(model.symbols.parameters, "parameters");
  check(model.symbols.variables, "variables");
  check(model.symbols.data, "data");
  check(model.definitions, "definitions");
  const auto check_index = [&](const std::optional<Loop>& loop, const std::string& path) {
    if (problem || !loop) return;
    if (!is_name(loop->index) || loop->index == "pi")
      problem = {path, {ErrorCode::kInvalidArgument, "'" + loop->index + "' cannot be a name"}};
    else if (seen.contains(loop->index))
      problem = {path, {ErrorCode::kInvalidArgument, "'" + loop->index + "' names something else already"}};
  };
  for (size_t i = 0; i < model.definitions.size(); ++i)
    check_index(model.definitions[i].loop, concat("/definitions/", i, "/index"));
  for (size_t i = 0; i < model.terms.size(); ++i) check_index(model.terms[i].loop, concat("/terms/", i, "/index"));
  return problem;
}

std::variant<Program, ModelError> compile(const Model& model, Graph::Simplify simplify) {
  if (auto problem = check_names(model)) return std::move(*problem);
  if (model.symbols.variables.empty())
    return ModelError{"/variables", {ErrorCode::kInvalidArgument, "a model has at least one variable"}};
  if (model.terms.empty() || model.terms.size() > kMaxSymbols)
    return ModelError{"/terms", {ErrorCode::kInvalidArgument, concat("between 1 and ", kMaxSymbols, " terms")}};
  Graph graph(simplify);
  Elaborator elaborator(graph, model);
  for (size_t i = 0; i < model.definitions.size(); ++i)
    if (auto value = elaborator.definition(i); !value.ok())
      return ModelError{expression_path("definitions", i), std::move(value).error()};
  ValueId logp = kNoValue;
  std::vector<std::string> names;
  std::vector<ValueId> values;
  const auto add = [&](std::string name, ValueId part) {
    names.push_back(std::move(name));
    values.push_back(part);
    logp = logp == kNoValue ? part : graph.apply(ScalarOp::kAdd, logp, part);
  };
  for (size_t i = 0; i < model.terms.size(); ++i) {
    auto value = elaborator.term(i);
    if (!value.ok()) return ModelError{expression_path("terms", i), std::move(value).error()};
    std::string text = text_of(model.terms[i].expression);
    if (text.size() > kMostSaid) text = text.substr(0, kMostSaid) + "...";
    add(concat("term ", i, ", '", text, "',"), *value);
  }
  for (size_t i = 0; i < model.symbols.variables.size(); ++i)
    if (model.symbols.variables[i].transform != Transform::kIdentity)
      add("the log-Jacobian of " + model.symbols.variables[i].name, elaborator.log_jacobian(static_cast<uint16_t>(i)));
  std::shared_ptr<const Terms> terms;
  if (!graph.full()) terms = make_terms(model.symbols, graph, std::move(names), std::move(values));
  auto program = make_program(model.symbols, std::move(graph), logp);
  if (!program.ok()) return ModelError{"/terms", std::move(program).error()};
  program->terms = std::move(terms);
  program->places = elaborator.places();
  assert(validate(*program).ok());  // whatever the family says: what is wrong with it was an error above
  return std::move(program).value();
}

}  // namespace gpu_node::chain
