// Complex numbers on the device against std::complex<long double>: every op that computes them, special values, every
// layout.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>

#include "gpu/complex_case.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
template <typename T>
std::complex<T> product(const std::complex<T>& a, const std::complex<T>& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.imag() * b.real() + a.real() * b.imag()};
}
// In double, as parts of c128 are: there products overflow that long double holds.
Wide product_in_double(const Wide& a, const Wide& b) { return Wide(product(Parts(a), Parts(b))); }

// By a real number part by part, else as Annex G has it.
Wide quotient(const Wide& a, const Wide& b) {
  if (b.imag() == 0 && std::isfinite(b.real())) return {a.real() / b.real(), a.imag() / b.real()};
  return a / b;
}

struct UnaryRow {
  std::string op;
  std::function<Wide(const Wide&)> exact;
  double bound;
};
const UnaryRow kUnary[] = {
    {"negate", [](const Wide& z) { return -z; }, 0},
    {"conjugate", [](const Wide& z) { return std::conj(z); }, 0},
    {"real", [](const Wide& z) { return Wide(z.real()); }, 0},
    {"imag", [](const Wide& z) { return Wide(z.imag()); }, 0},
    {"abs", [](const Wide& z) { return Wide(std::hypot(z.real(), z.imag())); }, 1},
    {"is_nan", [](const Wide& z) { return Wide(has_nan(z)); }, 0},
    {"is_infinity", [](const Wide& z) { return Wide(has_infinity(z)); }, 0},
    {"sign", [](const Wide& z) { return z == Wide(0) ? z : z / std::hypot(z.real(), z.imag()); }, 2},
    {"logical_not", [](const Wide& z) { return Wide(z == Wide(0)); }, 0},
};

// Without the loss near 0.
Wide expm1(const Wide& z) {
  const long double half = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag())};
}
Wide log1p(const Wide& z) {
  const Wide one = z + Wide(1);
  if (std::abs(z) > 0.5L) return std::log(one);
  return {std::log1p(2 * z.real() + std::norm(z)) / 2, std::arg(one)};
}

// Bounds in units of the last place of the result's modulus, for c128: c64 is rounded once from there.
const UnaryRow kFunctions[] = {
    {"exp", [](const Wide& z) { return std::exp(z); }, 3},
    {"log", [](const Wide& z) { return std::log(z); }, 2},
    {"sqrt", [](const Wide& z) { return std::sqrt(z); }, 2},
    {"cos", [](const Wide& z) { return std::cos(z); }, 3},
    {"sin", [](const Wide& z) { return std::sin(z); }, 3},
    {"tan", [](const Wide& z) { return std::tan(z); }, 8},
    {"cosh", [](const Wide& z) { return std::cosh(z); }, 3},
    {"sinh", [](const Wide& z) { return std::sinh(z); }, 3},
    {"tanh", [](const Wide& z) { return std::tanh(z); }, 8},
    {"acos", [](const Wide& z) { return std::acos(z); }, 6},
    {"asin", [](const Wide& z) { return std::asin(z); }, 6},
    {"atan", [](const Wide& z) { return std::atan(z); }, 6},
    {"acosh", [](const Wide& z) { return std::acosh(z); }, 6},
    {"asinh", [](const Wide& z) { return std::asinh(z); }, 6},
    {"atanh", [](const Wide& z) { return std::atanh(z); }, 6},
    {"expm1", [](const Wide& z) { return expm1(z); }, 6},
    {"log1p", [](const Wide& z) { return log1p(z); }, 6},
    {"sigmoid", [](const Wide& z) { return Wide(1) / (Wide(1) + std::exp(-z)); }, 8},
    {"rsqrt", [](const Wide& z) { return quotient(1, std::sqrt(z)); }, 3},
    {"cbrt", [](const Wide& z) { return std::polar(std::cbrt(std::abs(z)), std::arg(z) / 3); }, 6},
};

Dtype result_of(const std::string& op, Dtype dtype) {
  switch (ir::find_op(op)->type_rule) {
    case ir::TypeRule::kPredicate:
      return u8;
    case ir::TypeRule::kReal:
    case ir::TypeRule::kComponent:
      return component_type(dtype);
    default:
      return dtype;
  }
}

}  // namespace

TEST_CASE("complex: unary ops, special values, every layout") {
  for (const UnaryRow& row : kUnary) {
    for (const Dtype dtype : kComplex) {
      const auto exact = [&row](const Wide* z) { return row.exact(z[0]); };
      for (const Layout layout : kLayouts)
        check({row.op, {tensor_of(dtype, {23, 41}, 7, layout)}, result_of(row.op, dtype), exact, row.bound}, {23, 41});
      for (const Shape& shape : {Shape{}, Shape{1}, Shape{3, 0}, Shape{70'000}})
        check({row.op, {tensor_of(dtype, shape, 3)}, result_of(row.op, dtype), exact, row.bound}, shape);
    }
  }
}

TEST_CASE("complex: functions of parts that are finite") {
  for (const UnaryRow& row : kFunctions) {
    for (const Dtype dtype : kComplex) {
      HostTensor points = tensor_of(dtype, {3000}, 11, Layout::kRowMajor, false);
      std::mt19937 random(3);
      for (int64_t i = 0; i < points.count(); ++i) {
        const double scale = i % 3 == 0 ? 1e-3 : 8;
        const auto part = [&] { return scale * (static_cast<double>(random() % 20001) / 10000 - 1); };
        Parts z(part(), part());
        // Along the axes, and in between.
        if (i % 10 == 1) z = z.real();
        if (i % 10 == 2) z = Parts(0, z.imag());
        put(points, i, z);
      }
      const auto exact = [&row](const Wide* z) { return row.exact(z[0]); };
      check({row.op, {points}, dtype, exact, dtype == c64 ? 0.51 : row.bound, false, true}, {3000});
    }
  }
}

// glibc is the oracle of signs and specials; beside a NaN Annex G leaves signs open.
TEST_CASE("complex: functions of infinities, NaN and signed zeros, as C99 has them") {
  const long double infinity = std::numeric_limits<long double>::infinity();
  const long double parts[] = {0.0L, -0.0L, 1.0L, -1.0L, 0.5L, -2.0L, infinity, -infinity, std::nan("")};
  const std::string own[] = {"expm1", "log1p", "sigmoid", "rsqrt", "cbrt"};
  for (const UnaryRow& row : kFunctions) {
    if (std::find(std::begin(own), std::end(own), row.op) != std::end(own)) continue;
    HostTensor points(c128, {81});
    for (int64_t i = 0; i < 81; ++i) put(points, i, Parts(Wide(parts[i / 9], parts[i % 9])));
    const std::vector<program::Value> operand = {to_device(points)};
    const HostTensor got = from_device(run_op(row.op, operand, {c128, {81}}));
    for (int64_t i = 0; i < 81; ++i) {
      const Wide z = at(points, i), result = at(got, i), exact = row.exact(z);
      const bool open = has_nan(exact) || has_nan(z);
      const auto same = [open](long double a, long double b) {
        if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
        if (std::isinf(a) || std::isinf(b)) return std::fabs(a) == std::fabs(b) && (open || a == b);
        return std::fabs(a - b) < 1e-14L && (open || std::fabs(b) > 1e-14L || std::signbit(a) == std::signbit(b));
      };
      const bool right = same(result.real(), exact.real()) && same(result.imag(), exact.imag());
      CHECK_MESSAGE(right, row.op << " of (" << text_of(z.real()) << ", " << text_of(z.imag()) << "): got ("
                                  << text_of(result.real()) << ", " << text_of(result.imag()) << "), expected ("
                                  << text_of(exact.real()) << ", " << text_of(exact.imag()) << ")");
    }
  }
}

TEST_CASE("complex: arithmetic and comparisons, special values, every layout, literals") {
  struct Row {
    std::string op;
    std::function<Wide(const Wide&, const Wide&)> exact;
    double c64_bound, c128_bound;
    bool each;
  };
  const Row rows[] = {
      {"add", [](const Wide& a, const Wide& b) { return a + b; }, 0.5, 0.5, true},
      {"subtract", [](const Wide& a, const Wide& b) { return a - b; }, 0.5, 0.5, true},
      {"multiply", nullptr, 0.501, 0, true},
      // A part that is less than 2^-900 of the other is lost.
      {"divide", quotient, 0.501, 1, false},
      {"equal", [](const Wide& a, const Wide& b) { return Wide(a == b); }, 0, 0, true},
      {"not_equal", [](const Wide& a, const Wide& b) { return Wide(a != b); }, 0, 0, true},
      {"logical_and", [](const Wide& a, const Wide& b) { return Wide(a != Wide(0) && b != Wide(0)); }, 0, 0, true},
      {"logical_xor", [](const Wide& a, const Wide& b) { return Wide((a != Wide(0)) != (b != Wide(0))); }, 0, 0, true},
  };
  for (const Row& row : rows) {
    for (const Dtype dtype : kComplex) {
      const double bound = dtype == c64 ? row.c64_bound : row.c128_bound;
      const Dtype result = result_of(row.op, dtype);
      const auto exact = [&row, result](const Wide* z) {
        if (row.exact) return row.exact(z[0], z[1]);
        return result == c64 ? product(z[0], z[1]) : product_in_double(z[0], z[1]);
      };
      for (const Layout layout : kLayouts)
        check({row.op,
               {tensor_of(dtype, {23, 41}, 7, layout), tensor_of(dtype, {23, 41}, 2)},
               result,
               exact,
               bound,
               row.each,
               row.op == "divide"},
              {23, 41});
      check({row.op,
             {tensor_of(dtype, {331}, 1), tensor_of(f32, {331}, 5)},
             result,
             exact,
             bound,
             row.each,
             row.op == "divide"},
            {331});
      for (const size_t literal : {0, 1}) {
        std::vector<HostTensor> operands = {tensor_of(dtype, {331}, 1), tensor_of(dtype, {331}, 5)};
        operands[literal] = tensor_of(dtype, {}, 4, Layout::kRowMajor, false);
        check({row.op, operands, result, exact, bound, row.each, row.op == "divide"}, {331}, literal);
        check({row.op, operands, result, exact, bound, row.each, row.op == "divide"}, {331});
      }
    }
  }
}

}  // namespace gpu_node::test
