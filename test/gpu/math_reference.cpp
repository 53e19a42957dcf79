// The oracles of the transcendental functions, one row per function.
#include "math_reference.h"

#include <limits>
#include <numbers>
#include <type_traits>

#include "gpu/digamma.h"

namespace gpu_node::math_test {
namespace {

#if defined(__HAVE_FLOAT128) && __HAVE_FLOAT128
#define GPU_NODE_WIDE(f) f##f128
#else
#define GPU_NODE_WIDE(f) f##l
#endif

// A reference in both widths: the text is an expression of x and y, where F(name) is the library function of that
// width.
#define BOTH(expression)                                             \
  [](long double x, [[maybe_unused]] long double y) -> long double { \
    [[maybe_unused]] auto one = 1.0L;                                \
    return expression(LONG);                                         \
  },                                                                 \
      [](Wide x, [[maybe_unused]] Wide y) -> Wide {                  \
        [[maybe_unused]] auto one = static_cast<Wide>(1);            \
        return expression(WIDE);                                     \
      }
#define LONG(f) f##l
#define WIDE(f) GPU_NODE_WIDE(f)

#define EXP(F) F(exp)(x)
#define EXPM1(F) F(expm1)(x)
#define LOG(F) F(log)(x)
#define LOG1P(F) F(log1p)(x)
// For large negative x, where e^-x may overflow, the sum with one does not matter.
#define SIGMOID(F) (x < -200 ? F(exp)(x) : one / (one + F(exp)(-x)))
#define COS(F) F(cos)(x)
#define SIN(F) F(sin)(x)
#define TAN(F) F(tan)(x)
#define COSH(F) F(cosh)(x)
#define SINH(F) F(sinh)(x)
#define TANH(F) F(tanh)(x)
#define ACOS(F) F(acos)(x)
#define ASIN(F) F(asin)(x)
#define ATAN(F) F(atan)(x)
#define ACOSH(F) F(acosh)(x)
#define ASINH(F) F(asinh)(x)
#define ATANH(F) F(atanh)(x)
#define SQRT(F) F(sqrt)(x)
#define RSQRT(F) one / F(sqrt)(x)
#define CBRT(F) F(cbrt)(x)
#define ERF(F) F(erf)(x)
#define ERFC(F) F(erfc)(x)
#define LGAMMA(F) F(lgamma)(x)
#define DIGAMMA(F) test::digamma<decltype(x)>(x, F(log), F(tan), F(floor), F(atan))
// For large x e^-x does not matter, but must not overflow.
#define SOFTPLUS(F) (x > 0 ? x + F(log1p)(F(exp)(-x)) : F(log1p)(F(exp)(x)))
#define LOG_SIGMOID(F) -(x < 0 ? F(log1p)(F(exp)(x)) - x : F(log1p)(F(exp)(-x)))
#define POW(F) F(pow)(x, y)
#define ATAN2(F) F(atan2)(x, y)
#define FMOD(F) F(fmod)(x, y)
#define DIV(F) x / y

// y with erf(y) = x by Newton's method on the complement, which keeps its digits near |x| = 1.
template <typename T>
T erf_inv(T x, T (*erf_of)(T), T (*erfc_of)(T), T (*exp_of)(T), T (*log_of)(T), T (*sqrt_of)(T)) {
  const T one = 1;
  const T a = x < 0 ? -x : x;
  if (!(a <= one)) return std::numeric_limits<double>::quiet_NaN();
  if (a == one) return x * std::numeric_limits<double>::infinity();
  if (a == 0) return x;
  const T slope = T(1.1283791670955126);  // of erf at 0; it only steers the iteration
  T y = a / slope;
  const T w = -log_of((one - a) * (one + a));
  if (w > 1) y = sqrt_of(w) * T(0.9);
  for (int i = 0; i < 100; ++i) {
    const T density = slope * exp_of(-y * y);
    // In the tail the logarithm of erfc is nearly a parabola, so Newton on it converges from afar.
    const T c = erfc_of(y);
    const T step = a < T(0.5) ? (erf_of(y) - a) / density : -log_of(c / (one - a)) * c / density;
    y -= step;
    const T tiny = std::is_same_v<T, long double> ? T(1e-19L) : T(1e-32L);
    if ((step < 0 ? -step : step) <= tiny * y) break;
  }
  return x < 0 ? -y : y;
}
long double screen_erf_inv(long double x, long double) {
  return erf_inv<long double>(x, erfl, erfcl, expl, logl, sqrtl);
}
Wide decide_erf_inv(Wide x, Wide) { return erf_inv<Wide>(x, WIDE(erf), WIDE(erfc), WIDE(exp), WIDE(log), WIDE(sqrt)); }

constexpr double kPi = std::numbers::pi;
// One ulp is 2^-64 here, 2^-60 there.
constexpr double kLgammaZeroScale = 0x1p-12;
constexpr double kDigammaZeroScale = 0x1p-8;

const std::vector<Function>& table() {
  static const std::vector<Function> all = {
      {"exp",
       1,
       BOTH(EXP),
       -750,
       715,
       {88.7228, -87.3365, -103.9721, -103.2789, 709.782712893384, -708.396418532264, -745.13321910194, -744.44,
        0.34657359027997264, 1.0397207708399179}},
      {"expm1", 1, BOTH(EXPM1), -40, 40, {88.7228, 709.782712893384, -36.7, -37.43, -17.33, 0.34657359027997264, 0.5}},
      {"log", 1, BOTH(LOG), 0.4, 2.2, {std::numbers::sqrt2, std::numbers::sqrt2 / 2, 2 * std::numbers::sqrt2, 0.5}},
      {"log1p", 1, BOTH(LOG1P), -1, 2, {-1, -0.29, 0.41, 0.41421356237309503, -0.2928932188134524, 0x1p53, 0x1p54}},
      {"sigmoid",
       1,
       BOTH(SIGMOID),
       -750,
       50,
       {-88.7228, -103.97, -708.396418532264, -709.78, -745.133, -744.44, 17, 37}},
      {"cos", 1, BOTH(COS), -400, 400, {kPi / 2, kPi, 3 * kPi / 2, kPi / 4, 0x1p27, 0x1p20, 823549.6}},
      {"sin", 1, BOTH(SIN), -400, 400, {kPi / 2, kPi, 3 * kPi / 2, kPi / 4, 0x1p27, 0x1p20, 823549.6}},
      {"tan", 1, BOTH(TAN), -400, 400, {kPi / 2, kPi, 3 * kPi / 2, kPi / 4, 0x1p27, 0x1p20, 823549.6}},
      {"cosh", 1, BOTH(COSH), -40, 40, {89.4159, 710.475860073943, 22, 0.34657359027997264}},
      {"sinh", 1, BOTH(SINH), -40, 40, {89.4159, 710.475860073943, 22, 0.34657359027997264}},
      {"tanh", 1, BOTH(TANH), -25, 25, {9.01, 19.0615, 22, 0.17328679513998632, 0.34657359027997264}},
      {"acos", 1, BOTH(ACOS), -1, 1, {0.5, -0.5, -1, 1, 0.70710678118654757, 0.96875}},
      {"asin", 1, BOTH(ASIN), -1, 1, {0.5, -0.5, -1, 1, 0.70710678118654757, 0.96875}},
      {"atan",
       1,
       BOTH(ATAN),
       -8,
       8,
       {1, 0.125, 0.375, 0.625, 0.875, 8, 2.6666666666666665, 1.6, 1.1428571428571428, 0x1p53, 0x1p60}},
      {"acosh", 1, BOTH(ACOSH), 1, 10, {1, 1.09, 0x1p26, 0x1p28, 0x1p53, 0x1p60}},
      {"asinh", 1, BOTH(ASINH), -10, 10, {0.42, 0.5, 0x1p26, 0x1p28, 0x1p53, 0x1p60}},
      {"atanh", 1, BOTH(ATANH), -1, 1, {1, 0.1715728752538099, 0.5}},
      {"sqrt", 1, BOTH(SQRT), 0, 1000, {1, 4}},
      {"rsqrt", 1, BOTH(RSQRT), 0, 1000, {1, 4}},
      {"cbrt", 1, BOTH(CBRT), -1000, 1000, {1, 8, 27}},
      {"erf", 1, BOTH(ERF), -7, 7, {0.5, 0.75, 3.83, 3.92, 5, 5.92, 6}},
      {"erfc", 1, BOTH(ERFC), -7, 28, {0.5, 0.75, -0.5, -3.83, -5.86, 9.19, 10.05, 10.1, 26.54, 27.2, 27.22, 27.3}},
      {"erf_inv", 1, screen_erf_inv, decide_erf_inv, -1, 1, {1, -1, 0.99663, 0.5, 0.9999999}, false, 2.5},
      {"lgamma",
       1,
       BOTH(LGAMMA),
       -30,
       30,
       {1, 2, 0.5, 1.5, 2.5, -0.5, 8, 18, -1, -2, -3, -4, -5, -8, -9, -12, -17, -20, -170.5, 1e18, -1e6, -1e15, 0x1p51,
        0x1p-60, 2.5599833278516383e305, 4.0850034e36,
        // Zeros.
        -2.4570247382208006, -2.7476826467274127, -3.1435808883499799, -3.9552942848585979, -4.0393618397405371,
        -4.9915444972736, -5.0082181679764},
       false,
       0,
       kLgammaZeroScale},
      {"digamma",
       1,
       BOTH(DIGAMMA),
       -30,
       30,
       {1, 2, 1.25, 2.25, 0.25, 8, 18, -1, -2, -3, -4, -5, -8, -9, -12, -17, -20, -170.5, 1e18, -1e6, -1e15, 0x1p51,
        0x1p-60, 0x1p-1022,
        // Zeros.
        1.4616321449683622, -0.50408300826445541, -1.5734984731623905, -2.6107208684441447, -3.6352933664369011,
        -4.6532377617431424, -9.7026725400018637, -20.757},
       false,
       0,
       kDigammaZeroScale},
      {"softplus", 1, BOTH(SOFTPLUS), -60, 60, {40, 100, 150, 746, 87.33, 103.9721, 708.396418532264, 745.13321910194}},
      {"log_sigmoid",
       1,
       BOTH(LOG_SIGMOID),
       -60,
       60,
       {40, 100, 150, 746, 87.33, 103.9721, 708.396418532264, 745.13321910194}},
      {"pow", 2, BOTH(POW), -20, 20, {2, 3, 0.5, 1.5, 1 + 0x1p-52, 1 - 0x1p-53, 1024, 0x1p53, 0x1p24, 0x1p63, 1e300}},
      {"atan2", 2, BOTH(ATAN2), -8, 8, {1, 2, 8, 0x1p53, 0x1p60, 1e300, 1e-300}},
      {"fmod", 2, BOTH(FMOD), -1000, 1000, {2, 3, 0.1, 0x1p24, 0x1p53, 0x1p54, 1e300}, true},
      {"div", 2, BOTH(DIV), -1000, 1000, {2, 3, 0.1, 1e300, 1e-300}},
  };
  return all;
}

}  // namespace

std::span<const Function> functions() { return table(); }

}  // namespace gpu_node::math_test
