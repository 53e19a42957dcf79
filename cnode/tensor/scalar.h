// One number of any real or complex element type, as literals and attributes carry it.
#pragma once

#include <complex>
#include <cstdint>
#include <variant>

#include "tensor/dtype.h"

namespace gpu_node {

// The value is exact: integers as integers, floats (NaN and infinities included) as double. The element type is the
// one the literal stands for; a conversion to it happens where the value is used.
struct Scalar {
  Dtype dtype = Dtype::f32;
  std::variant<int64_t, uint64_t, double, std::complex<double>> value = 0.0;
};

// |scalar| as Nx.as_type/2 gives it: integers wrap, floats to integers truncate and then wrap (infinities give the ends
// of the type, NaN 0), floats round to nearest even, once. Integer types hold an int64_t (signed) or uint64_t
// (unsigned), floats a double.
Scalar converted(const Scalar& scalar, Dtype to);

}  // namespace gpu_node
