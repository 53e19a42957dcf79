// concatenate: bits of operands that lie in any way, conversions, many operands, and what is refused.
#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

ir::Attributes along(int64_t axis) { return ir::AxisAttributes{axis}; }

HostTensor with_bits(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  for (int64_t i = 0; i < static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(dtype); ++i)
    encode(dtype, Number::of((i * 37 + seed) % 101), tensor.element(i));
  return tensor;
}

Shape joined(const std::vector<HostTensor>& operands, int axis) {
  Shape shape = operands[0].map.shape;
  for (size_t i = 1; i < operands.size(); ++i) shape[axis] += operands[i].map.shape[axis];
  return shape;
}

// Element |index| of the operands one behind the other.
Number expected_at(const std::vector<HostTensor>& operands, int axis, Dims index) {
  size_t k = 0;
  while (index[axis] >= operands[k].map.shape[axis]) index[axis] -= operands[k++].map.shape[axis];
  int64_t at = operands[k].map.offset;
  for (int d = 0; d < index.size(); ++d) at += index[d] * operands[k].map.strides[d];
  return operands[k].at(at);
}

void check_joined(const std::vector<HostTensor>& operands, int axis, Dtype dtype) {
  const Shape shape = joined(operands, axis);
  const HostTensor got = run_op(kernels::plan_concatenate, "concatenate", operands, dtype, shape, along(axis));
  int64_t flat = 0;
  for_each_index(shape, [&](const Dims& index) {
    const Number expected = rounded(dtype, expected_at(operands, axis, index));
    CHECK_MESSAGE(got.number(flat).as_real() == expected.as_real(), type_text(dtype, shape)
                                                                        << " axis " << axis << " element " << flat);
    ++flat;
  });
}

}  // namespace

TEST_CASE("concatenate: every type along every axis, operands lying in every way") {
  int cases = 0;
  for (const Dtype dtype : real_types()) {
    for (int axis = 0; axis < 3; ++axis) {
      std::vector<HostTensor> operands;
      uint32_t seed = 1;
      for (const Layout layout : kLayouts) {
        Shape shape = {4, 5, 3};
        shape[axis] = static_cast<int64_t>(seed);
        operands.push_back(with_bits(dtype, shape, layout, seed++));
      }
      check_joined(operands, axis, dtype);
      ++cases;
    }
  }
  MESSAGE("concatenate: " << cases << " cases");
}

TEST_CASE("concatenate: operands of several types become the result's") {
  check_joined({with_bits(s32, {2, 3}, Layout::kRowMajor, 1), with_bits(f32, {4, 3}, Layout::kTransposed, 2),
                with_bits(u8, {1, 3}, Layout::kReversed, 3)},
               0, f32);
  check_joined({with_bits(u8, {3, 2}, Layout::kTransposed, 1), with_bits(s16, {3, 5}, Layout::kRowMajor, 2)}, 1, s16);
  check_joined({with_bits(bf16, {7}, Layout::kRowMajor, 1), with_bits(f64, {9}, Layout::kReversed, 2)}, 0, f64);
}

TEST_CASE("concatenate: rows that are moved by words, by parts of them, by four of them") {
  uint32_t seed = 0;
  for (const Dtype dtype : {u8, s16, f32, f64})
    for (const std::array<int64_t, 3>& counts :
         {std::array<int64_t, 3>{16, 32, 4096}, {4, 8, 1000}, {2, 6, 1002}, {1, 3, 1001}, {5000, 7, 16}})
      for (int axis = 0; axis < 3; ++axis) {
        std::vector<HostTensor> operands;
        for (const int64_t count : counts) {
          Shape shape = {2, 3, 4};
          shape[axis] = count;
          operands.push_back(with_bits(dtype, shape, Layout::kRowMajor, ++seed));
        }
        check_joined(operands, axis, dtype);
        // Parts of larger tensors: rows that begin elsewhere and lie further apart.
        for (HostTensor& operand : operands) {
          if (operand.map.shape[axis] == 1) continue;
          operand.map.shape[axis] -= 1;
          operand.map.offset += operand.map.strides[axis];
        }
        check_joined(operands, axis, dtype);
      }
}

TEST_CASE("concatenate: 40 operands, empty ones among them, one alone") {
  std::vector<HostTensor> operands;
  for (uint32_t i = 0; i < 40; ++i)
    operands.push_back(with_bits(f32, {3, i % 7}, i % 2 == 0 ? Layout::kRowMajor : Layout::kTransposed, i));
  check_joined(operands, 1, f32);
  check_joined({operands[5]}, 0, f32);
  // Through the executor, with as many operands as there are, and of no elements at all.
  std::vector<program::Value> values;
  for (const HostTensor& operand : operands) values.emplace_back(to_device(operand));
  const Shape shape = joined(operands, 1);
  const HostTensor got = from_device(run_op("concatenate", values, {f32, shape}, along(1)));
  int64_t flat = 0;
  for_each_index(shape, [&](const Dims& index) {
    CHECK(got.number(flat++).as_real() == expected_at(operands, 1, index).as_real());
  });
  const program::Value nothing = program::Tensor{f32, IndexMap::row_major({0, 3}), nullptr};
  CHECK(run_op("concatenate", std::vector{nothing, nothing}, {f32, {0, 3}}, along(0)).storage == nullptr);
}

TEST_CASE("concatenate: what is refused") {
  const auto of = [](const Shape& shape) {
    return program::Value(program::Tensor{f32, IndexMap::row_major(shape), {}});
  };
  const auto error = [&](std::vector<program::Value> operands, const Shape& shape, int64_t axis) {
    return op_error("concatenate", operands, {f32, shape}, along(axis)).message;
  };
  CHECK(error({of({2, 3}), of({2, 4})}, {4, 3}, 0) ==
        "concatenate: operand 1, f32{2, 4}, must be as operand 0, f32{2, 3}, but for axis 0");
  CHECK(error({of({2, 3}), of({2})}, {4, 3}, 0) ==
        "concatenate: operand 1, f32{2}, must be as operand 0, f32{2, 3}, but for axis 0");
  CHECK(error({of({2, 3})}, {2, 3}, 2) == "concatenate: axis 2 is not an axis of f32{2, 3}");
  CHECK(error({of({2, 3}), of({2, 3})}, {2, 3}, 0) ==
        "concatenate: the result is declared f32{2, 3}, but is f32{4, 3}");
  CHECK(error({}, {2, 3}, 0) == "concatenate: takes 1 operand or more, not 0");
  CHECK(error({program::Value(Scalar{f32, 1.0})}, {}, 0) == "concatenate: axis 0 is not an axis of f32{}");
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  CHECK(error({of({0, kMost}), of({0, kMost})}, {0, 1}, 1) == "concatenate: axis 1 of the result would be above 2^63");
}

}  // namespace gpu_node::test
