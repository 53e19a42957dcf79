#include "gpu/host_ops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "gpu/digamma.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using Real = long double;
using Unary = Real (*)(Real);
using Binary = Real (*)(Real, Real);

// Newton's method from a rough start, on whichever of erf and erfc keeps digits.
Real erf_inv(Real y) {
  if (y != y || std::fabs(y) > 1) return std::numeric_limits<Real>::quiet_NaN();
  if (std::fabs(y) == 1) return y * std::numeric_limits<Real>::infinity();
  if (y == 0) return y;
  const Real magnitude = std::fabs(y);
  const Real w = std::log1p(-magnitude * magnitude);
  const Real a = 0.147L;
  const Real half = 2 / (3.14159265358979323846L * a) + w / 2;
  Real x = std::sqrt(std::sqrt(half * half - w / a) - half);
  for (int i = 0; i < 60; ++i) {
    const Real error = magnitude < 0.5L ? std::erf(x) - magnitude : (1 - magnitude) - std::erfc(x);
    const Real step = error / (1.12837916709551257390L * std::exp(-x * x));
    const Real next = x - step / (1 + x * step);
    if (next == x) break;
    x = next;
  }
  return std::copysign(x, y);
}

const std::map<std::string, Unary>& unary_functions() {
  static const std::map<std::string, Unary> kAll = {
      {"exp", [](Real x) { return std::exp(x); }},
      {"expm1", [](Real x) { return std::expm1(x); }},
      {"log", [](Real x) { return std::log(x); }},
      {"log1p", [](Real x) { return std::log1p(x); }},
      {"sigmoid", [](Real x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }},
      {"cos", [](Real x) { return std::cos(x); }},
      {"sin", [](Real x) { return std::sin(x); }},
      {"tan", [](Real x) { return std::tan(x); }},
      {"cosh", [](Real x) { return std::cosh(x); }},
      {"sinh", [](Real x) { return std::sinh(x); }},
      {"tanh", [](Real x) { return std::tanh(x); }},
      {"acos", [](Real x) { return std::acos(x); }},
      {"asin", [](Real x) { return std::asin(x); }},
      {"atan", [](Real x) { return std::atan(x); }},
      {"acosh", [](Real x) { return std::acosh(x); }},
      {"asinh", [](Real x) { return std::asinh(x); }},
      {"atanh", [](Real x) { return std::atanh(x); }},
      {"sqrt", [](Real x) { return std::sqrt(x); }},
      {"rsqrt", [](Real x) { return 1 / std::sqrt(x); }},
      {"cbrt", [](Real x) { return std::cbrt(x); }},
      {"erf", [](Real x) { return std::erf(x); }},
      {"erfc", [](Real x) { return std::erfc(x); }},
      {"erf_inv", erf_inv},
      {"lgamma", [](Real x) { return std::lgamma(x); }},
      {"digamma", [](Real x) { return digamma<Real>(x, std::log, std::tan, std::floor, std::atan); }},
      {"softplus", [](Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }},
      {"log_sigmoid", [](Real x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }},
      {"abs", [](Real x) { return std::fabs(x); }},
      {"negate", [](Real x) { return -x; }},
      {"sign", [](Real x) { return x != x   ? 1
                                   : x == 0 ? x
                                            : std::copysign(Real{1}, x); }},
      {"ceil", [](Real x) { return std::ceil(x); }},
      {"floor", [](Real x) { return std::floor(x); }},
      {"round", [](Real x) { return std::round(x); }},
  };
  return kAll;
}

Real maximum(Real a, Real b) { return a != a ? a : b != b ? b : a >= b ? a : b; }
Real minimum(Real a, Real b) { return a != a ? a : b != b ? b : a <= b ? a : b; }

const std::map<std::string, Binary>& binary_functions() {
  static const std::map<std::string, Binary> kAll = {
      {"add", [](Real a, Real b) { return a + b; }},
      {"subtract", [](Real a, Real b) { return a - b; }},
      {"multiply", [](Real a, Real b) { return a * b; }},
      {"divide", [](Real a, Real b) { return a / b; }},
      {"pow", [](Real a, Real b) { return std::pow(a, b); }},
      {"remainder", [](Real a, Real b) { return std::fmod(a, b); }},
      {"atan2", [](Real a, Real b) { return std::atan2(a, b); }},
      {"max", maximum},
      {"min", minimum},
  };
  return kAll;
}

// The operations that IEEE 754 rounds once, in the type itself: long double would round f64 twice.
Real in_double(const std::string& op, double a, double b) {
  if (op == "add") return a + b;
  if (op == "subtract") return a - b;
  if (op == "multiply") return a * b;
  return a / b;
}

__int128 integer_pow(__int128 base, __int128 exponent, Dtype type) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 != 0 ? -1 : 1) : 0;
  unsigned __int128 result = 1;
  auto factor = static_cast<unsigned __int128>(base);
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= factor;
    factor *= factor;
  }
  return rounded(type, Number::of(static_cast<__int128>(result))).integer;
}

__int128 integer_unary(const std::string& op, __int128 a, Dtype type) {
  const int bits = dtype_info(type).bits;
  const auto raw = static_cast<uint64_t>(a) & (~uint64_t{0} >> (64 - bits));
  if (op == "abs") return a < 0 ? -a : a;
  if (op == "negate") return -a;
  if (op == "sign") return a > 0 ? 1 : a < 0 ? -1 : 0;
  if (op == "bitwise_not") return ~a;
  if (op == "count_leading_zeros") return raw == 0 ? bits : std::countl_zero(raw) - (64 - bits);
  if (op == "population_count") return std::popcount(raw);
  return a;  // ceil, floor, round
}

__int128 integer_binary(const std::string& op, __int128 a, __int128 b, Dtype type) {
  const int bits = dtype_info(type).bits;
  if (op == "add") return a + b;
  if (op == "subtract") return a - b;
  // Bits beyond the type's width do not count, so that 64-bit products may wrap.
  if (op == "multiply")
    return static_cast<__int128>(static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b));
  if (op == "max") return std::max(a, b);
  if (op == "min") return std::min(a, b);
  if (op == "pow") return integer_pow(a, b, type);
  if (op == "quotient") return b == 0 ? -1 : a / b;
  if (op == "remainder") return b == 0 ? a : a % b;
  if (op == "bitwise_and") return a & b;
  if (op == "bitwise_or") return a | b;
  if (op == "bitwise_xor") return a ^ b;
  if (op == "left_shift")
    return b < 0 || b >= bits ? 0 : static_cast<__int128>(static_cast<unsigned __int128>(a) << static_cast<int>(b));
  return a >> (b < 0 || b >= 100 ? 100 : static_cast<int>(b));  // right_shift
}

// -1, 0, 1, or 2 with NaN. Exact: long double holds every 64-bit integer.
int order(const Number& a, const Number& b) {
  if (a.is_nan() || b.is_nan()) return 2;
  if (a.is_integer && b.is_integer) return a.integer < b.integer ? -1 : a.integer > b.integer ? 1 : 0;
  const Real x = a.as_real();
  const Real y = b.as_real();
  return x < y ? -1 : x > y ? 1 : 0;
}

bool relation(const std::string& op, const Number& a, const Number& b) {
  const int c = order(a, b);
  if (op == "equal") return c == 0;
  if (op == "not_equal") return c != 0;
  if (op == "greater") return c == 1;
  if (op == "less") return c == -1;
  if (op == "greater_equal") return c == 0 || c == 1;
  if (op == "less_equal") return c == 0 || c == -1;
  if (op == "logical_and") return a.is_true() && b.is_true();
  if (op == "logical_or") return a.is_true() || b.is_true();
  if (op == "logical_xor") return a.is_true() != b.is_true();
  FAIL("no oracle for " << op);
  return false;
}

// What ops compute with: integers as they are; floats too, and among them integers of 64 bits as the nearest f64.
__int128 whole_of(const Number& x, Dtype type) { return (x.is_integer ? x : rounded(type, x)).integer; }
Real real_of(const Number& x) { return x.is_integer ? static_cast<Real>(static_cast<double>(x.integer)) : x.real; }

// |exact|, an op's result from operands of |types|: what those of small floats are computed in, f32 or f64, rounds
// first.
Number computed(Real exact, std::span<const Dtype> types, Dtype type) {
  const bool in_f32 = type != f64 && std::all_of(types.begin(), types.end(), [](Dtype from) {
                        return is_float(from) ? from != f64 : dtype_info(from).bits <= 16;
                      });
  return in_f32 && type != f32 ? rounded(f32, Number::of_real(exact)) : Number::of_real(exact);
}

Number clipped(std::span<const Number> x, Dtype type) {
  if (is_integer(type))
    return Number::of(std::min(std::max(whole_of(x[0], type), whole_of(x[1], type)), whole_of(x[2], type)));
  const Real a = real_of(x[0]), low = real_of(x[1]), high = real_of(x[2]);
  return Number::of_real(minimum(a != a ? low : maximum(a, low), high));
}

}  // namespace

Oracle oracle_of(const std::string& op) {
  if (unary_functions().contains(op) || op == "bitwise_not" || op == "count_leading_zeros" || op == "population_count")
    return [op](std::span<const Number> x, std::span<const Dtype>, Dtype type) {
      if (is_integer(type)) return Number::of(integer_unary(op, whole_of(x[0], type), type));
      return Number::of_real(unary_functions().at(op)(real_of(x[0])));
    };
  if (op == "is_nan" || op == "is_infinity" || op == "logical_not")
    return [op](std::span<const Number> x, std::span<const Dtype>, Dtype) {
      const bool infinite = !x[0].is_integer && std::isinf(x[0].real);
      return Number::of(op == "is_nan" ? x[0].is_nan() : op == "is_infinity" ? infinite : !x[0].is_true());
    };
  if (op == "real" || op == "as_type")
    return [](std::span<const Number> x, std::span<const Dtype>, Dtype) { return x[0]; };
  if (op == "imag") return [](std::span<const Number>, std::span<const Dtype>, Dtype) { return Number::of_real(0); };
  if (op == "select")
    return [](std::span<const Number> x, std::span<const Dtype>, Dtype) { return x[0].is_true() ? x[1] : x[2]; };
  if (op == "clip")
    return [](std::span<const Number> x, std::span<const Dtype>, Dtype type) { return clipped(x, type); };
  const ir::Op* row = ir::find_op(op);
  REQUIRE(row != nullptr);
  if (row->type_rule == ir::TypeRule::kPredicate)
    return
        [op](std::span<const Number> x, std::span<const Dtype>, Dtype) { return Number::of(relation(op, x[0], x[1])); };
  return [op](std::span<const Number> x, std::span<const Dtype> types, Dtype type) {
    if (is_integer(type)) return Number::of(integer_binary(op, whole_of(x[0], type), whole_of(x[1], type), type));
    const Real a = real_of(x[0]), b = real_of(x[1]);
    if (op == "add" || op == "subtract" || op == "multiply" || op == "divide")
      return computed(in_double(op, static_cast<double>(a), static_cast<double>(b)), types, type);
    // powl of glibc takes -2^63 for an odd number.
    if (op == "pow" && std::isinf(a)) return Number::of_real(std::pow(static_cast<double>(a), static_cast<double>(b)));
    return computed(binary_functions().at(op)(a, b), types, type);
  };
}

double ulp_bound(const std::string& op, Dtype dtype) {
  const ir::Op* row = ir::find_op(op);
  const bool transcendental = row->type_rule == ir::TypeRule::kFloating || op == "atan2" || op == "pow";
  if (op == "sqrt") return 0;
  if (!transcendental || is_integer(dtype)) return 0;
  if (op == "erf_inv" && dtype == Dtype::f32) return 2.5;
  return dtype == Dtype::f64 ? 2 : 1;
}

Dtype floating_type(Dtype dtype) { return is_integer(dtype) ? Dtype::f32 : dtype; }

Dtype merged_type(Dtype a, Dtype b) {
  const DtypeInfo& x = dtype_info(a);
  const DtypeInfo& y = dtype_info(b);
  if (x.kind == DtypeKind::kFloat && y.kind == DtypeKind::kFloat) {
    if (x.bits == y.bits) return a == b ? a : x.bits == 8 ? a : Dtype::f16;
    return x.bits > y.bits ? a : b;
  }
  if (x.kind == DtypeKind::kFloat) return a;
  if (y.kind == DtypeKind::kFloat) return b;
  if (x.kind == y.kind) return x.bits >= y.bits ? a : b;
  const DtypeInfo& u = x.kind == DtypeKind::kUnsigned ? x : y;
  const DtypeInfo& s = x.kind == DtypeKind::kUnsigned ? y : x;
  const int bits = std::min(64, std::max(s.bits, u.bits * 2));
  return *find_dtype("s" + std::to_string(bits));
}

}  // namespace gpu_node::test
