#include "gpu/complex_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

namespace gpu_node::test {

using enum Dtype;

Wide at(const HostTensor& tensor, int64_t flat) {
  const std::byte* element = tensor.element(tensor.position(flat));
  if (!is_complex(tensor.dtype)) return decoded(tensor.dtype, element).as_real();
  const Dtype part = component_type(tensor.dtype);
  return {decoded(part, element).real, decoded(part, element + dtype_size_bytes(part)).real};
}

void put(HostTensor& tensor, int64_t flat, Parts value) {
  std::byte* element = tensor.element(tensor.position(flat));
  if (!is_complex(tensor.dtype)) return encode(tensor.dtype, Number::of_real(value.real()), element);
  const Dtype part = component_type(tensor.dtype);
  encode(part, Number::of_real(value.real()), element);
  encode(part, Number::of_real(value.imag()), element + dtype_size_bytes(part));
}

HostTensor tensor_of(Dtype dtype, const Shape& shape, uint32_t seed, Layout layout, bool special) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  const double infinity = std::numeric_limits<double>::infinity();
  const bool wide = component_type(dtype) == f64;
  const double large = wide ? 1.5e308 : 3e38, small = wide ? 3e-308 : 2e-38;
  const double specials[] = {0.0, -0.0, 1.0, -1.0, infinity, -infinity, std::nan(""), large, -small, 0.5};
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  const auto number = [&] { return unit(random) * std::exp2(unit(random) * (random() % 4 == 0 ? 40 : 3)); };
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const Parts mixed(number(), number());
    const auto turn = static_cast<size_t>(i + seed % 7) % 200;
    put(tensor, i, special && turn < 100 ? Parts(specials[turn % 10], specials[turn / 10]) : mixed);
  }
  return tensor;
}

double off(Dtype part, Wide got, Wide exact, bool each) {
  const auto unit = [part](long double x) {
    const int digits = part == f32 ? 24 : 53, least = part == f32 ? -149 : -1074;
    int exponent = 0;
    std::frexp(x, &exponent);
    return std::ldexp(1.0L, std::max(exponent - digits, least));
  };
  const auto top =
      static_cast<long double>(part == f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max());
  const auto one = [&](long double g, long double e, long double size) -> double {
    if (std::isnan(e) || std::isnan(g)) return std::isnan(e) && std::isnan(g) ? 0 : HUGE_VAL;
    if (std::isinf(g) && std::fabs(e) >= top) return std::signbit(g) == std::signbit(e) ? 0 : HUGE_VAL;
    if (std::isinf(e) || std::isinf(g)) return HUGE_VAL;
    return static_cast<double>(std::fabs(g - e) / unit(size));
  };
  const long double re = std::fabs(exact.real()), im = std::fabs(exact.imag());
  const long double larger = std::isfinite(re) && std::isfinite(im) ? std::max(re, im) : 0;
  return std::max(one(got.real(), exact.real(), each ? re : std::max(re, larger)),
                  one(got.imag(), exact.imag(), each ? im : std::max(im, larger)));
}

bool has_nan(const Wide& z) { return std::isnan(z.real()) || std::isnan(z.imag()); }
bool has_infinity(const Wide& z) { return std::isinf(z.real()) || std::isinf(z.imag()); }

std::string text_of(long double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9Lg", number);
  return text;
}

namespace {

program::Value value_of(const HostTensor& tensor, bool literal) {
  if (!literal) return to_device(tensor);
  const Wide z = at(tensor, 0);
  return Scalar{tensor.dtype, Parts(static_cast<double>(z.real()), static_cast<double>(z.imag()))};
}

}  // namespace

void check(const Check& test, const Shape& shape, size_t literal) {
  std::vector<program::Value> values;
  for (size_t k = 0; k < test.operands.size(); ++k) values.push_back(value_of(test.operands[k], k == literal));
  const HostTensor got = from_device(run_op(test.op, values, {test.result, shape}));
  int wrong = 0;
  for (int64_t i = 0; i < got.count() && wrong < 3; ++i) {
    Wide operands[3];
    std::string text;
    for (size_t k = 0; k < test.operands.size(); ++k) {
      operands[k] = at(test.operands[k], test.operands[k].map.shape.empty() ? 0 : i);
      text += " (" + text_of(operands[k].real()) + ", " + text_of(operands[k].imag()) + ")";
    }
    const Wide result = at(got, i), exact = test.exact(operands);
    const double distance = is_integer(test.result) ? (result == exact ? 0 : HUGE_VAL)
                                                    : off(component_type(test.result), result, exact, test.each);
    if (distance <= test.bound) continue;
    if (test.by_class && !std::isfinite(exact.real() + exact.imag()) && has_infinity(result) == has_infinity(exact) &&
        (has_infinity(exact) || has_nan(result)))
      continue;
    ++wrong;
    FAIL_CHECK(test.op << " " << dtype_name(test.operands[0].dtype) << ", element " << i << ", of" << text << ": got ("
                       << static_cast<double>(result.real()) << ", " << static_cast<double>(result.imag())
                       << "), expected (" << static_cast<double>(exact.real()) << ", "
                       << static_cast<double>(exact.imag()) << "), off by " << distance);
  }
}

}  // namespace gpu_node::test
