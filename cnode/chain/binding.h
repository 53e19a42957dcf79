// The numbers that a program runs on: hyper-parameters, data, and how long each dimension is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "chain/program.h"

namespace gpu_node::chain {

inline constexpr int64_t kMaxDimensionSize = int64_t{1} << 24;

// Numbers in row-major order; a scalar has shape {}.
struct Array {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

// By name; what is left out has its default.
struct Inputs {
  std::map<std::string, double> parameters;
  std::map<std::string, int64_t> dimensions;  // those that no data tells, or again what data tells
  std::map<std::string, Array> data;
};

// In the order of the program's symbols.
struct Binding {
  std::vector<double> parameters;
  std::vector<int64_t> dimensions;
  std::vector<std::vector<double>> data;
};

// |given|, and of |own| what is not: data and lengths that come with a family. Checks names, supports, shapes, that
// dimensions agree, that nothing is missing, that there are the places that the program reads and data holds (where one
// is written that is none, the error's details say where), and that all numbers are finite; but NaN may be in data of
// which the program asks is_nan, and infinity in data of which it asks is_infinity.
Result<Binding> bind(const Program& program, const Inputs& given, const Inputs& own = {});

// Whether the data in |own| agrees with the program and with each other.
Result<void> check_own(const Program& program, const Inputs& own);

// How many unconstrained coordinates |program| has, and where each variable's begin (the count is the last entry).
int64_t coordinate_count(const Program& program, const Binding& binding);
std::vector<int64_t> coordinate_offsets(const Program& program, const Binding& binding);

// The constrained value of the unconstrained |u|.
double constrain(Transform transform, double u);

}  // namespace gpu_node::chain
