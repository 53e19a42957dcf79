// What moves elements: the instructions that are refused, with their texts.
#include <doctest/doctest.h>

#include "gpu/op_case.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

ir::Attributes with_axes(const ir::Axes& axes) { return ir::AxesAttributes{axes}; }
ir::Attributes with_axis(int64_t axis) { return ir::AxisAttributes{axis}; }
ir::Starts starts_of(const Dims& values) { return {values}; }
constexpr int64_t kOperand = ir::Starts::kOperand;

}  // namespace

TEST_CASE("moves: what is refused") {
  const auto of = [](Dtype dtype, const Shape& shape) {
    return program::Value(program::Tensor{dtype, IndexMap::row_major(shape), {}});
  };
  const auto error = [&](const std::string& op, std::vector<program::Value> operands, const Shape& shape,
                         const ir::Attributes& attributes) {
    return op_error(op, operands, {f32, shape}, attributes).message;
  };
  CHECK(error("gather", {of(f32, {4}), of(f32, {2, 1})}, {2}, with_axes({0})) ==
        "gather: indices are integers, not f32{2, 1}");
  CHECK(error("gather", {of(f32, {4}), of(s32, {2, 2})}, {2}, {}) ==
        "gather: the last axis of indices s32{2, 2} is 2, but f32{4} has 1 dimension");
  CHECK(error("gather", {of(f32, {4, 4}), of(s32, {2, 2})}, {2}, with_axes({1})) ==
        "gather: axes [1] are 1, but the last axis of indices s32{2, 2} is 2");
  CHECK(error("gather", {of(f32, {0}), of(s32, {2, 1})}, {2}, {}) ==
        "gather: axis 0 of f32{0} has no element to choose");
  CHECK(error("take", {of(f32, {4}), of(s32, {2})}, {2}, with_axis(1)) == "take: axis 1 is not an axis of f32{4}");
  CHECK(error("take_along_axis", {of(f32, {4, 2}), of(s32, {3, 3})}, {3, 3}, with_axis(0)) ==
        "take_along_axis: indices s32{3, 3} must be as f32{4, 2}, but for axis 0");
  CHECK(error("indexed_put", {of(f32, {4, 2}), of(s32, {3, 1}), of(f32, {3, 3})}, {4, 2}, {}) ==
        "indexed_put: updates f32{3, 3} must have the outer axes of indices s32{3, 1}, then at most what f32{4, 2} has "
        "beside axes [0]");
  CHECK(error("indexed_add", {of(f32, {4, 2}), of(f32, {3, 1}), of(f32, {3, 2})}, {4, 2}, {}) ==
        "indexed_add: indices are integers, not f32{3, 1}");
  CHECK(error("indexed_add", {of(f32, {4, 2}), of(s32, {3, 1}), of(f32, {3, 5})}, {4, 2}, with_axes({1})) ==
        "indexed_add: updates f32{3, 5} must have the outer axes of indices s32{3, 1}, then at most what f32{4, 2} has "
        "beside axes [1]");
  CHECK(error("put_slice", {of(f32, {4}), of(f32, {5})}, {4}, ir::PutSliceAttributes{starts_of({0})}) ==
        "put_slice: f32{5} does not fit into f32{4}");
  CHECK(error("put_slice", {of(f32, {4}), of(f32, {2}), of(f32, {})}, {4},
              ir::PutSliceAttributes{starts_of({kOperand})}) ==
        "put_slice: a start is one integer, but operand 2 is f32{}");
  CHECK(error("put_slice", {of(f32, {4}), of(f32, {2})}, {4}, ir::PutSliceAttributes{starts_of({kOperand})}) ==
        "put_slice: 1 start to be read from operands, but there are 0");
  CHECK(error("slice", {of(f32, {4})}, {2}, ir::SliceAttributes{starts_of({0, 0}), {2}, {}}) ==
        "slice: starts must be one for each of the 1 dimension of f32{4}, not 2");
  CHECK(error("slice", {of(f32, {4})}, {5}, ir::SliceAttributes{starts_of({0}), {5}, {}}) ==
        "slice: axis 0: length 5 is outside 0 to 4 of f32{4}");
  CHECK(error("slice", {of(f32, {4})}, {4}, ir::SliceAttributes{starts_of({0}), {4}, Dims{0}}) ==
        "slice: axis 0: a stride is at least 1, not 0");
  CHECK(error("pad", {of(f32, {4}), of(f32, {1})}, {4}, ir::PadAttributes{{{0, 0, 0}}}) ==
        "pad: value must be a scalar, not f32{1}");
  CHECK(error("pad", {of(f32, {4}), of(f32, {})}, {4}, ir::PadAttributes{{{-3, -2, 0}}}) ==
        "pad: axis 0 of f32{4} with padding [{-3, -2}] would be below 0");
  CHECK(error("pad", {of(f32, {4}), of(f32, {})}, {4}, ir::PadAttributes{{{0, 0, -1}}}) ==
        "pad: axis 0: interior padding is at least 0, not -1");
  CHECK(error("stack", {of(f32, {4}), of(f32, {3})}, {2, 4}, with_axis(0)) ==
        "stack: operand 1, f32{3}, must be as operand 0, f32{4}");
  CHECK(error("reverse", {of(f32, {4})}, {4}, with_axes({1})) == "reverse: axes: 1 is not an axis of f32{4}");
}

}  // namespace gpu_node::test
