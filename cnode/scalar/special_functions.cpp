#include "scalar/special_functions.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace gpu_node::scalar {

double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

double softplus(double x) { return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

double log_sigmoid(double x) { return -softplus(-x); }

namespace {

// Recurrence up to 16, then the asymptotic series. REQUIRES: x > 0.
long double digamma_above_zero(long double x) {
  long double sum = 0;
  const int steps = x < 16 ? static_cast<int>(std::ceil(16 - x)) : 0;
  for (int i = 0; i < steps; ++i) {
    sum -= 1 / x;
    x += 1;
  }
  const long double inverse = 1 / (x * x);
  // B(2n) / (2n), n = 1...
  constexpr long double kTerms[] = {1.0L / 12,  -1.0L / 120,     1.0L / 252, -1.0L / 240,
                                    1.0L / 132, -691.0L / 32760, 1.0L / 12,  -3617.0L / 8160};
  long double series = 0;
  for (int i = 7; i >= 0; --i) series = (series + kTerms[i]) * inverse;
  return sum + std::log(x) - 0.5L / x - series;
}

}  // namespace

// In long double, because the parts lose digits near the zero at 1.46. Below zero by reflection, from the nearest pole.
double digamma(double x) {
  if (std::isnan(x) || x == -std::numeric_limits<double>::infinity()) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(x)) return x;
  if (x == 0) return std::copysign(std::numeric_limits<double>::infinity(), -x);
  if (x > 0) return static_cast<double>(digamma_above_zero(x));
  const long double off = x - std::round(x);
  if (off == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto pi = std::numbers::pi_v<long double>;
  return static_cast<double>(digamma_above_zero(1 - static_cast<long double>(x)) - pi / std::tan(pi * off));
}

double erf_inv(double y) {
  if (!(std::fabs(y) < 1))
    return std::fabs(y) == 1 ? std::copysign(std::numeric_limits<double>::infinity(), y)
                             : std::numeric_limits<double>::quiet_NaN();
  // Winitzki's approximation, then Halley's method on erfc where erf is flat.
  const double log_term = std::log1p(-y * y);
  const double a = 2 / (std::numbers::pi * 0.147) + log_term / 2;
  double x = std::copysign(std::sqrt(std::fmax(0.0, std::sqrt(a * a - log_term / 0.147) - a)), y);
  for (int step = 0; step < 4; ++step) {
    const double error = y > 0.5 ? (1 - y) - std::erfc(x) : y < -0.5 ? std::erfc(-x) - (1 + y) : std::erf(x) - y;
    const double slope = 2 * std::numbers::inv_sqrtpi * std::exp(-x * x);
    const double newton = error / slope;
    x -= newton / (1 + x * newton);
  }
  return x;
}

}  // namespace gpu_node::scalar
