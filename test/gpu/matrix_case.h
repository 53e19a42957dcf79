// Matrices on the host, in long double, as operands and results of ops of matrices: what the tests multiply back.
#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "gpu/host_tensor.h"
#include "gpu/layouts.h"
#include "ir/attributes.h"
#include "kernels/plan_builder.h"

namespace gpu_node::test {

using Complex = std::complex<long double>;

struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<Complex> elements;

  Matrix() = default;
  Matrix(int64_t m, int64_t n) : rows(m), columns(n), elements(static_cast<size_t>(m * n)) {}
  Complex& operator()(int64_t i, int64_t j) { return elements[static_cast<size_t>(i * columns + j)]; }
  const Complex& operator()(int64_t i, int64_t j) const { return elements[static_cast<size_t>(i * columns + j)]; }
};
using Batch = std::vector<Matrix>;

Matrix identity(int64_t n);
Matrix adjoint(const Matrix& a);
Matrix operator*(const Matrix& a, const Matrix& b);
Matrix operator-(const Matrix& a, const Matrix& b);
// Frobenius.
long double norm(const Matrix& a);
// Whether every element is a number, none is infinite.
bool is_finite(const Matrix& a);

// |count| matrices of numbers of |dtype| from -1 to 1, of integers from -9 to 9, times |scale|.
Batch random_batch(Dtype dtype, int64_t count, int64_t rows, int64_t columns, uint32_t seed, long double scale = 1);
// Each element rounded to |dtype|.
Batch rounded(Dtype dtype, Batch batch);

// A batch as a tensor {count, rows, columns}, without the count where there is one matrix and |alone|; and back, from
// the last |axes| axes (2, or 1: vectors as columns).
HostTensor tensor_of(Dtype dtype, const Batch& batch, bool alone = false);
Batch batch_of(const HostTensor& tensor, int axes = 2);

// |tensor|'s elements, of any type, lying in another way.
HostTensor lying(const HostTensor& tensor, Layout layout);

// The unit roundoff of a type's numbers: what a bound of n times ten of it is for.
long double epsilon_of(Dtype dtype);

// Runs |op| and gives its results.
std::vector<HostTensor> run_matrices(std::string_view op, const std::vector<HostTensor>& operands,
                                     const std::vector<ir::TensorType>& results, const ir::Attributes& attributes = {});

// |error| must be at most |bound|; |what| is what the message calls the case.
void check_within(const std::string& what, long double error, long double bound);

// f32, f64 and their complex types.
inline constexpr Dtype kMatrixTypes[] = {Dtype::f32, Dtype::f64, Dtype::c64, Dtype::c128};

}  // namespace gpu_node::test
