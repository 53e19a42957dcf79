// Floats as shaders/lib/op_common.glsl has them, but for rounding; integers as op_integer.glsl.
#include "scalar/op_value.h"

#include <bit>
#include <cmath>
#include <string_view>
#include <vector>

#include "scalar/special_functions.h"

namespace gpu_node::scalar {
namespace {

// A NaN wins; of two equal numbers (-0 and 0) the first is taken.
double least(double a, double b) { return std::isnan(a) || a <= b ? a : b; }
double greatest(double a, double b) { return std::isnan(a) || a >= b ? a : b; }
double clipped(double x, double low, double high) { return least(std::isnan(x) ? low : greatest(x, low), high); }
double sign_of(double x) { return std::isnan(x) || x > 0 ? 1 : x < 0 ? -1 : x; }

struct RealRow {
  std::string_view op;
  double (*value)(const double*);
};
constexpr RealRow kReal[] = {
    {"exp", [](const double* x) { return std::exp(x[0]); }},
    {"expm1", [](const double* x) { return std::expm1(x[0]); }},
    {"log", [](const double* x) { return std::log(x[0]); }},
    {"log1p", [](const double* x) { return std::log1p(x[0]); }},
    {"sigmoid", [](const double* x) { return sigmoid(x[0]); }},
    {"log_sigmoid", [](const double* x) { return log_sigmoid(x[0]); }},
    {"softplus", [](const double* x) { return softplus(x[0]); }},
    {"lgamma", [](const double* x) { return std::lgamma(x[0]); }},
    {"digamma", [](const double* x) { return digamma(x[0]); }},
    {"cos", [](const double* x) { return std::cos(x[0]); }},
    {"sin", [](const double* x) { return std::sin(x[0]); }},
    {"tan", [](const double* x) { return std::tan(x[0]); }},
    {"cosh", [](const double* x) { return std::cosh(x[0]); }},
    {"sinh", [](const double* x) { return std::sinh(x[0]); }},
    {"tanh", [](const double* x) { return std::tanh(x[0]); }},
    {"acos", [](const double* x) { return std::acos(x[0]); }},
    {"asin", [](const double* x) { return std::asin(x[0]); }},
    {"atan", [](const double* x) { return std::atan(x[0]); }},
    {"acosh", [](const double* x) { return std::acosh(x[0]); }},
    {"asinh", [](const double* x) { return std::asinh(x[0]); }},
    {"atanh", [](const double* x) { return std::atanh(x[0]); }},
    {"sqrt", [](const double* x) { return std::sqrt(x[0]); }},
    {"rsqrt", [](const double* x) { return 1 / std::sqrt(x[0]); }},
    {"cbrt", [](const double* x) { return std::cbrt(x[0]); }},
    {"erf", [](const double* x) { return std::erf(x[0]); }},
    {"erfc", [](const double* x) { return std::erfc(x[0]); }},
    {"erf_inv", [](const double* x) { return erf_inv(x[0]); }},
    {"abs", [](const double* x) { return std::fabs(x[0]); }},
    {"negate", [](const double* x) { return -x[0]; }},
    {"sign", [](const double* x) { return sign_of(x[0]); }},
    {"ceil", [](const double* x) { return std::ceil(x[0]); }},
    {"floor", [](const double* x) { return std::floor(x[0]); }},
    {"round", [](const double* x) { return std::round(x[0]); }},
    {"is_nan", [](const double* x) { return std::isnan(x[0]) ? 1.0 : 0.0; }},
    {"is_infinity", [](const double* x) { return std::isinf(x[0]) ? 1.0 : 0.0; }},
    {"add", [](const double* x) { return x[0] + x[1]; }},
    {"subtract", [](const double* x) { return x[0] - x[1]; }},
    {"multiply", [](const double* x) { return x[0] * x[1]; }},
    {"divide", [](const double* x) { return x[0] / x[1]; }},
    {"pow", [](const double* x) { return std::pow(x[0], x[1]); }},
    {"remainder", [](const double* x) { return std::fmod(x[0], x[1]); }},
    {"atan2", [](const double* x) { return std::atan2(x[0], x[1]); }},
    {"min", [](const double* x) { return least(x[0], x[1]); }},
    {"max", [](const double* x) { return greatest(x[0], x[1]); }},
    {"clip", [](const double* x) { return clipped(x[0], x[1], x[2]); }},
};

// By the formula, so that nothing is recovered where a part is infinite.
Complex product(const Complex& a, const Complex& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.imag() * b.real() + a.real() * b.imag()};
}
Complex sign_of(const Complex& z) { return z == 0.0 ? z : z / std::abs(z); }

struct ComplexRow {
  std::string_view op;
  Complex (*value)(const Complex*);
};
constexpr ComplexRow kComplex[] = {
    {"exp", [](const Complex* z) { return std::exp(z[0]); }},
    {"log", [](const Complex* z) { return std::log(z[0]); }},
    {"sqrt", [](const Complex* z) { return std::sqrt(z[0]); }},
    {"cos", [](const Complex* z) { return std::cos(z[0]); }},
    {"sin", [](const Complex* z) { return std::sin(z[0]); }},
    {"tan", [](const Complex* z) { return std::tan(z[0]); }},
    {"cosh", [](const Complex* z) { return std::cosh(z[0]); }},
    {"sinh", [](const Complex* z) { return std::sinh(z[0]); }},
    {"tanh", [](const Complex* z) { return std::tanh(z[0]); }},
    {"acos", [](const Complex* z) { return std::acos(z[0]); }},
    {"asin", [](const Complex* z) { return std::asin(z[0]); }},
    {"atan", [](const Complex* z) { return std::atan(z[0]); }},
    {"acosh", [](const Complex* z) { return std::acosh(z[0]); }},
    {"asinh", [](const Complex* z) { return std::asinh(z[0]); }},
    {"atanh", [](const Complex* z) { return std::atanh(z[0]); }},
    {"expm1", [](const Complex* z) { return std::exp(z[0]) - 1.0; }},
    {"log1p", [](const Complex* z) { return std::log(z[0] + 1.0); }},
    {"sigmoid", [](const Complex* z) { return 1.0 / (1.0 + std::exp(-z[0])); }},
    {"rsqrt", [](const Complex* z) { return 1.0 / std::sqrt(z[0]); }},
    {"cbrt", [](const Complex* z) { return std::polar(std::cbrt(std::abs(z[0])), std::arg(z[0]) / 3); }},
    {"abs", [](const Complex* z) -> Complex { return std::abs(z[0]); }},
    {"sign", [](const Complex* z) { return sign_of(z[0]); }},
    {"negate", [](const Complex* z) { return -z[0]; }},
    {"conjugate", [](const Complex* z) { return std::conj(z[0]); }},
    {"add", [](const Complex* z) { return z[0] + z[1]; }},
    {"subtract", [](const Complex* z) { return z[0] - z[1]; }},
    {"multiply", [](const Complex* z) { return product(z[0], z[1]); }},
    {"divide", [](const Complex* z) { return z[0] / z[1]; }},
    {"pow", [](const Complex* z) { return std::pow(z[0], z[1]); }},
};

Integer magnitude(Integer a) { return a < 0 ? -a : a; }
Integer least(Integer a, Integer b) { return b < a ? b : a; }
Integer greatest(Integer a, Integer b) { return a < b ? b : a; }
uint64_t low_bits(const Integers& w) { return static_cast<uint64_t>(w.x[0]) & (~uint64_t{0} >> (64 - w.bits)); }
// What is computed of the lower bits alone.
uint64_t low(Integer a) { return static_cast<uint64_t>(a); }
// A shift by so much moves every bit out.
bool is_out(Integer count) { return count < 0 || count >= 64; }

uint64_t quotient(const Integers& w) { return w.x[1] == 0 ? ~uint64_t{0} : low(w.x[0] / w.x[1]); }
uint64_t remainder(const Integers& w) { return low(w.x[1] == 0 ? w.x[0] : w.x[0] % w.x[1]); }

uint64_t power(const Integers& w) {
  // The truncated quotient: 0 unless the base is 1 or -1.
  if (w.x[1] < 0) return magnitude(w.x[0]) != 1 ? 0 : low(w.x[1] % 2 != 0 ? w.x[0] : 1);
  uint64_t base = low(w.x[0]);
  uint64_t result = 1;
  for (Integer exponent = w.x[1]; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= base;
    base *= base;
  }
  return result;
}

uint64_t left_shift(const Integers& w) { return is_out(w.x[1]) ? 0 : low(w.x[0]) << static_cast<int>(w.x[1]); }
uint64_t right_shift(const Integers& w) { return low(w.x[0] >> (is_out(w.x[1]) ? 64 : static_cast<int>(w.x[1]))); }

uint64_t itself(const Integers& w) { return low(w.x[0]); }

struct IntegerRow {
  std::string_view op;
  uint64_t (*value)(const Integers&);
};
constexpr IntegerRow kInteger[] = {
    {"abs", [](const Integers& w) { return low(magnitude(w.x[0])); }},
    {"negate", [](const Integers& w) { return 0 - low(w.x[0]); }},
    {"sign", [](const Integers& w) -> uint64_t { return w.x[0] < 0 ? ~uint64_t{0} : w.x[0] != 0; }},
    {"ceil", itself},
    {"floor", itself},
    {"round", itself},
    {"bitwise_not", [](const Integers& w) { return ~low(w.x[0]); }},
    {"count_leading_zeros",
     [](const Integers& w) { return static_cast<uint64_t>(std::countl_zero(low_bits(w)) - (64 - w.bits)); }},
    {"population_count", [](const Integers& w) { return static_cast<uint64_t>(std::popcount(low_bits(w))); }},
    {"add", [](const Integers& w) { return low(w.x[0]) + low(w.x[1]); }},
    {"subtract", [](const Integers& w) { return low(w.x[0]) - low(w.x[1]); }},
    {"multiply", [](const Integers& w) { return low(w.x[0]) * low(w.x[1]); }},
    {"pow", power},
    {"quotient", quotient},
    {"remainder", remainder},
    {"min", [](const Integers& w) { return low(least(w.x[0], w.x[1])); }},
    {"max", [](const Integers& w) { return low(greatest(w.x[0], w.x[1])); }},
    {"clip", [](const Integers& w) { return low(least(greatest(w.x[0], w.x[1]), w.x[2])); }},
    {"bitwise_and", [](const Integers& w) { return low(w.x[0]) & low(w.x[1]); }},
    {"bitwise_or", [](const Integers& w) { return low(w.x[0]) | low(w.x[1]); }},
    {"bitwise_xor", [](const Integers& w) { return low(w.x[0]) ^ low(w.x[1]); }},
    {"left_shift", left_shift},
    {"right_shift", right_shift},
};

struct TruthRow {
  std::string_view op;
  uint8_t orders;
  uint8_t truths;
};
constexpr TruthRow kTruth[] = {
    {"equal", 0b0010, 0},         {"not_equal", 0b1101, 0},   {"greater", 0b0100, 0},     {"less", 0b0001, 0},
    {"greater_equal", 0b0110, 0}, {"less_equal", 0b0011, 0},  {"logical_and", 0, 0b1000}, {"logical_or", 0, 0b1110},
    {"logical_xor", 0, 0b0110},   {"logical_not", 0, 0b0001},
};

}  // namespace

const OpValue& value_of(const ir::Op& op) {
  static const auto* const kValues = [] {
    auto* values = new std::vector<OpValue>(ir::ops().size());
    const auto at = [values](std::string_view name) -> OpValue& { return (*values)[ir::find_op(name)->index]; };
    for (const RealRow& row : kReal) at(row.op).real = row.value;
    for (const ComplexRow& row : kComplex) at(row.op).complex = row.value;
    for (const IntegerRow& row : kInteger) at(row.op).integer = row.value;
    for (const TruthRow& row : kTruth) {
      at(row.op).orders = row.orders;
      at(row.op).truths = row.truths;
    }
    return values;
  }();
  return (*kValues)[op.index];
}

}  // namespace gpu_node::scalar
