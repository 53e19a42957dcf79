#include "chain/binding.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"
#include "scalar/special_functions.h"

namespace gpu_node::chain {
namespace {

Error invalid(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

template <typename T, typename List>
Result<void> check_known(const std::map<std::string, T>& given, const List& list, const std::string& sort) {
  for (const auto& [name, value] : given) {
    if (std::any_of(list.begin(), list.end(), [&](const auto& row) { return row.name == name; })) continue;
    std::string known;
    for (const auto& row : list) known += concat(known.empty() ? "" : ", ", "'", row.name, "'");
    return invalid(
        concat("there is no ", sort, " '", name, "'; ", known.empty() ? "there are none" : "there are ", known));
  }
  return {};
}

Result<std::vector<double>> bind_parameters(const Program& program, const Inputs& inputs) {
  std::vector<double> values;
  for (const Parameter& parameter : program.symbols.parameters) {
    const auto given = inputs.parameters.find(parameter.name);
    if (given == inputs.parameters.end() && !parameter.default_value)
      return invalid("parameter '" + parameter.name + "' is not given and has no default");
    const double value = given == inputs.parameters.end() ? *parameter.default_value : given->second;
    if (!contains(parameter.support, value))
      return invalid(
          concat("parameter '", parameter.name, "' is ", std::to_string(value), ", not ", name_of(parameter.support)));
    values.push_back(value);
  }
  return values;
}

class Sizes {
 public:
  explicit Sizes(const std::vector<Dimension>& dimensions) : names_(dimensions), sizes_(dimensions.size(), -1) {}

  Result<void> set(size_t dimension, int64_t size, const std::string& source) {
    const std::string name = "dimension '" + names_[dimension].name + "'";
    if (size < 1 || size > kMaxDimensionSize)
      return invalid(concat(name, " is ", size, " long by ", source, "; 1 to ", kMaxDimensionSize, " is possible"));
    if (sizes_[dimension] >= 0 && sizes_[dimension] != size)
      return invalid(concat(name, " is ", sizes_[dimension], " long, but ", size, " by ", source));
    sizes_[dimension] = size;
    return {};
  }
  Result<std::vector<int64_t>> take() {
    for (size_t i = 0; i < sizes_.size(); ++i)
      if (sizes_[i] < 0) return invalid("nothing says how long dimension '" + names_[i].name + "' is");
    return std::move(sizes_);
  }

 private:
  const std::vector<Dimension>& names_;
  std::vector<int64_t> sizes_;
};

Result<void> check_array(const Data& row, const Array& array) {
  const std::string name = "data '" + row.name + "'";
  if (array.shape.size() != row.dimensions.size())
    return invalid(concat(name, " has rank ", array.shape.size(), ", declared is ", row.dimensions.size()));
  int64_t count = 1;
  for (const int64_t size : array.shape) {
    if (size < 1 || size > kMaxDimensionSize || count > kMaxDimensionSize)
      return invalid(name + " has a dimension that is empty or too long");
    count *= size;
  }
  if (static_cast<int64_t>(array.values.size()) != count)
    return invalid(concat(name, " has ", array.values.size(), " numbers, its shape says ", count));
  for (const double value : array.values)
    if (!std::isfinite(value)) return invalid(name + " holds a number that is not finite");
  return {};
}

Result<void> check_places(const Data& row, const std::vector<double>& values, int64_t size) {
  for (const double value : values)
    if (value != std::floor(value) || value < 0 || value >= static_cast<double>(size))
      return invalid(concat("data '", row.name, "' holds ", value, ", not a place from 0 to ", size - 1));
  return {};
}

}  // namespace

Result<Binding> bind(const Program& program, const Inputs& inputs) {
  const Symbols& symbols = program.symbols;
  GPU_TRY(check_known(inputs.parameters, symbols.parameters, "parameter"));
  GPU_TRY(check_known(inputs.dimensions, symbols.dimensions, "dimension"));
  GPU_TRY(check_known(inputs.data, symbols.data, "data"));
  Binding binding;
  GPU_ASSIGN(binding.parameters, bind_parameters(program, inputs));
  Sizes sizes(symbols.dimensions);
  for (const Data& row : symbols.data) {
    const auto given = inputs.data.find(row.name);
    if (given == inputs.data.end()) return invalid("data '" + row.name + "' is not given");
    GPU_TRY(check_array(row, given->second));
    for (size_t k = 0; k < row.dimensions.size(); ++k)
      GPU_TRY(sizes.set(row.dimensions[k], given->second.shape[k], "data '" + row.name + "'"));
    binding.data.push_back(given->second.values);
  }
  for (size_t i = 0; i < symbols.dimensions.size(); ++i) {
    const auto given = inputs.dimensions.find(symbols.dimensions[i].name);
    if (given != inputs.dimensions.end()) GPU_TRY(sizes.set(i, given->second, "what is given"));
  }
  GPU_ASSIGN(binding.dimensions, sizes.take());
  for (size_t i = 0; i < symbols.data.size(); ++i)
    if (const auto into = symbols.data[i].indexes_into)
      GPU_TRY(check_places(symbols.data[i], binding.data[i], binding.dimensions[*into]));
  return binding;
}

std::vector<int64_t> coordinate_offsets(const Program& program, const Binding& binding) {
  std::vector<int64_t> offsets;
  int64_t next = 0;
  for (const Variable& variable : program.symbols.variables) {
    offsets.push_back(next);
    next += variable.dimension ? binding.dimensions[*variable.dimension] : 1;
  }
  offsets.push_back(next);
  return offsets;
}

int64_t coordinate_count(const Program& program, const Binding& binding) {
  return coordinate_offsets(program, binding).back();
}

double constrain(Transform transform, double u) {
  switch (transform) {
    case Transform::kIdentity:
      return u;
    case Transform::kExp:
      return std::exp(u);
    case Transform::kSoftplus:
      return scalar::softplus(u);
    default:
      return scalar::sigmoid(u);
  }
}

}  // namespace gpu_node::chain
