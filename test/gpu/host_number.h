// Numbers of every element type on the host, exact, and their rounding to a type: the oracle's side of the type table.
//
// Independent of the code under test: small floats are rounded by looking for the nearest one in the list of all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/scalar.h"

namespace gpu_node::test {

// An integer or a float; a float has more digits than f64 where long double does.
struct Number {
  bool is_integer = true;
  __int128 integer = 0;
  long double real = 0;

  static Number of(__int128 value) { return {true, value, 0}; }
  static Number of_real(long double value) { return {false, 0, value}; }
  long double as_real() const { return is_integer ? static_cast<long double>(integer) : real; }
  bool is_nan() const { return !is_integer && real != real; }
  bool is_true() const { return is_integer ? integer != 0 : real != 0; }
};

std::string number_text(const Number& number);

// The value of one element's bytes, and the bytes of the element nearest to |number|: integers wrap, floats to integers
// truncate and wrap (infinities give the ends, NaN 0), floats round to nearest even.
Number decoded(Dtype dtype, const std::byte* element);
void encode(Dtype dtype, const Number& number, std::byte* element);

// |number| as a number of |dtype|.
Number rounded(Dtype dtype, const Number& number);
// The same of a float type, and of an integer type, sign- or zero-extended.
double round_to(Dtype dtype, long double value);
uint64_t wrap_to(Dtype dtype, uint64_t bits);

Scalar to_scalar(Dtype dtype, const Number& number);

// The distance of |got| from |exact| in units of the last place of |dtype| at |exact|. 0 for equal infinities, for NaN
// and NaN; infinite where one is NaN or only one is infinite. |exact| is first taken to the type's range.
double ulps(Dtype dtype, const Number& got, const Number& exact);

// The element types that kernels compute.
std::vector<Dtype> real_types();
// Those without f8, f8_e4m3fn and the sub-byte integers.
std::vector<Dtype> main_types();

}  // namespace gpu_node::test
