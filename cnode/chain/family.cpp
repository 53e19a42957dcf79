// From the file's entries to a model, and what a family offers.
#include "chain/family.h"

#include <cmath>

#include "base/concat.h"
#include "base/file.h"
#include "chain/evaluator.h"
#include "chain/family_file.h"
#include "chain/json_lines.h"
#include "chain/model.h"

namespace gpu_node::chain {
namespace {

// A name or number of the file that makes no sense, and where it stands.
class Builder {
 public:
  Builder(const FamilyFile& source, const std::string& file) : source_(source), file_(file) {}

  Result<Family> build() {
    for (const FamilyEntry& entry : source_.dimensions) model_.symbols.dimensions.push_back({entry.name});
    GPU_TRY(parameters());
    GPU_TRY(variables());
    GPU_TRY(data());
    for (size_t i = 0; i < source_.definitions.size(); ++i) {
      const FamilyEntry& entry = source_.definitions[i];
      const std::string path = concat("/definitions/", i);
      GPU_ASSIGN(auto loop, loop_of(entry, path));
      GPU_ASSIGN(auto expression, expression_of(entry, path));
      model_.definitions.push_back({entry.name, std::move(loop), std::move(expression)});
    }
    for (size_t i = 0; i < source_.terms.size(); ++i) {
      const std::string path = concat("/terms/", i);
      GPU_ASSIGN(auto loop, loop_of(source_.terms[i], path));
      GPU_ASSIGN(auto expression, expression_of(source_.terms[i], path));
      model_.terms.push_back({std::move(loop), std::move(expression)});
    }
    auto compiled = compile(model_);
    if (auto* problem = std::get_if<ModelError>(&compiled)) return wrong(problem->path, problem->error.message);
    Family family{.name = source_.name,
                  .description = source_.description,
                  .program = std::get<Program>(std::move(compiled)),
                  .defaults = std::move(defaults_),
                  .example = source_.example};
    GPU_TRY(check_inputs(family));
    return family;
  }

 private:
  Error wrong(const std::string& path, const std::string& what) const {
    return family_error(file_, path, "check", what);
  }

  Result<uint16_t> dimension(const std::string& name, const std::string& path) const {
    for (size_t i = 0; i < source_.dimensions.size(); ++i)
      if (source_.dimensions[i].name == name) return static_cast<uint16_t>(i);
    return wrong(path, "there is no dimension '" + name + "'");
  }
  Result<std::vector<uint16_t>> shape_of(const FamilyEntry& entry, const std::string& path) const {
    std::vector<uint16_t> shape;
    for (size_t k = 0; k < entry.shape.size(); ++k) {
      GPU_ASSIGN(const uint16_t id, dimension(entry.shape[k], concat(path, "/shape/", k)));
      shape.push_back(id);
    }
    return shape;
  }
  Result<std::optional<Loop>> loop_of(const FamilyEntry& entry, const std::string& path) const {
    if (!entry.index) return std::optional<Loop>();
    GPU_ASSIGN(const uint16_t id, dimension(*entry.over, path + "/over"));
    return std::optional(Loop{*entry.index, id});
  }
  Result<Expression> expression_of(const FamilyEntry& entry, const std::string& path) const {
    auto expression = parse_expression(entry.expression);
    if (!expression.ok()) return family_error(file_, path + "/expression", "parse", expression.error().message);
    return expression;
  }
  Result<Support> support_of(const FamilyEntry& entry, const std::string& path) const {
    const auto support = find_support(entry.support);
    if (!support) return wrong(path + "/support", "there is no support '" + entry.support + "'");
    return *support;
  }

  Result<void> parameters() {
    for (size_t i = 0; i < source_.parameters.size(); ++i) {
      const FamilyEntry& entry = source_.parameters[i];
      const std::string path = concat("/parameters/", i);
      GPU_ASSIGN(const Support support, support_of(entry, path));
      if (entry.default_value && !contains(support, *entry.default_value))
        return wrong(path + "/default", "not " + entry.support);
      model_.symbols.parameters.push_back({entry.name, support, entry.default_value});
    }
    return {};
  }

  Result<void> variables() {
    for (size_t i = 0; i < source_.variables.size(); ++i) {
      const FamilyEntry& entry = source_.variables[i];
      const std::string path = concat("/variables/", i);
      GPU_ASSIGN(const Support support, support_of(entry, path));
      const auto transform = entry.transform ? find_transform(*entry.transform) : default_transform(support);
      if (!transform) return wrong(path + "/transform", "there is no transform '" + *entry.transform + "'");
      if (!maps_onto(*transform, support))
        return wrong(path + "/transform", std::string(name_of(*transform)) + " does not map onto " + entry.support);
      GPU_ASSIGN(const auto shape, shape_of(entry, path));
      if (shape.size() > 1) return wrong(path + "/shape", "a variable has one dimension at most");
      model_.symbols.variables.push_back(
          {entry.name, shape.empty() ? std::nullopt : std::optional(shape[0]), support, *transform});
    }
    return {};
  }

  Result<void> data() {
    for (size_t i = 0; i < source_.data.size(); ++i) {
      const FamilyEntry& entry = source_.data[i];
      const std::string path = concat("/data/", i);
      GPU_ASSIGN(auto shape, shape_of(entry, path));
      std::optional<uint16_t> into;
      if (entry.indexes_into) {
        GPU_ASSIGN(into, dimension(*entry.indexes_into, path + "/indexes_into"));
      }
      model_.symbols.data.push_back({entry.name, std::move(shape), into});
      if (entry.values) defaults_.data[entry.name] = *entry.values;
    }
    return {};
  }

  // The defaults alone need not suffice, the example must.
  Result<void> check_inputs(Family& family) const {
    for (size_t i = 0; i < source_.dimensions.size(); ++i) {
      const auto& entry = source_.dimensions[i];
      if (entry.size && (*entry.size < 1 || *entry.size > kMaxDimensionSize))
        return wrong(concat("/dimensions/", i, "/size"), "out of range");
      if (entry.size) family.defaults.dimensions[entry.name] = *entry.size;
    }
    const auto binding = bind(family, family.example.inputs);
    if (!binding.ok()) return wrong("/example", binding.error().message);
    if (const auto at = coordinates(family.program, *binding, family.example.point); !at.ok())
      return wrong("/example/unconstrained", at.error().message);
    if (const auto at = coordinates(family.program, *binding, family.example.gradient); !at.ok())
      return wrong("/example/gradient", at.error().message);
    return {};
  }

  const FamilyFile& source_;
  const std::string& file_;
  Model model_;
  Inputs defaults_;
};

}  // namespace

Result<Family> parse_family(std::string_view text, const std::string& file) {
  auto family = [&]() -> Result<Family> {
    GPU_ASSIGN(const FamilyFile source, read_family_file(text, file));
    return Builder(source, file).build();
  }();
  if (family.ok() || family.error().details == nullptr || family.error().details->line != 0) return family;
  Error error = std::move(family).error();
  ErrorDetails details = *error.details;
  details.line = line_of(text, details.path);
  error.details = std::make_shared<const ErrorDetails>(std::move(details));
  return error;
}

Result<Family> load_family(const std::string& path) {
  GPU_ASSIGN(const std::string text, read_file(path, kMaxFamilyBytes));
  return parse_family(text, path);
}

Result<Binding> bind(const Family& family, const Inputs& inputs) {
  Inputs all = inputs;
  all.parameters.insert(family.defaults.parameters.begin(), family.defaults.parameters.end());
  all.data.insert(family.defaults.data.begin(), family.defaults.data.end());
  // Data that is given may be longer than the family's own, so a default length yields to it.
  for (const auto& [name, size] : family.defaults.dimensions) {
    bool told = false;
    for (const Data& row : family.program.symbols.data)
      for (const uint16_t dimension : row.dimensions)
        told = told || family.program.symbols.dimensions[dimension].name == name;
    if (!told) all.dimensions.emplace(name, size);
  }
  return bind(family.program, all);
}

Result<std::vector<double>> coordinates(const Program& program, const Binding& binding,
                                        const std::map<std::string, std::vector<double>>& point) {
  std::vector<double> all;
  const auto& variables = program.symbols.variables;
  const auto offsets = coordinate_offsets(program, binding);
  for (size_t i = 0; i < variables.size(); ++i) {
    const auto found = point.find(variables[i].name);
    const auto wanted = static_cast<size_t>(offsets[i + 1] - offsets[i]);
    const std::string name = "variable '" + variables[i].name + "'";
    if (found == point.end()) return Error{ErrorCode::kInvalidArgument, name + " is missing"};
    if (found->second.size() != wanted)
      return Error{ErrorCode::kInvalidArgument, concat(name, " has ", found->second.size(), " numbers, not ", wanted)};
    all.insert(all.end(), found->second.begin(), found->second.end());
  }
  if (point.size() != variables.size()) return Error{ErrorCode::kInvalidArgument, "more names than variables"};
  return all;
}

Result<void> check_example(const Family& family) {
  const Example& example = family.example;
  GPU_ASSIGN(const Binding binding, bind(family, example.inputs));
  GPU_ASSIGN(const auto position, coordinates(family.program, binding, example.point));
  GPU_ASSIGN(const auto gradient, coordinates(family.program, binding, example.gradient));
  GPU_ASSIGN(Evaluator evaluator, Evaluator::make(family.program, binding));
  const Density density = evaluator.evaluate(position);
  const auto close = [](double a, double b) { return std::fabs(a - b) <= 1e-9 * std::fmax(1, std::fabs(b)); };
  const auto differs = [&](const std::string& what, double found, double wanted) {
    return Error{ErrorCode::kInvalidArgument,
                 concat(family.name, ": /example: check: ", what, " is ", std::to_string(found), ", the file says ",
                        std::to_string(wanted))};
  };
  if (!close(density.logp, example.logp)) return differs("logp", density.logp, example.logp);
  for (size_t i = 0; i < gradient.size(); ++i)
    if (!close(density.gradient[i], gradient[i]))
      return differs(concat("gradient ", i), density.gradient[i], gradient[i]);
  return {};
}

}  // namespace gpu_node::chain
