#include "chain/binding.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"
#include "base/near_names.h"
#include "chain/lexer.h"
#include "scalar/special_functions.h"

namespace gpu_node::chain {
namespace {

Error invalid(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

template <typename T, typename List>
Result<void> check_known(const std::map<std::string, T>& given, const List& list, const std::string& sort) {
  for (const auto& [name, value] : given)
    if (std::none_of(list.begin(), list.end(), [&](const auto& row) { return row.name == name; }))
      return invalid("there is no " + sort + " '" + name + "'" + there_are(name, names_of(list)));
  return {};
}

// "{3, 2}".
template <typename List, typename Text>
std::string braces(const List& list, Text text) {
  std::string all;
  for (const auto& each : list) all += concat(all.empty() ? "" : ", ", text(each));
  return "{" + all + "}";
}
std::string shape_text(const std::vector<int64_t>& shape) {
  return braces(shape, [](int64_t size) { return size; });
}

// "{2, 0}": where element |at| of |shape| is, counted from 0.
std::string place_text(const std::vector<int64_t>& shape, size_t at) {
  std::vector<int64_t> place(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; at /= static_cast<size_t>(shape[axis]))
    place[axis] = static_cast<int64_t>(at % static_cast<size_t>(shape[axis]));
  return shape_text(place);
}

class Sizes {
 public:
  explicit Sizes(const std::vector<Dimension>& dimensions)
      : names_(dimensions), sizes_(dimensions.size(), -1), sources_(dimensions.size()) {}

  bool is_set(size_t dimension) const { return sizes_[dimension] >= 0; }

  Result<void> set(size_t dimension, int64_t size, const std::string& source) {
    const std::string name = "dimension '" + names_[dimension].name + "'";
    if (size < 1 || size > kMaxDimensionSize)
      return invalid(concat(name, " is ", size, " long by ", source, "; 1 to ", kMaxDimensionSize, " is possible"));
    if (is_set(dimension) && sizes_[dimension] != size)
      return invalid(
          concat(name, " is ", sizes_[dimension], " long by ", sources_[dimension], ", but ", size, " by ", source));
    if (is_set(dimension)) return {};
    sizes_[dimension] = size;
    sources_[dimension] = source;
    return {};
  }
  Result<std::vector<int64_t>> take() {
    for (size_t i = 0; i < sizes_.size(); ++i)
      if (sizes_[i] < 0)
        return invalid("nothing says how long dimension '" + names_[i].name + "' is: give it in the dimensions");
    return std::move(sizes_);
  }

 private:
  const std::vector<Dimension>& names_;
  std::vector<int64_t> sizes_;
  std::vector<std::string> sources_;
};

// Inputs held against a program.
class Binder {
 public:
  Binder(const Program& program, const Inputs& given, const Inputs& own)
      : program_(program), symbols_(program.symbols), given_(given), own_(own), sizes_(symbols_.dimensions) {}

  Result<Binding> run() {
    GPU_TRY(check_known(given_.parameters, symbols_.parameters, "parameter"));
    GPU_TRY(check_known(given_.dimensions, symbols_.dimensions, "dimension"));
    GPU_TRY(check_known(given_.data, symbols_.data, "data"));
    Binding binding;
    GPU_ASSIGN(binding.parameters, parameters());
    GPU_TRY(check_missing());
    GPU_TRY(check_data());
    GPU_TRY(dimensions());
    GPU_ASSIGN(binding.dimensions, sizes_.take());
    GPU_TRY(check_fixed_places(binding.dimensions));
    for (size_t i = 0; i < symbols_.data.size(); ++i) {
      const Array& array = *array_of(symbols_.data[i]);
      if (const auto into = symbols_.data[i].indexes_into)
        GPU_TRY(check_places(symbols_.data[i], array, *into, binding.dimensions[*into]));
      binding.data.push_back(array.values);
    }
    return binding;
  }

  // Of the data that there is.
  Result<void> check_data() {
    for (size_t i = 0; i < symbols_.data.size(); ++i) {
      const Data& row = symbols_.data[i];
      const Array* array = array_of(row);
      if (array == nullptr) continue;
      GPU_TRY(check_array(i, *array));
      const std::string source =
          (given_.data.contains(row.name) ? "data '" : "the family's own data '") + row.name + "'";
      for (size_t k = 0; k < row.dimensions.size(); ++k)
        GPU_TRY(sizes_.set(row.dimensions[k], array->shape[k], source));
    }
    return {};
  }

 private:
  const Array* array_of(const Data& row) const {
    for (const Inputs* inputs : {&given_, &own_})
      if (const auto found = inputs->data.find(row.name); found != inputs->data.end()) return &found->second;
    return nullptr;
  }

  std::string declared_shape(const Data& row) const {
    return braces(row.dimensions, [&](uint16_t dimension) { return symbols_.dimensions[dimension].name; });
  }

  Result<std::vector<double>> parameters() const {
    std::vector<double> values;
    for (const Parameter& parameter : symbols_.parameters) {
      const auto given = given_.parameters.find(parameter.name);
      if (given == given_.parameters.end() && !parameter.default_value)
        return invalid("parameter '" + parameter.name + "' is missing, it has no default");
      const double value = given == given_.parameters.end() ? *parameter.default_value : given->second;
      if (!contains(parameter.support, value))
        return invalid(concat("parameter '", parameter.name, "' is ", value, ", not ", name_of(parameter.support)));
      values.push_back(value);
    }
    return values;
  }

  Result<void> check_missing() const {
    std::string missing;
    for (const Data& row : symbols_.data)
      if (array_of(row) == nullptr)
        missing +=
            concat(missing.empty() ? "" : "; ", "data '", row.name, "' of shape ", declared_shape(row), " is missing");
    return missing.empty() ? Result<void>() : invalid(missing);
  }

  Result<void> dimensions() {
    for (size_t i = 0; i < symbols_.dimensions.size(); ++i) {
      const std::string& name = symbols_.dimensions[i].name;
      if (const auto given = given_.dimensions.find(name); given != given_.dimensions.end())
        GPU_TRY(sizes_.set(i, given->second, "the dimensions that are given"));
      // Data may be longer than the family expects.
      const auto own = own_.dimensions.find(name);
      if (own != own_.dimensions.end() && !sizes_.is_set(i)) GPU_TRY(sizes_.set(i, own->second, "the family"));
    }
    return {};
  }

  Result<void> check_array(size_t symbol, const Array& array) const {
    const Data& row = symbols_.data[symbol];
    const std::string name = "data '" + row.name + "'";
    if (array.shape.size() != row.dimensions.size())
      return invalid(name + " is of shape " + shape_text(array.shape) + ", not of " + declared_shape(row));
    int64_t count = 1;
    for (const int64_t size : array.shape) {
      if (size < 1 || size > kMaxDimensionSize || count > kMaxDimensionSize)
        return invalid(name + " of shape " + shape_text(array.shape) + " has a dimension that is empty or too long");
      count *= size;
    }
    if (static_cast<int64_t>(array.values.size()) != count)
      return invalid(concat(name, " has ", array.values.size(), " numbers, its shape says ", count));
    const bool may_be_nan = is_asked(ScalarOp::kIsNan, symbol),
               may_be_infinite = is_asked(ScalarOp::kIsInfinity, symbol);
    for (size_t i = 0; i < array.values.size(); ++i) {
      const double value = array.values[i];
      if (std::isfinite(value) || (std::isnan(value) ? may_be_nan : may_be_infinite)) continue;
      return invalid(concat(name, " holds ", std::isnan(value) ? "NaN" : "an infinite number", " at ",
                            place_text(array.shape, i), ", of which the family does not ask ",
                            std::isnan(value) ? "is_nan" : "is_infinity"));
    }
    return {};
  }

  // Whether the program has |op| of this data.
  bool is_asked(ScalarOp op, size_t symbol) const {
    return std::ranges::any_of(program_.values, [&](const Value& value) {
      if (value.kind != ValueKind::kApply || value.op != op) return false;
      const Value& operand = program_.values[value.operands[0]];
      return operand.kind == ValueKind::kData && operand.symbol == symbol;
    });
  }

  Result<void> check_fixed_places(const std::vector<int64_t>& sizes) const {
    for (const FixedPlace& fixed : program_.places) {
      const int64_t size = sizes[fixed.dimension];
      if (fixed.place < size) continue;
      return with_details(
          parse_error(fixed.column, concat("'", fixed.text, "' is read at place ", fixed.place, " of '",
                                           symbols_.dimensions[fixed.dimension].name, "', which are 0 to ", size - 1)),
          {.stage = "check", .path = fixed.path, .line = fixed.line});
    }
    return {};
  }

  Result<void> check_places(const Data& row, const Array& array, uint16_t dimension, int64_t size) const {
    for (size_t i = 0; i < array.values.size(); ++i) {
      const double value = array.values[i];
      if (value == std::floor(value) && value >= 0 && value < static_cast<double>(size)) continue;
      return invalid(concat("data '", row.name, "' holds ", value, " at ", place_text(array.shape, i),
                            ", no place in '", symbols_.dimensions[dimension].name, "', which are 0 to ", size - 1));
    }
    return {};
  }

  const Program& program_;
  const Symbols& symbols_;
  const Inputs& given_;
  const Inputs& own_;
  Sizes sizes_;
};

}  // namespace

Result<Binding> bind(const Program& program, const Inputs& given, const Inputs& own) {
  return Binder(program, given, own).run();
}

Result<void> check_own(const Program& program, const Inputs& own) { return Binder(program, {}, own).check_data(); }

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
