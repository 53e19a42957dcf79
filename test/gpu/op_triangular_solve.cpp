// triangular_solve on the device: what it gives, multiplied back, and the same solved in long double.
#include <doctest/doctest.h>

#include "gpu/matrix_case.h"
#include "gpu/op_case.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::TransformA;

struct SolveCase {
  Dtype a = f32, b = f32, result = f32;
  int64_t count = 1, n = 1, m = 1;  // m 0: vectors
  ir::TriangularSolveAttributes options;
  Layout layout = Layout::kRowMajor;
};

// op(a), without the triangle that is not read.
Matrix read_part(const Matrix& a, const ir::TriangularSolveAttributes& options) {
  Matrix read(a.rows, a.columns);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j) {
      if (i != j && (i > j) != options.lower) continue;
      if (options.transform_a == TransformA::kTranspose)
        read(j, i) = a(i, j);
      else
        read(i, j) = options.transform_a == TransformA::kConjugate ? std::conj(a(i, j)) : a(i, j);
    }
  return read;
}

void check_solve(const SolveCase& one) {
  Batch a = random_batch(one.a, one.count, one.n, one.n, 1);
  // Diagonals that keep the systems tame.
  for (Matrix& matrix : a)
    for (int64_t i = 0; i < one.n; ++i) matrix(i, i) = is_integer(one.a) ? 11 : static_cast<long double>(one.n) / 2 + 1;
  a = rounded(one.a, a);
  const bool left = one.options.left_side;
  const int64_t m = std::max<int64_t>(one.m, 1);
  const Batch b = random_batch(one.b, one.count, left || one.m == 0 ? one.n : m, left || one.m == 0 ? m : one.n, 2);
  HostTensor right = tensor_of(one.b, b);
  if (one.m == 0) right.map = IndexMap::row_major({one.count, one.n});
  const HostTensor x =
      run_matrices("triangular_solve", {lying(tensor_of(one.a, a), one.layout), lying(right, one.layout)},
                   {{one.result, right.map.shape}}, one.options)[0];
  const Batch solved = batch_of(x, one.m == 0 ? 1 : 2);
  const std::string what = concat("triangular_solve ", type_text(one.a, {one.count, one.n, one.n}), ", ",
                                  type_text(one.b, right.map.shape), ir::attributes_text(one.options));
  for (size_t i = 0; i < solved.size(); ++i) {
    Matrix of = read_part(a[i], one.options);
    Matrix got = solved[i], wanted = b[i];
    // x a = b is a^T x^T = b^T, of a vector too.
    const bool row = !left && one.m == 0;
    if (row) {
      Matrix transposed(one.n, one.n);
      for (int64_t r = 0; r < one.n; ++r)
        for (int64_t c = 0; c < one.n; ++c) transposed(c, r) = of(r, c);
      of = transposed;
    }
    const Matrix back = left || row ? of * got : got * of;
    CHECK(is_finite(got));
    check_within(what, norm(back - wanted),
                 10 * epsilon_of(one.result) * static_cast<long double>(one.n) * norm(of) * norm(got));
  }
}

}  // namespace

TEST_CASE("triangular_solve: every side, triangle and transformation, of every type") {
  for (const Dtype dtype : kMatrixTypes)
    for (const bool lower : {true, false})
      for (const bool left : {true, false})
        for (const TransformA transform : {TransformA::kNone, TransformA::kTranspose, TransformA::kConjugate})
          for (const int64_t m : {0, 3}) check_solve({dtype, dtype, dtype, 3, 5, m, {lower, left, transform}});
}

TEST_CASE("triangular_solve: small and blocked, batches, layouts") {
  for (const int64_t n : {1, 2, 3, 7, 16, 31, 33, 64, 65})
    for (const int64_t count : {1, 5}) check_solve({f32, f32, f32, count, n, 4, {}});
  check_solve({f32, f32, f32, 65, 9, 2, {}});
  check_solve({f64, f64, f64, 1, 300, 7, {false, true, TransformA::kNone}});
  check_solve({c64, c64, c64, 2, 100, 0, {true, false, TransformA::kConjugate}});
  for (const Layout layout : {Layout::kTransposed, Layout::kReversed})
    check_solve({f32, f32, f32, 3, 17, 6, {false, false, TransformA::kTranspose}, layout});
}

TEST_CASE("triangular_solve: operands of other types than the result") {
  check_solve({s32, s32, f32, 2, 6, 3, {}});
  check_solve({u8, f64, f64, 2, 6, 3, {}});
  check_solve({f16, f16, f16, 2, 6, 3, {}});
  check_solve({bf16, f32, f32, 2, 6, 0, {}});
  check_solve({f32, c64, c64, 2, 6, 3, {}});
}

TEST_CASE("triangular_solve: a 0 on the diagonal gives what division by it gives") {
  const HostTensor x =
      run_matrices("triangular_solve",
                   {HostTensor(f32, {2, 2}, {Number::of(0), Number::of(0), Number::of(1), Number::of(1)}),
                    HostTensor(f32, {2}, {Number::of(1), Number::of(0)})},
                   {{f32, {2}}})[0];
  CHECK(x.real(0) > 1e38);
  CHECK(x.real(1) < -1e38);
}

TEST_CASE("triangular_solve: what is refused") {
  const auto of = [](Dtype dtype, const Shape& shape) {
    return program::Value(program::Tensor{dtype, IndexMap::row_major(shape), {}});
  };
  const auto error = [&](const Shape& a, const Shape& b, const ir::Attributes& attributes = {}) {
    return op_error("triangular_solve", std::vector{of(f32, a), of(f32, b)}, {f32, b}, attributes).message;
  };
  CHECK(error({3}, {3}) ==
        "triangular_solve: needs at least 2 dimensions, the last two of which are matrices, not f32{3}");
  CHECK(error({2, 3}, {3}) == "triangular_solve: needs square matrices, not 2 rows of 3 in f32{2, 3}");
  CHECK(error({3, 3}, {2}) ==
        "triangular_solve: b f32{2} must have the batch of a f32{3, 3}, then 3 elements or matrices of 3 rows");
  CHECK(
      error({2, 3, 3}, {3, 3, 3}) ==
      "triangular_solve: b f32{3, 3, 3} must have the batch of a f32{2, 3, 3}, then 3 elements or matrices of 3 rows");
  CHECK(error({3, 3}, {3, 2}, ir::TriangularSolveAttributes{true, false}) ==
        "triangular_solve: b f32{3, 2} must have the batch of a f32{3, 3}, then 3 elements or matrices of 3 columns");
  CHECK(op_error("triangular_solve", std::vector{of(f64, {3, 3}), of(f32, {3})}, {f32, {3}}).message ==
        "triangular_solve: the result is declared f32{3}, which cannot hold operand 0, f64{3, 3}");
}

}  // namespace gpu_node::test
