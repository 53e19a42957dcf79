// cholesky, lu and qr on the device: factors of the right form that multiply back to the matrix.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "gpu/matrix_case.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

constexpr int64_t kSizes[] = {1, 2, 3, 5, 8, 17, 31, 32, 33, 63, 64, 65};

std::string case_text(std::string_view op, Dtype dtype, int64_t count, int64_t m, int64_t n) {
  return concat(op, " ", type_text(dtype, {count, m, n}));
}

bool is_triangle(const Matrix& a, bool lower) {
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j)
      if (i != j && (i < j) == lower && a(i, j) != Complex(0)) return false;
  return true;
}

Dtype floating(Dtype dtype) { return is_integer(dtype) ? f32 : dtype; }

void check_cholesky(Dtype dtype, int64_t count, int64_t n, long double scale = 1, Layout layout = Layout::kRowMajor) {
  const std::string what = case_text("cholesky", dtype, count, n, n);
  Batch a;
  for (const Matrix& root : random_batch(dtype, count, n, n, 3)) {
    Matrix square = root * adjoint(root);
    for (int64_t i = 0; i < n; ++i) square(i, i) += is_integer(dtype) ? n : 1;
    for (Complex& element : square.elements) element *= scale;
    a.push_back(square);
  }
  a = rounded(dtype, a);
  const Dtype result = floating(dtype);
  const HostTensor l = run_matrices("cholesky", {lying(tensor_of(dtype, a), layout)}, {{result, {count, n, n}}})[0];
  const Batch factors = batch_of(l);
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(is_finite(factors[i]));
    CHECK_MESSAGE(is_triangle(factors[i], true), what);
    // Where a type's rounding of the operand made it no Hermitian matrix, its lower triangle counts.
    for (int64_t r = 0; r < n; ++r)
      for (int64_t c = r + 1; c < n; ++c) a[i](r, c) = std::conj(a[i](c, r));
    check_within(what, norm(factors[i] * adjoint(factors[i]) - a[i]),
                 10 * epsilon_of(result) * static_cast<long double>(n) * norm(a[i]));
  }
}

void check_lu(Dtype dtype, int64_t count, int64_t n, long double scale = 1, Layout layout = Layout::kRowMajor) {
  const std::string what = case_text("lu", dtype, count, n, n);
  Batch a = random_batch(dtype, count, n, n, 4, scale);
  const Dtype result = floating(dtype);
  const Shape shape = {count, n, n};
  const std::vector<HostTensor> parts =
      run_matrices("lu", {lying(tensor_of(dtype, a), layout)}, {{dtype, shape}, {result, shape}, {result, shape}});
  const Batch p = batch_of(parts[0]), l = batch_of(parts[1]), u = batch_of(parts[2]);
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK_MESSAGE(is_triangle(l[i], true), what);
    CHECK_MESSAGE(is_triangle(u[i], false), what);
    for (int64_t r = 0; r < n; ++r) {
      CHECK(l[i](r, r) == Complex(1));
      int64_t ones = 0;
      for (int64_t c = 0; c < n; ++c) {
        ones += p[i](r, c) == Complex(1) ? 1 : 0;
        if (p[i](r, c) != Complex(0) && p[i](r, c) != Complex(1)) FAIL_CHECK(what << ": P has more than 0 and 1");
        // The largest of a column is its pivot.
        if (std::abs(l[i](r, c)) > 1 + 4 * epsilon_of(result)) FAIL_CHECK(what << ": L has more than 1");
      }
      CHECK(ones == 1);
    }
    check_within(what, norm(p[i] * l[i] * u[i] - a[i]),
                 10 * epsilon_of(result) * static_cast<long double>(n) * norm(a[i]));
  }
}

void check_qr_of(const std::string& what, Dtype dtype, const Batch& a, bool complete,
                 Layout layout = Layout::kRowMajor) {
  const auto count = static_cast<int64_t>(a.size());
  const int64_t m = a[0].rows, n = a[0].columns, k = complete ? m : std::min(m, n);
  const Dtype result = floating(dtype);
  const std::vector<HostTensor> parts =
      run_matrices("qr", {lying(tensor_of(dtype, a), layout)}, {{result, {count, m, k}}, {result, {count, k, n}}},
                   ir::QrAttributes{complete ? ir::QrMode::kComplete : ir::QrMode::kReduced});
  const Batch q = batch_of(parts[0]), r = batch_of(parts[1]);
  const long double bound = 10 * epsilon_of(result) * static_cast<long double>(std::max(m, n));
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK_MESSAGE(is_triangle(r[i], false), what);
    check_within(what + ", Q^H Q", norm(adjoint(q[i]) * q[i] - identity(k)), bound);
    check_within(what + ", Q R", norm(q[i] * r[i] - a[i]), bound * norm(a[i]));
  }
}

void check_qr(Dtype dtype, int64_t count, int64_t m, int64_t n, bool complete, long double scale = 1,
              Layout layout = Layout::kRowMajor) {
  check_qr_of(case_text(complete ? "qr, complete," : "qr", dtype, count, m, n), dtype,
              random_batch(dtype, count, m, n, 5, scale), complete, layout);
}

}  // namespace

TEST_CASE("cholesky: sizes, batches, types, layouts") {
  for (const Dtype dtype : kMatrixTypes)
    for (const int64_t n : kSizes) check_cholesky(dtype, n < 10 ? 3 : 1, n);
  check_cholesky(f32, 65, 6);
  check_cholesky(c64, 2, 100);
  check_cholesky(f32, 1, 300);
  for (const Dtype dtype : {s32, s16, f16, bf16}) check_cholesky(dtype, 2, 4);
  for (const Layout layout : {Layout::kTransposed, Layout::kReversed}) check_cholesky(c64, 3, 9, 1, layout);
  for (const long double scale : {1e-30L, 1e30L}) check_cholesky(f32, 2, 20, scale);
  for (const long double scale : {1e-200L, 1e200L}) check_cholesky(f64, 2, 20, scale);
}

TEST_CASE(
    "cholesky: every number of f32 is rounded once - as root or quotient - of sums that were - whatever the panels") {
  for (const int64_t n : {1, 15, 16, 33, 64, 97, 150}) {
    const Matrix root = random_batch(f32, 1, n, n, 5)[0];
    Matrix square = root * adjoint(root);
    for (int64_t i = 0; i < n; ++i) square(i, i) += 1;
    const HostTensor a = tensor_of(f32, {square}, true);
    std::vector<double> expected(static_cast<size_t>(n * n));
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < j; ++k) sum += expected[i * n + k] * expected[j * n + k];
        const float left = static_cast<float>(a.real(i * n + j)) - static_cast<float>(sum);
        expected[i * n + j] = static_cast<float>(i == j ? std::sqrt(static_cast<double>(left))
                                                        : static_cast<double>(left) / expected[j * n + j]);
      }
    // Room for panels of 16 rows and of 32, and tiles of 16 to 64.
    for (const uint32_t shared : {16'384U, 24'576U, 32'768U, 49'152U}) {
      vulkan::DeviceInfo info = device().info();
      if (shared > info.shared_memory_bytes || !info.has_f64) continue;
      info.software = false;
      info.shared_memory_bytes = shared;
      const PlannedFor planned(info);
      const HostTensor l = run_matrices("cholesky", {a}, {{f32, {n, n}}})[0];
      int64_t wrong = 0;
      for (int64_t i = 0; i < n * n; ++i) wrong += l.real(i) == expected[static_cast<size_t>(i)] ? 0 : 1;
      CHECK_MESSAGE(wrong == 0, wrong << " numbers of " << n << " rows with " << shared << " bytes");
    }
  }
}

TEST_CASE("cholesky: the upper triangle is not read, what is not positive definite gives NaN") {
  const HostTensor tensor(f32, {2, 2, 2},
                          {Number::of(4), Number::of(77), Number::of(2), Number::of(5), Number::of(1), Number::of(2),
                           Number::of(2), Number::of(1)});
  const HostTensor l = run_matrices("cholesky", {tensor}, {{f32, {2, 2, 2}}})[0];
  const double expected[] = {2, 0, 1, 2, 1, 0, 2};
  for (int64_t i = 0; i < 7; ++i) CHECK(l.real(i) == expected[i]);
  CHECK(l.number(7).is_nan());
}

TEST_CASE("lu: sizes, batches, types, layouts") {
  for (const Dtype dtype : kMatrixTypes)
    for (const int64_t n : kSizes) check_lu(dtype, n < 10 ? 3 : 1, n);
  check_lu(f32, 65, 6);
  check_lu(c128, 2, 100);
  check_lu(f32, 1, 300);
  for (const Dtype dtype : {s32, s8, f16, bf16}) check_lu(dtype, 2, 4);
  for (const Layout layout : {Layout::kTransposed, Layout::kReversed}) check_lu(c64, 3, 9, 1, layout);
  for (const long double scale : {1e-30L, 1e30L}) check_lu(f32, 2, 20, scale);
  for (const long double scale : {1e-200L, 1e200L}) check_lu(f64, 2, 20, scale);
}

TEST_CASE("lu: singular matrices have a pivot of 0, and the first of equal pivots counts") {
  const std::vector<HostTensor> parts =
      run_matrices("lu",
                   {HostTensor(s32, {3, 3},
                               {Number::of(1), Number::of(2), Number::of(3), Number::of(-1), Number::of(-2),
                                Number::of(-3), Number::of(1), Number::of(2), Number::of(3)})},
                   {{s32, {3, 3}}, {f32, {3, 3}}, {f32, {3, 3}}});
  const double l[] = {1, 0, 0, -1, 1, 0, 1, 0, 1}, u[] = {1, 2, 3, 0, 0, 0, 0, 0, 0};
  for (int64_t i = 0; i < 9; ++i) {
    CHECK(parts[0].integer(i) == (i % 4 == 0 ? 1U : 0U));
    CHECK(parts[1].real(i) == l[i]);
    CHECK(parts[2].real(i) == u[i]);
  }
}

TEST_CASE("qr: square, tall and wide, batches, types, layouts, both modes") {
  for (const Dtype dtype : kMatrixTypes)
    for (const bool complete : {false, true}) {
      for (const int64_t n : kSizes) check_qr(dtype, n < 10 ? 3 : 1, n, n, complete);
      for (const auto& [m, n] : {std::pair{1, 4}, {4, 1}, {7, 3}, {3, 7}, {70, 40}, {40, 70}, {80, 66}})
        check_qr(dtype, 2, m, n, complete);
    }
  check_qr(f32, 65, 5, 4, false);
  check_qr(f32, 1, 300, 300, false);
  check_qr(f64, 1, 300, 70, true);
  for (const Dtype dtype : {s32, u8, f16, bf16}) check_qr(dtype, 2, 5, 4, false);
  for (const Layout layout : {Layout::kTransposed, Layout::kReversed}) check_qr(c64, 3, 9, 5, true, 1, layout);
  for (const long double scale : {1e-30L, 1e30L}) check_qr(f32, 2, 20, 12, true, scale);
  for (const long double scale : {1e-200L, 1e200L}) check_qr(f64, 2, 20, 12, true, scale);
}

TEST_CASE("qr: the diagonal of a real R is positive where there was something to reflect") {
  const std::vector<HostTensor> parts =
      run_matrices("qr",
                   {HostTensor(s32, {3, 3},
                               {Number::of(-3), Number::of(2), Number::of(1), Number::of(0), Number::of(1),
                                Number::of(1), Number::of(0), Number::of(0), Number::of(-1)})},
                   {{f32, {3, 3}}, {f32, {3, 3}}});
  const double r[] = {-3, 2, 1, 0, 1, 1, 0, 0, -1};
  for (int64_t i = 0; i < 9; ++i) {
    CHECK(parts[0].real(i) == (i % 4 == 0 ? 1 : 0));
    CHECK(parts[1].real(i) == r[i]);
  }
  const Batch a = random_batch(f64, 1, 6, 4, 8);
  const HostTensor positive = run_matrices("qr", {tensor_of(f64, a)}, {{f64, {1, 6, 4}}, {f64, {1, 4, 4}}})[1];
  for (int64_t i = 0; i < 4; ++i) CHECK(positive.real(i * 5) > 0);
}

TEST_CASE("qr: matrices of less than full rank") {
  Batch a = random_batch(f32, 3, 12, 9, 6);
  for (int64_t i = 0; i < 12; ++i) {
    a[0](i, 3) = a[0](i, 1);
    a[0](i, 5) = 0;
    for (int64_t j = 0; j < 9; ++j) a[1](i, j) = 0;
    for (int64_t j = 0; j < 9; ++j) a[2](i, j) = a[2](i, 0);
  }
  check_qr_of("qr of low rank", f32, a, false);
  check_qr_of("qr of low rank, complete", f32, a, true);
}

TEST_CASE("qr: NaN and infinities give NaN in the matrix that has them alone") {
  Batch a = random_batch(f32, 2, 3, 3, 7);
  a[0](2, 1) = std::numeric_limits<long double>::infinity();
  const std::vector<HostTensor> parts = run_matrices("qr", {tensor_of(f32, a)}, {{f32, {2, 3, 3}}, {f32, {2, 3, 3}}});
  for (const HostTensor& part : parts) {
    const Batch got = batch_of(part);
    for (const Complex& element : got[0].elements) CHECK(element.real() != element.real());
    CHECK(is_finite(got[1]));
  }
}

TEST_CASE("factors: what is refused") {
  const auto of = [](const Shape& shape) {
    return std::vector{program::Value(program::Tensor{f32, IndexMap::row_major(shape), {}})};
  };
  CHECK(op_error("cholesky", of({3}), {f32, {3}}).message ==
        "cholesky: needs at least 2 dimensions, the last two of which are matrices, not f32{3}");
  CHECK(op_error("cholesky", of({4, 2, 3}), {f32, {4, 2, 3}}).message ==
        "cholesky: needs square matrices, not 2 rows of 3 in f32{4, 2, 3}");
  CHECK(op_error("lu", of({2, 3}), {{f32, {2, 3}}, {f32, {2, 3}}, {f32, {2, 3}}}, {}).message ==
        "lu: needs square matrices, not 2 rows of 3 in f32{2, 3}");
  CHECK(op_error("qr", of({0, 3}), {{f32, {0, 0}}, {f32, {0, 3}}}, {}).message ==
        "qr: needs matrices of at least 1 row and 1 column, not f32{0, 3}");
  CHECK(op_error("qr", of({4, 3}), {{f32, {4, 4}}, {f32, {4, 3}}}, {}).message ==
        "qr: the result is declared f32{4, 4}, but is f32{4, 3}");
}

}  // namespace gpu_node::test
