// The derivative of log(gamma), which C lacks: an oracle in any width, from that width's logarithm and tangent.
#pragma once

#include <limits>

namespace gpu_node::test {

// By recurrence up to 32, then 15 terms of the asymptotic series: 2^-110 of the larger parts. Below -32 by reflection.
// At 0 an infinity whose sign is opposite to the zero's; NaN at the other poles.
template <typename T>
T digamma(T x, T (*log_of)(T), T (*tan_of)(T), T (*floor_of)(T), T (*atan_of)(T)) {
  // Numerators and denominators of the Bernoulli numbers of even index.
  constexpr double kBernoulli[][2] = {{1, 6},
                                      {-1, 30},
                                      {1, 42},
                                      {-1, 30},
                                      {5, 66},
                                      {-691, 2730},
                                      {7, 6},
                                      {-3617, 510},
                                      {43867, 798},
                                      {-174611, 330},
                                      {854513, 138},
                                      {-236364091, 2730},
                                      {8553103, 6},
                                      {-23749461029, 870},
                                      {8615841276005, 14322}};
  const T one = 1;
  const T infinity = std::numeric_limits<double>::infinity();
  if (x == 0) return one / x < 0 ? infinity : -infinity;
  if (x < 0 && (x == -infinity || floor_of(x) == x)) return std::numeric_limits<double>::quiet_NaN();
  if (x == infinity) return x;
  if (x < -32) {
    const T off = x - floor_of(x + one / 2);
    const T quarter = atan_of(one);
    // The cotangent as that of the rest to a quarter, which keeps its digits.
    const T angle = 4 * quarter * (off < 0 ? -off : off);
    const T cotangent = angle > quarter ? tan_of(2 * quarter - angle) : one / tan_of(angle);
    return digamma(one - x, log_of, tan_of, floor_of, atan_of) - 4 * quarter * (off < 0 ? -cotangent : cotangent);
  }
  T sum = 0;
  for (; x < 32; x += 1) sum -= one / x;
  const T z = one / x / x;
  T series = 0;
  for (int k = 15; k >= 1; --k) series = z * (series + T(kBernoulli[k - 1][0]) / (T(kBernoulli[k - 1][1]) * (2 * k)));
  return sum + (log_of(x) - one / (2 * x) - series);
}

}  // namespace gpu_node::test
