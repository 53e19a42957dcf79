// What the transcendental functions should return: exact to far more bits than the tested types have.
//
// Two oracles: long double, fast, screens every point; binary128 decides whatever the first one makes worth a look.
#pragma once

#include <cmath>
#include <span>
#include <string_view>
#include <vector>

namespace gpu_node::math_test {

#if defined(__HAVE_FLOAT128) && __HAVE_FLOAT128
using Wide = _Float128;
#else
using Wide = long double;
#endif

struct Function {
  std::string_view name;  // as in "m_NAME"
  int arity = 1;
  // The second argument of a unary function's reference is not used.
  long double (*screen)(long double, long double) = nullptr;
  Wide (*decide)(Wide, Wide) = nullptr;
  // Where the function is interesting: uniform points are drawn from here.
  double low = -10, high = 10;
  // Thresholds, zeros, poles and seams of the implementation; their neighbours are tested too.
  std::vector<double> edges;
  bool exact = false;    // no error at all is allowed
  double f32_bound = 0;  // in ulp, where it is not the one of the other functions
  // Errors below zero are counted in ulp of this magnitude at least: the function has zeros there beside which its
  // error is an absolute one.
  double f64_scale_below_zero = 0;
};

// Every function of shaders/lib/math_*.glsl.
std::span<const Function> functions();

}  // namespace gpu_node::math_test
