// From the file's entries to a model, and what a family offers.
#include "chain/family.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"
#include "base/file.h"
#include "base/near_names.h"
#include "chain/evaluator.h"
#include "chain/family_file.h"
#include "chain/json_lines.h"
#include "chain/model.h"

namespace gpu_node::chain {
namespace {

constexpr double kExampleTolerance = 1e-9;

// A name or number of the file that makes no sense, and where it stands.
class Builder {
 public:
  Builder(const FamilyFile& source, const std::string& file) : source_(source), file_(file) {}

  Result<Family> build() {
    GPU_TRY(names());
    GPU_TRY(expressions());
    auto compiled = compile(model_);
    if (auto* problem = std::get_if<ModelError>(&compiled)) return wrong(problem->path, problem->error.message);
    Family family{.name = source_.name,
                  .description = source_.description,
                  .program = std::get<Program>(std::move(compiled)),
                  .defaults = std::move(defaults_),
                  .example = source_.example};
    if (const auto own = check_own(family.program, family.defaults); !own.ok())
      return wrong("/data", own.error().message);
    if (family.example) GPU_TRY(check_example(family));
    return family;
  }

 private:
  Error wrong(const std::string& path, const std::string& what) const {
    return family_error(file_, path, "check", what);
  }

  Result<uint16_t> dimension(const std::string& name, const std::string& path) const {
    for (size_t i = 0; i < source_.dimensions.size(); ++i)
      if (source_.dimensions[i].name == name) return static_cast<uint16_t>(i);
    return wrong(path, "there is no dimension '" + name + "'" + there_are(name, names_of(source_.dimensions)));
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
    if (!support)
      return wrong(path + "/support",
                   "there is no support '" + entry.support + "'" + there_are(entry.support, support_names()));
    return *support;
  }

  Result<void> names() {
    if (!is_name(source_.name)) return wrong("/name", "'" + source_.name + "' cannot be a name");
    GPU_TRY(dimensions());
    GPU_TRY(parameters());
    GPU_TRY(variables());
    GPU_TRY(data());
    for (size_t i = 0; i < source_.definitions.size(); ++i) {
      GPU_ASSIGN(auto loop, loop_of(source_.definitions[i], concat("/definitions/", i)));
      model_.definitions.push_back({source_.definitions[i].name, std::move(loop), {}});
    }
    for (size_t i = 0; i < source_.terms.size(); ++i) {
      GPU_ASSIGN(auto loop, loop_of(source_.terms[i], concat("/terms/", i)));
      model_.terms.push_back({std::move(loop), {}});
    }
    if (const auto problem = check_names(model_)) return wrong(problem->path, problem->error.message);
    return {};
  }

  Result<void> expressions() {
    for (size_t i = 0; i < source_.definitions.size(); ++i) {
      GPU_ASSIGN(model_.definitions[i].expression, expression_of(source_.definitions[i], concat("/definitions/", i)));
    }
    for (size_t i = 0; i < source_.terms.size(); ++i) {
      GPU_ASSIGN(model_.terms[i].expression, expression_of(source_.terms[i], concat("/terms/", i)));
    }
    return {};
  }

  Result<void> dimensions() {
    for (size_t i = 0; i < source_.dimensions.size(); ++i) {
      const FamilyEntry& entry = source_.dimensions[i];
      model_.symbols.dimensions.push_back({entry.name});
      if (!entry.size) continue;
      if (*entry.size < 1 || *entry.size > kMaxDimensionSize)
        return wrong(concat("/dimensions/", i, "/size"), concat(*entry.size, " is not from 1 to ", kMaxDimensionSize));
      defaults_.dimensions[entry.name] = *entry.size;
    }
    return {};
  }

  Result<void> parameters() {
    for (size_t i = 0; i < source_.parameters.size(); ++i) {
      const FamilyEntry& entry = source_.parameters[i];
      const std::string path = concat("/parameters/", i);
      GPU_ASSIGN(const Support support, support_of(entry, path));
      if (entry.default_value && !contains(support, *entry.default_value))
        return wrong(path + "/default", concat(*entry.default_value, " is not ", entry.support));
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
      if (!transform)
        return wrong(path + "/transform", "there is no transform '" + *entry.transform + "'" +
                                              there_are(*entry.transform, transform_names()));
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

  // Whether the example is what the program gives.
  Result<void> check_example(const Family& family) const {
    const Example& example = *family.example;
    const auto binding = bind(family, example.inputs);
    if (!binding.ok() && binding.error().details != nullptr)
      return wrong(binding.error().details->path, binding.error().message + " in the example");
    if (!binding.ok()) return wrong("/example", binding.error().message);
    const auto position = coordinates(family.program, *binding, example.point);
    if (!position.ok()) return wrong("/example/unconstrained", position.error().message);
    const auto gradient = coordinates(family.program, *binding, example.gradient);
    if (!gradient.ok()) return wrong("/example/gradient", gradient.error().message);
    auto evaluator = Evaluator::make(family.program, *binding, kMaxExampleElements);
    if (!evaluator.ok()) return wrong("/example", "it cannot be checked: " + evaluator.error().message);
    const Density density = evaluator->evaluate(*position);
    const auto compare = [&](const std::string& path, const std::string& what, double found,
                             double said) -> Result<void> {
      // Not so if one is no number.
      if (std::fabs(found - said) <= kExampleTolerance * std::fmax(1, std::fabs(said))) return {};
      return wrong("/example/" + path, concat(what, " is ", found, ", the example says ", said));
    };
    GPU_TRY(compare("logp", "the log density", density.logp, example.logp));
    const auto offsets = coordinate_offsets(family.program, *binding);
    for (size_t v = 0; v + 1 < offsets.size(); ++v) {
      const Variable& variable = family.program.symbols.variables[v];
      for (auto i = static_cast<size_t>(offsets[v]); i < static_cast<size_t>(offsets[v + 1]); ++i) {
        const std::string place = variable.dimension ? concat("/", i - static_cast<size_t>(offsets[v])) : "";
        GPU_TRY(compare("gradient/" + variable.name + place, "the derivative", density.gradient[i], (*gradient)[i]));
      }
    }
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
  if (family.ok())
    for (FixedPlace& fixed : family->program.places) fixed.line = line_of(text, fixed.path);
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
  return bind(family.program, inputs, family.defaults);
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
  for (const auto& [name, numbers] : point)
    if (std::ranges::none_of(variables, [&](const Variable& variable) { return variable.name == name; }))
      return Error{ErrorCode::kInvalidArgument,
                   "there is no variable '" + name + "'" + there_are(name, names_of(variables))};
  return all;
}

}  // namespace gpu_node::chain
