// Test points of a transcendental function, and the error of a result in units in the last place.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "math_reference.h"

namespace gpu_node::math_test {

template <typename T>
using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <typename T>
T from_bits(uint64_t bits) {
  return std::bit_cast<T>(static_cast<Bits<T>>(bits));
}

// |x|, its neighbours up to |reach| steps away, and the same negated.
template <typename T>
void add_around(T x, int reach, std::vector<T>& out) {
  T up = x, down = x;
  out.insert(out.end(), {x, -x});
  for (int i = 0; i < reach; ++i) {
    up = std::nextafter(up, std::numeric_limits<T>::infinity());
    down = std::nextafter(down, -std::numeric_limits<T>::infinity());
    out.insert(out.end(), {up, -up, down, -down});
  }
}

// Zeros, infinities, NaNs, the ends of the normal and subnormal ranges, powers of two, small integers, edges.
template <typename T>
std::vector<T> special_points(const Function& function) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> out = {
      T(0), -T(0), Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), -Limits::quiet_NaN()};
  for (T x : {Limits::denorm_min(), Limits::min(), Limits::max(), Limits::epsilon()}) {
    out.insert(out.end(), {x, -x, std::nextafter(x, T(0)), -std::nextafter(x, T(0)), 2 * x, x / 2, -x / 2});
  }
  for (double edge : function.edges) add_around(static_cast<T>(edge), function.arity == 1 ? 40 : 2, out);
  for (int i = 1; i <= 12; ++i) add_around(static_cast<T>(i) / 2, function.arity == 1 ? 2 : 0, out);
  if (function.arity == 1) {
    for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent; ++e)
      add_around(std::ldexp(T(1), e), 1, out);
    // Near multiples of pi/2, where sine and cosine nearly vanish, small and huge.
    for (int k = 1; k < 400; ++k) add_around(static_cast<T>(k * 1.5707963267948966), 1, out);
    for (int64_t k = 400; k < 1000000000; k = k * 5 / 4 + 1) add_around(static_cast<T>(k * 1.5707963267948966), 1, out);
    // The closest that a float (the first) or a double comes to such a multiple.
    add_around(static_cast<T>(16367173.0 * 0x1p72), 1, out);
    add_around(static_cast<T>(6381956970095103.0 * 0x1p797), 1, out);
  }
  return out;
}

// Fills |x| (and |y| for two arguments) with every special point, or every pair of them, and then random points up to
// |count|: a half over all bit patterns, a quarter uniform over the function's interval, a quarter at all distances
// from its edges.
template <typename T>
void make_points(const Function& function, size_t count, std::vector<T>& x, std::vector<T>& y) {
  x = special_points<T>(function);
  if (function.arity == 2) {
    const std::vector<T> once = x;
    x.clear();
    for (T a : once) {
      for (T b : once) x.push_back(a), y.push_back(b);
    }
  }
  std::mt19937_64 random(20240229);
  std::uniform_real_distribution<double> uniform(function.low, function.high);
  while (x.size() < count) {
    const size_t i = x.size();
    const T far = from_bits<T>(random());
    T near = static_cast<T>(uniform(random));
    if (i % 4 == 3 && !function.edges.empty()) {
      const T edge = static_cast<T>(function.edges[random() % function.edges.size()]);
      near =
          edge + edge * std::ldexp(static_cast<T>(uniform(random) / function.high), -static_cast<int>(random() % 50));
    }
    x.push_back(i % 2 == 0 ? far : near);
    if (function.arity == 1) continue;
    // Pairs: both anywhere, both in the interval, or equal in magnitude but for a few bits.
    const T wild = from_bits<T>(random()), tame = static_cast<T>(uniform(random));
    if (i % 2 == 1) {
      y.push_back(i % 8 == 1 ? std::round(tame) : i % 8 == 3 ? std::round(tame * 8) / 8 : tame);
    } else {
      // Exponents small against the first argument's, so that powers stay finite.
      y.push_back(i % 8 == 0   ? wild
                  : i % 8 == 2 ? from_bits<T>(std::bit_cast<Bits<T>>(far) ^ (random() & 0xfff))
                               : tame);
      if (i % 8 == 4 && std::isfinite(far) && far > 0) y.back() = tame * T(60) / std::log(far);
    }
  }
}

// How far |got| is from |want| in units in the last place of T at |want|; infinite when one is NaN and the other is
// not, when an infinity is missing, or when the sign of a zero is wrong. An infinite |got| counts as the power of two
// past the largest finite number. Below |scale| the place is that of |scale|.
template <typename T, typename W>
double ulp_error(T got, W want, double scale = 0) {
  using Limits = std::numeric_limits<T>;
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  const long double coarse = static_cast<long double>(want);
  if (std::isnan(got) || std::isnan(coarse)) return std::isnan(got) && std::isnan(coarse) ? 0 : kWrong;
  if (std::isinf(coarse) && !std::isinf(got)) return kWrong;
  if (got == 0 && std::signbit(got) != std::signbit(coarse)) return kWrong;
  const W past = W(std::ldexp(1.0L, Limits::max_exponent));
  W w = want > past ? past : want < -past ? -past : want;
  const W g = std::isinf(got) ? (got > 0 ? past : -past) : W(got);
  int exponent = Limits::min_exponent - Limits::digits;
  if (coarse != 0) {
    exponent = std::max(exponent, std::min(std::ilogb(coarse) + 1, int(Limits::max_exponent)) - Limits::digits);
  }
  if (scale > 0) exponent = std::max(exponent, std::ilogb(scale) + 1 - Limits::digits);
  const W off = g - w;
  return static_cast<double>((off < 0 ? -off : off) / W(std::ldexp(1.0L, exponent)));
}

struct Worst {
  size_t points = 0;
  size_t not_nearest = 0;  // results that are not the nearest number
  double ulp = 0;
  double x = 0, y = 0, got = 0, want = 0;  // where the error is largest
};

// The largest error of |got| over the points. |flushes|: the device gives zero for subnormal results and may take
// subnormal arguments for zero, and that is no error.
template <typename T>
Worst measure(const Function& function, const std::vector<T>& x, const std::vector<T>& y, const std::vector<T>& got,
              bool flushes) {
  constexpr T kNormal = std::numeric_limits<T>::min();
  const auto subnormal = [](T v) { return v != 0 && std::fabs(v) < kNormal; };
  Worst worst;
  worst.points = x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    const T b = y.empty() ? T(0) : y[i];
    // f32 takes its arguments by their bits.
    if (flushes && sizeof(T) == 8 && (subnormal(x[i]) || subnormal(b))) continue;
    const long double screened = function.screen(x[i], b);
    const double scale = sizeof(T) == 8 && x[i] < 0 ? function.f64_scale_below_zero : 0;
    double ulp = ulp_error(got[i], screened, scale);
    if (flushes && got[i] == 0 && std::fabs(screened) < kNormal) continue;
    if (ulp > worst.ulp - 0.01 && ulp > 0.49) ulp = ulp_error(got[i], function.decide(x[i], b), scale);
    if (ulp > 0.5) ++worst.not_nearest;
    if (ulp > worst.ulp) worst = {worst.points, worst.not_nearest, ulp, x[i], b, got[i], static_cast<double>(screened)};
  }
  return worst;
}

}  // namespace gpu_node::math_test
