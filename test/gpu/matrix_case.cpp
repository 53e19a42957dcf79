#include "gpu/matrix_case.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {

Matrix identity(int64_t n) {
  Matrix one(n, n);
  for (int64_t i = 0; i < n; ++i) one(i, i) = 1;
  return one;
}

Matrix adjoint(const Matrix& a) {
  Matrix other(a.columns, a.rows);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j) other(j, i) = std::conj(a(i, j));
  return other;
}

Matrix operator*(const Matrix& a, const Matrix& b) {
  REQUIRE(a.columns == b.rows);
  Matrix product(a.rows, b.columns);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t k = 0; k < a.columns; ++k) {
      const Complex by = a(i, k);
      if (by == Complex(0)) continue;
      for (int64_t j = 0; j < b.columns; ++j) {
        const Complex x = b(k, j);
        product(i, j) +=
            Complex(by.real() * x.real() - by.imag() * x.imag(), by.real() * x.imag() + by.imag() * x.real());
      }
    }
  return product;
}

Matrix operator-(const Matrix& a, const Matrix& b) {
  REQUIRE(a.rows == b.rows);
  REQUIRE(a.columns == b.columns);
  Matrix difference = a;
  for (size_t i = 0; i < a.elements.size(); ++i) difference.elements[i] -= b.elements[i];
  return difference;
}

long double norm(const Matrix& a) {
  long double sum = 0;
  for (const Complex& element : a.elements) sum += std::norm(element);
  return std::sqrt(sum);
}

bool is_finite(const Matrix& a) {
  for (const Complex& element : a.elements)
    if (!std::isfinite(element.real()) || !std::isfinite(element.imag())) return false;
  return true;
}

Batch rounded(Dtype dtype, Batch batch) {
  const Dtype part = component_type(dtype);
  for (Matrix& matrix : batch)
    for (Complex& element : matrix.elements) {
      const long double re = rounded(part, Number::of_real(element.real())).as_real();
      const long double im = rounded(part, Number::of_real(element.imag())).as_real();
      element = {re, is_complex(dtype) ? im : 0};
    }
  return batch;
}

Batch random_batch(Dtype dtype, int64_t count, int64_t rows, int64_t columns, uint32_t seed, long double scale) {
  std::mt19937 random(seed);
  const auto part = [&]() -> long double {
    const auto any = static_cast<long double>(random() % 2'000'001) - 1'000'000;
    if (is_integer(dtype)) return std::trunc(any / 100'000);
    return any / 1'000'000 * scale;
  };
  Batch batch;
  for (int64_t i = 0; i < count; ++i) {
    Matrix matrix(rows, columns);
    for (Complex& element : matrix.elements) {
      const long double re = part();
      element = {re, is_complex(dtype) ? part() : 0};
    }
    batch.push_back(std::move(matrix));
  }
  return rounded(dtype, std::move(batch));
}

HostTensor tensor_of(Dtype dtype, const Batch& batch, bool alone) {
  Shape shape;
  if (!alone) shape.push_back(static_cast<int64_t>(batch.size()));
  shape.push_back(batch[0].rows);
  shape.push_back(batch[0].columns);
  HostTensor tensor(dtype, shape);
  const Dtype part = component_type(dtype);
  const auto size = static_cast<size_t>(dtype_size_bytes(part));
  std::byte* at = tensor.bytes.data();
  for (const Matrix& matrix : batch)
    for (const Complex& element : matrix.elements) {
      encode(part, Number::of_real(element.real()), at);
      at += size;
      if (!is_complex(dtype)) continue;
      encode(part, Number::of_real(element.imag()), at);
      at += size;
    }
  return tensor;
}

Batch batch_of(const HostTensor& tensor, int axes) {
  const Shape& shape = tensor.map.shape;
  const int64_t rows = shape[shape.size() - axes], columns = axes == 2 ? shape[shape.size() - 1] : 1;
  const Dtype part = component_type(tensor.dtype);
  const auto size = static_cast<size_t>(dtype_size_bytes(part));
  const std::byte* at = tensor.bytes.data();
  Batch batch;
  for (int64_t i = 0; i < tensor.count() / (rows * columns); ++i) {
    Matrix matrix(rows, columns);
    for (Complex& element : matrix.elements) {
      const long double re = decoded(part, at).as_real();
      at += size;
      long double im = 0;
      if (is_complex(tensor.dtype)) {
        im = decoded(part, at).as_real();
        at += size;
      }
      element = {re, im};
    }
    batch.push_back(std::move(matrix));
  }
  return batch;
}

HostTensor lying(const HostTensor& tensor, Layout layout) {
  HostTensor other = make_tensor(tensor.dtype, tensor.map.shape, layout);
  for (int64_t i = 0; i < tensor.count(); ++i)
    std::memcpy(other.element(other.position(i)), tensor.element(tensor.position(i)),
                static_cast<size_t>(dtype_size_bytes(tensor.dtype)));
  return other;
}

long double epsilon_of(Dtype dtype) {
  switch (component_type(dtype)) {
    case Dtype::f64:
      return 0x1p-52L;
    case Dtype::f16:
      return 0x1p-10L;
    case Dtype::bf16:
      return 0x1p-7L;
    default:
      return 0x1p-23L;
  }
}

std::vector<HostTensor> run_matrices(std::string_view op, const std::vector<HostTensor>& operands,
                                     const std::vector<ir::TensorType>& results, const ir::Attributes& attributes) {
  return run_op(kernels::plan_linalg, op, operands, results, attributes);
}

void check_within(const std::string& what, long double error, long double bound) {
  if (error <= bound) return;
  FAIL_CHECK(what << ": " << static_cast<double>(error) << " is above " << static_cast<double>(bound));
}

}  // namespace gpu_node::test
