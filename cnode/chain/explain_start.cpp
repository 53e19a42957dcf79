#include "chain/explain_start.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/concat.h"
#include "chain/evaluator.h"

namespace gpu_node::chain {
namespace {

// Of the values of a model that are computed here together: some tens of milliseconds of the device thread.
constexpr int64_t kMostComputed = int64_t{1} << 20;
constexpr size_t kMostNamed = 8;  // coordinates

std::string number_text(double number) {
  if (std::isnan(number)) return "nan";  // whatever its sign
  std::array<char, 32> buffer{};
  return {buffer.data(),
          std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::general, 7).ptr};
}

// The number that coordinate |i| has in its variable: "theta[3]", or "mu".
std::string coordinate_name(const DeviceModel& model, size_t i) {
  const std::vector<int64_t>& offsets = model.offsets();
  const auto after = std::upper_bound(offsets.begin(), offsets.end(), static_cast<int64_t>(i));
  const auto v = static_cast<size_t>(after - offsets.begin()) - 1;
  const Variable& variable = model.program().symbols.variables[v];
  if (!variable.dimension) return variable.name;
  return concat(variable.name, "[", static_cast<int64_t>(i) - offsets[v], "]");
}

std::string coordinates_text(const DeviceModel& model, const std::vector<double>& position) {
  std::string text;
  for (size_t i = 0; i < std::min(position.size(), kMostNamed); ++i)
    text += concat(i == 0 ? "" : ", ", coordinate_name(model, i), " = ", number_text(position[i]));
  if (position.size() > kMostNamed) text += concat(" and ", position.size() - kMostNamed, " more");
  return text;
}

// As the model's type has it.
double narrowed(double number, Dtype dtype) {
  return dtype == Dtype::f64 ? number : static_cast<double>(static_cast<float>(number));
}

std::string cause(const DeviceModel& model, const std::vector<double>& position) {
  const std::shared_ptr<const Terms>& terms = model.program().terms;
  if (terms == nullptr) return "its log density has no terms by name";
  auto of_terms = Evaluator::make(terms->program, model.binding(), kMostComputed);
  if (!of_terms.ok()) return "which term it is was not computed: " + of_terms.error().message;
  const auto said = [&](const std::string& what, double number) {
    if (!std::isfinite(number)) return concat(what, " is ", number_text(number));
    return concat(what, " is ", number_text(number), ", beyond what ", dtype_info(model.dtype()).name, " holds");
  };
  of_terms->compute(position);
  for (size_t i = 0; i < terms->names.size(); ++i)
    if (const double number = of_terms->value(terms->values[i]); !std::isfinite(narrowed(number, model.dtype())))
      return said(terms->names[i], number);
  auto whole = Evaluator::make(model.program(), model.binding(), kMostComputed);
  if (!whole.ok()) return "its terms are finite, and the gradient was not computed: " + whole.error().message;
  const Density density = whole->evaluate(position);
  for (size_t i = 0; i < density.gradient.size(); ++i)
    if (!std::isfinite(narrowed(density.gradient[i], model.dtype())))
      return said("its terms are finite, but the derivative by " + coordinate_name(model, i), density.gradient[i]);
  return concat("in double it is finite, ", number_text(density.logp), ", but ", dtype_info(model.dtype()).name,
                " is too narrow for something that it is computed of");
}

}  // namespace

Error no_finite_density(const DeviceModel& model, const Start& start) {
  const std::vector<double>& position = start.position;
  std::string text = concat("chain ", start.chain);
  if (start.alike > 1) text += concat(", as ", start.alike - 1, " more of ", start.chains, ",");
  if (start.given) {
    text += " cannot start where it is given: ";
    const auto odd = std::find_if(position.begin(), position.end(), [](double x) { return !std::isfinite(x); });
    if (odd != position.end()) {
      text += concat("coordinate ", coordinate_name(model, static_cast<size_t>(odd - position.begin())), " is ",
                     number_text(*odd));
      return {ErrorCode::kInvalidArgument, text};
    }
    text += "the log density or its gradient is not finite at ";
  } else {
    text += concat(" has no finite log density and gradient at any of ", start.attempts,
                   " random starts, each coordinate in [-2, 2): the last is ");
  }
  text += concat(coordinates_text(model, position), " (unconstrained), where ", cause(model, position));
  return {ErrorCode::kInvalidArgument, text};
}

}  // namespace gpu_node::chain
