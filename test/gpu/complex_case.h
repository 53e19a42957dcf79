// Complex numbers on the host: operands with special values, and what a result may be off by.
#pragma once

#include <complex>
#include <functional>
#include <string>
#include <vector>

#include "gpu/layouts.h"
#include "gpu/op_case.h"

namespace gpu_node::test {

using Wide = std::complex<long double>;
using Parts = std::complex<double>;

inline constexpr Dtype kComplex[] = {Dtype::c64, Dtype::c128};

// Element |flat| of a tensor of any type, and one of a complex or float type.
Wide at(const HostTensor& tensor, int64_t flat);
void put(HostTensor& tensor, int64_t flat, Parts value);

// All pairs of special parts, of them those near the ends of the range, then mixtures; without |special| these alone.
HostTensor tensor_of(Dtype dtype, const Shape& shape, uint32_t seed, Layout layout = Layout::kRowMajor,
                     bool special = true);

// How far |got| is from |exact| in units of the last place of the larger part (of each part where |each|).
double off(Dtype part, Wide got, Wide exact, bool each);

bool has_nan(const Wide& z);
bool has_infinity(const Wide& z);
std::string text_of(long double number);

// An op and what each element of its result is.
struct Check {
  std::string op;
  std::vector<HostTensor> operands;
  Dtype result;
  std::function<Wide(const Wide*)> exact;
  double bound = 1;
  bool each = true;       // each part by its own unit
  bool by_class = false;  // of what is infinite or NaN only whether it is infinite, or not a number
};

// Runs |test|, with operand |literal| as a number of the instruction, and compares all elements.
void check(const Check& test, const Shape& shape, size_t literal = 9);

}  // namespace gpu_node::test
