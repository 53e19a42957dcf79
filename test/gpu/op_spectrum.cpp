// eigh and svd on the device: values in order, orthogonal vectors, and the matrix again when they are multiplied.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gpu/matrix_case.h"
#include "gpu/op_case.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

Dtype floating(Dtype dtype) { return is_integer(dtype) ? f32 : dtype; }

Matrix hermitian(const Matrix& a) {
  Matrix other = a;
  for (int64_t i = 0; i < a.rows; ++i) {
    other(i, i) = a(i, i).real();
    for (int64_t j = i + 1; j < a.columns; ++j) other(i, j) = std::conj(a(j, i));
  }
  return other;
}

void check_eigh(const std::string& name, Dtype dtype, const Batch& a, Layout layout = Layout::kRowMajor) {
  const auto count = static_cast<int64_t>(a.size());
  const int64_t n = a[0].rows;
  const std::string what = concat("eigh ", name, " ", type_text(dtype, {count, n, n}));
  const Dtype result = floating(dtype);
  const std::vector<HostTensor> parts =
      run_matrices("eigh", {lying(tensor_of(dtype, a), layout)}, {{result, {count, n}}, {result, {count, n, n}}});
  const Batch w = batch_of(parts[0], 1), v = batch_of(parts[1]);
  const long double bound = 10 * epsilon_of(result) * static_cast<long double>(n);
  for (size_t i = 0; i < a.size(); ++i) {
    Matrix turned = v[i];
    for (int64_t c = 0; c < n; ++c) {
      const Complex value = w[i](c, 0);
      if (value.imag() != 0 || (c > 0 && std::abs(value) > std::abs(w[i](c - 1, 0))))
        FAIL_CHECK(what << ": value " << c << " is out of order");
      for (int64_t r = 0; r < n; ++r) turned(r, c) *= value;
    }
    check_within(what + ", V^H V", norm(adjoint(v[i]) * v[i] - identity(n)), bound);
    check_within(what + ", V W V^H", norm(turned * adjoint(v[i]) - hermitian(a[i])), bound * norm(hermitian(a[i])));
  }
}

void check_random_eigh(Dtype dtype, int64_t count, int64_t n, long double scale = 1,
                       Layout layout = Layout::kRowMajor) {
  check_eigh("of any numbers", dtype, random_batch(dtype, count, n, n, 11, scale), layout);
}

void check_svd(const std::string& name, Dtype dtype, const Batch& a, bool full, Layout layout = Layout::kRowMajor) {
  const auto count = static_cast<int64_t>(a.size());
  const int64_t m = a[0].rows, n = a[0].columns, k = std::min(m, n);
  const std::string what = concat("svd ", name, full ? ", full, " : " ", type_text(dtype, {count, m, n}));
  const Dtype result = floating(dtype);
  const std::vector<HostTensor> parts =
      run_matrices("svd", {lying(tensor_of(dtype, a), layout)},
                   {{result, {count, m, full ? m : k}}, {result, {count, k}}, {result, {count, full ? n : k, n}}},
                   ir::SvdAttributes{full});
  const Batch u = batch_of(parts[0]), s = batch_of(parts[1], 1), v = batch_of(parts[2]);
  const long double bound = 10 * epsilon_of(result) * static_cast<long double>(std::max(m, n));
  for (size_t i = 0; i < a.size(); ++i) {
    Matrix diagonal(u[i].columns, v[i].rows);
    for (int64_t c = 0; c < k; ++c) {
      diagonal(c, c) = s[i](c, 0);
      if (s[i](c, 0).real() < 0 || s[i](c, 0).imag() != 0 || (c > 0 && s[i](c, 0).real() > s[i](c - 1, 0).real()))
        FAIL_CHECK(what << ": value " << c << " is out of order");
    }
    check_within(what + ", U^H U", norm(adjoint(u[i]) * u[i] - identity(u[i].columns)), bound);
    check_within(what + ", V^H V", norm(v[i] * adjoint(v[i]) - identity(v[i].rows)), bound);
    check_within(what + ", U S V^H", norm(u[i] * diagonal * v[i] - a[i]), bound * norm(a[i]));
  }
}

void check_random_svd(Dtype dtype, int64_t count, int64_t m, int64_t n, bool full, long double scale = 1,
                      Layout layout = Layout::kRowMajor) {
  check_svd("of any numbers", dtype, random_batch(dtype, count, m, n, 12, scale), full, layout);
}

// Matrices whose values coincide, vanish or differ by all that the type has.
Batch special_squares(Dtype dtype, int64_t n) {
  const long double tiny = component_type(dtype) == f64 ? 1e-14L : 1e-6L;
  Batch batch(7, Matrix(n, n));
  const Matrix any = random_batch(dtype, 1, n, n, 13)[0];
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      batch[0](i, j) = i == j ? 1 : 0;
      batch[1](i, j) = 0;
      batch[2](i, j) = 1;
      batch[3](i, j) = i + j == n - 1 ? 1 : 0;
      batch[4](i, j) = i == j ? std::pow(tiny, static_cast<long double>(i) / static_cast<long double>(n)) : 0;
      batch[5](i, j) = i == j ? Complex(1) + any(i, i).real() * tiny : (any(i, j) + std::conj(any(j, i))) * tiny;
      batch[6](i, j) = any(i, 0) * std::conj(any(j, 0));
    }
  return rounded(dtype, batch);
}

}  // namespace

TEST_CASE("eigh: sizes, batches, types, layouts") {
  for (const Dtype dtype : kMatrixTypes)
    for (const int64_t n : {1, 2, 3, 4, 7, 16, 33, 64, 65}) check_random_eigh(dtype, n < 10 ? 3 : 1, n);
  check_random_eigh(f32, 65, 6);
  for (const Dtype dtype : {s32, u8, f16, bf16}) check_random_eigh(dtype, 2, 4);
  for (const Layout layout : {Layout::kTransposed, Layout::kReversed}) check_random_eigh(c64, 3, 9, 1, layout);
  for (const long double scale : {1e-30L, 1e30L}) check_random_eigh(f32, 2, 20, scale);
  for (const long double scale : {1e-200L, 1e200L}) check_random_eigh(f64, 2, 20, scale);
}

TEST_CASE("eigh: values that coincide or vanish") {
  for (const Dtype dtype : {f32, c128})
    for (const int64_t n : {2, 5, 32, 70}) check_eigh("of special matrices", dtype, special_squares(dtype, n));
}

TEST_CASE("eigh: 300 rows") { check_random_eigh(f32, 1, 300); }

TEST_CASE("eigh: the largest value by size comes first, the lower triangle is read, NaN stays in its matrix") {
  const HostTensor tensor(
      f32, {2, 2, 2},
      {Number::of(2), Number::of(99), Number::of(5), Number::of(6), Number::of(1),
       Number::of_real(std::numeric_limits<long double>::quiet_NaN()), Number::of(0), Number::of(2)});
  const std::vector<HostTensor> parts = run_matrices("eigh", {tensor}, {{f32, {2, 2}}, {f32, {2, 2, 2}}});
  CHECK(parts[0].real(0) == round_to(f32, 4 + std::sqrt(29.0L)));
  CHECK(parts[0].real(1) == round_to(f32, 4 - std::sqrt(29.0L)));
  CHECK(parts[1].real(0) > 0);
  CHECK(parts[1].real(3) < 0);
  for (int64_t i = 2; i < 4; ++i) CHECK(parts[0].number(i).is_nan());
  for (int64_t i = 4; i < 8; ++i) CHECK(parts[1].number(i).is_nan());
}

TEST_CASE("svd: square, tall and wide, batches, types, layouts") {
  for (const Dtype dtype : kMatrixTypes)
    for (const bool full : {false, true}) {
      for (const int64_t n : {1, 2, 3, 4, 7, 16, 33, 64, 65}) check_random_svd(dtype, n < 10 ? 3 : 1, n, n, full);
      for (const auto& [m, n] : {std::pair{1, 4}, {4, 1}, {7, 3}, {3, 7}, {70, 20}, {20, 70}})
        check_random_svd(dtype, 2, m, n, full);
    }
  check_random_svd(f32, 65, 6, 5, true);
  for (const Dtype dtype : {s32, u8, f16, bf16}) check_random_svd(dtype, 2, 4, 3, true);
  for (const Layout layout : {Layout::kTransposed, Layout::kReversed}) check_random_svd(c64, 3, 9, 5, true, 1, layout);
  for (const long double scale : {1e-30L, 1e30L}) check_random_svd(f32, 2, 20, 12, true, scale);
  for (const long double scale : {1e-200L, 1e200L}) check_random_svd(f64, 2, 12, 20, true, scale);
}

TEST_CASE("svd: values that coincide or vanish") {
  for (const Dtype dtype : {f32, f64, c128})
    for (const int64_t n : {2, 5, 32, 70})
      for (const bool full : {false, true}) check_svd("of special matrices", dtype, special_squares(dtype, n), full);
  Batch tall = random_batch(f32, 1, 40, 6, 14);
  for (int64_t i = 0; i < 40; ++i) {
    tall[0](i, 1) = tall[0](i, 0);
    tall[0](i, 4) = 0;
  }
  check_svd("of low rank", f32, tall, true);
  check_svd("of low rank", f32, tall, false);
}

TEST_CASE("eigh, svd: large matrices of complex and 64-bit numbers, and NaN in one of a batch") {
  check_random_eigh(c64, 2, 100);
  check_eigh("of special matrices", f64, special_squares(f64, 100));
  check_random_svd(f64, 1, 150, 100, false);
  Batch a = random_batch(f32, 2, 70, 70, 15);
  a[0](3, 2) = std::numeric_limits<long double>::quiet_NaN();
  const std::vector<HostTensor> parts = run_matrices("eigh", {tensor_of(f32, a)}, {{f32, {2, 70}}, {f32, {2, 70, 70}}});
  const Batch w = batch_of(parts[0], 1), v = batch_of(parts[1]);
  for (const Matrix* matrix : {&w[0], &v[0]})
    for (const Complex& element : matrix->elements) CHECK(element.real() != element.real());
  CHECK(is_finite(w[1]));
  CHECK(is_finite(v[1]));
}

TEST_CASE("svd: 300 rows") { check_random_svd(f32, 1, 300, 300, true); }

TEST_CASE("eigh, svd: what is refused") {
  const auto of = [](const Shape& shape) {
    return std::vector{program::Value(program::Tensor{f32, IndexMap::row_major(shape), {}})};
  };
  CHECK(op_error("eigh", of({2, 3}), {{f32, {2}}, {f32, {2, 3}}}, {}).message ==
        "eigh: needs square matrices, not 2 rows of 3 in f32{2, 3}");
  CHECK(op_error("svd", of({3}), {{f32, {3}}, {f32, {3}}, {f32, {3}}}, {}).message ==
        "svd: needs at least 2 dimensions, the last two of which are matrices, not f32{3}");
  CHECK(op_error("svd", of({4, 3}), {{f32, {4, 4}}, {f32, {4}}, {f32, {3, 3}}}, {}).message ==
        "svd: the result is declared f32{4}, but is f32{3}");
}

}  // namespace gpu_node::test
