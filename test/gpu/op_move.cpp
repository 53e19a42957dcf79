// What moves elements, bit by bit: pad, put_slice, gather and its kin, slices and reversals as copies, stack; operands
// that lie in every way, indices of every integer type and outside of their axes.
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <numeric>

#include "gpu/index_case.h"
#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"
#include "kernels/plan_builder.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

std::vector<Dtype> all_types() {
  std::vector<Dtype> types;
  for (int i = 0; i < kDtypeCount; ++i) types.push_back(static_cast<Dtype>(i));
  return types;
}

// Any bits, but for types whose elements do not fill their bytes.
HostTensor with_bits(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  std::mt19937 random(seed);
  const int bits = dtype_info(dtype).bits;
  for (std::byte& byte : tensor.bytes) byte = static_cast<std::byte>(bits < 8 ? random() % 2 : random());
  return tensor;
}

// The element that an element of the result is to be.
using From = std::function<const std::byte*(const Dims& index)>;

void check_bytes(const HostTensor& got, const From& from, const std::string& what) {
  const auto size = static_cast<size_t>(dtype_size_bytes(got.dtype));
  int64_t flat = 0, wrong = 0;
  for_each_index(got.map.shape,
                 [&](const Dims& index) { wrong += std::memcmp(got.element(flat++), from(index), size) != 0 ? 1 : 0; });
  CHECK_MESSAGE(wrong == 0, what << " " << type_text(got.dtype, got.map.shape) << ": " << wrong << " of " << flat);
}

ir::Attributes with_axes(const ir::Axes& axes) { return ir::AxesAttributes{axes}; }
ir::Attributes with_axis(int64_t axis) { return ir::AxisAttributes{axis}; }

ir::Starts starts_of(const Dims& values) { return {values}; }
constexpr int64_t kOperand = ir::Starts::kOperand;

// Gathers along |axes| of |from|, ascending.
void check_gather(const HostTensor& from, const HostTensor& indices, const ir::Axes& axes) {
  const int outer = indices.map.shape.size() - 1;
  Shape shape = outer_of(indices.map.shape, outer);
  for (int d = 0; d < from.map.shape.size(); ++d)
    if (std::find(axes.begin(), axes.end(), d) == axes.end()) shape.push_back(from.map.shape[d]);
  const HostTensor got = run_op(kernels::plan_move, "gather", {from, indices}, from.dtype, shape, with_axes(axes));
  check_bytes(
      got,
      [&](const Dims& index) {
        Dims at, named = outer_of(index, outer);
        named.push_back(0);
        for (int d = 0, rest = outer, k = 0; d < from.map.shape.size(); ++d) {
          if (k < static_cast<int>(axes.size()) && axes[static_cast<size_t>(k)] == d) {
            named[outer] = k++;
            at.push_back(index_at(indices, named, from.map.shape[d]));
          } else {
            at.push_back(index[rest++]);
          }
        }
        return from.element(position_of(from, at));
      },
      "gather");
}

// The target with the updates put in one after the other.
void check_put(const HostTensor& whole, const HostTensor& indices, const HostTensor& updates, const ir::Axes& axes) {
  HostTensor expected(whole.dtype, whole.map.shape);
  const auto size = static_cast<size_t>(dtype_size_bytes(whole.dtype));
  for (int64_t i = 0; i < whole.count(); ++i) std::memcpy(expected.element(i), whole.element(whole.position(i)), size);
  for_each_index(updates.map.shape, [&](const Dims& index) {
    const Dims at = place_named(indices, axes, index, whole.map.shape);
    std::memcpy(expected.element(position_of(expected, at)), updates.element(position_of(updates, index)), size);
  });
  const HostTensor got = run_op(kernels::plan_move, "indexed_put", {whole, indices, updates}, whole.dtype,
                                whole.map.shape, with_axes(axes));
  check_bytes(got, [&](const Dims& index) { return expected.element(position_of(expected, index)); }, "indexed_put");
}

}  // namespace

TEST_CASE("gather: every type, operands and indices lying in every way, indices outside of their axes") {
  uint32_t seed = 0;
  for (const Dtype dtype : all_types())
    for (const Layout layout : kLayouts) {
      const HostTensor from = with_bits(dtype, {5, 3, 4}, layout, ++seed);
      check_gather(from, indices_of(s32, {7, 1}, layout, -2, 6, seed), {0});
      check_gather(from, indices_of(s64, {2, 3, 2}, layout, -2, 6, seed), {0, 2});
    }
  const HostTensor from = with_bits(f32, {200, 3}, Layout::kRowMajor, 1);
  for (const Dtype type : {s2, s4, s8, s16, s32, s64, u2, u4, u8, u16, u32, u64}) {
    const int64_t high = (int64_t{1} << std::min(dtype_info(type).bits - 2, 9)) - 1;
    check_gather(from, indices_of(type, {40, 1}, Layout::kTransposed, -high - 1, high, 3), {0});
  }
}

TEST_CASE("gather: the ends of 64-bit indices, none at all, scalars, all axes") {
  HostTensor ends(s64, {4, 1});
  for (const auto& [at, value] :
       {std::pair<int64_t, int64_t>{0, INT64_MIN}, {1, INT64_MAX}, {2, int64_t{1} << 32}, {3, 2}})
    ends.set_integer(at, static_cast<uint64_t>(value));
  const HostTensor from = with_bits(u16, {6, 2}, Layout::kRowMajor, 5);
  check_gather(from, ends, {0});
  HostTensor above(u64, {1, 1});
  above.set_integer(0, UINT64_MAX);
  check_gather(from, above, {0});
  check_gather(from, indices_of(s32, {2}, Layout::kRowMajor, 0, 1, 1), {0, 1});
  check_gather(from, HostTensor(s32, {3, 0}), {});
  check_gather(with_bits(c128, {3, 4, 2}, Layout::kTransposed, 9), indices_of(s32, {5, 3}, Layout::kRowMajor, 0, 4, 1),
               {0, 1, 2});
}

TEST_CASE("take and take_along_axis: every axis, operands lying in every way") {
  uint32_t seed = 100;
  for (const Dtype dtype : {u8, bf16, f32, c64, c128})
    for (const Layout layout : kLayouts)
      for (int axis = 0; axis < 3; ++axis) {
        const HostTensor from = with_bits(dtype, {4, 3, 5}, layout, ++seed);
        const HostTensor indices = indices_of(s32, {2, 3}, layout, -1, 5, seed);
        Shape shape;
        for (int d = 0; d < 3; ++d) {
          if (d != axis) shape.push_back(from.map.shape[d]);
          if (d == axis)
            for (const int64_t size : indices.map.shape) shape.push_back(size);
        }
        const HostTensor taken = run_op(kernels::plan_move, "take", {from, indices}, dtype, shape, with_axis(axis));
        check_bytes(
            taken,
            [&](const Dims& index) {
              Dims at;
              for (int d = 0; d < 3; ++d)
                at.push_back(d == axis ? index_at(indices, {index[axis], index[axis + 1]}, from.map.shape[d])
                                       : index[d < axis ? d : d + 1]);
              return from.element(position_of(from, at));
            },
            "take");
        Shape along = from.map.shape;
        along[axis] = 7;
        const HostTensor places = indices_of(u8, along, layout, 0, 8, seed);
        const HostTensor got =
            run_op(kernels::plan_move, "take_along_axis", {from, places}, dtype, along, with_axis(axis));
        check_bytes(
            got,
            [&](const Dims& index) {
              Dims at = index;
              at[axis] = index_at(places, index, from.map.shape[axis]);
              return from.element(position_of(from, at));
            },
            "take_along_axis");
      }
}

TEST_CASE("indexed_put: every type, duplicates, of which the last counts, and updates smaller than their place") {
  uint32_t seed = 200;
  for (const Dtype dtype : all_types())
    for (const Layout layout : {Layout::kRowMajor, Layout::kTransposed, Layout::kReversed}) {
      const HostTensor whole = with_bits(dtype, {5, 4, 3}, layout, ++seed);
      check_put(whole, indices_of(s32, {9, 1}, layout, -1, 6, seed), with_bits(dtype, {9, 4, 3}, layout, seed), {0});
      check_put(whole, indices_of(s64, {9, 2}, layout, -1, 5, seed), with_bits(dtype, {9, 2}, layout, seed), {0, 2});
    }
  const HostTensor whole = with_bits(f32, {40'000}, Layout::kRowMajor, 7);
  check_put(whole, indices_of(u32, {70'000, 1}, Layout::kRowMajor, 0, 39'999, 7),
            with_bits(f32, {70'000}, Layout::kRowMajor, 8), {0});
  check_put(whole, indices_of(s32, {0, 1}, Layout::kRowMajor, 0, 1, 7), HostTensor(f32, {0}), {0});
  check_put(with_bits(u8, {300, 300}, Layout::kRowMajor, 9), indices_of(s32, {1, 1}, Layout::kRowMajor, 0, 1, 7),
            with_bits(u8, {1, 300}, Layout::kBroadcast, 3), {1});
}

TEST_CASE("put_slice: starts as numbers and as operands, moved inside; types become the result's") {
  uint32_t seed = 300;
  for (const Dtype dtype : {u8, f16, s32, f64, c128})
    for (const Layout layout : kLayouts)
      for (const int64_t start : {int64_t{-3}, int64_t{0}, int64_t{2}, int64_t{9}}) {
        const HostTensor whole = with_bits(dtype, {6, 5}, layout, ++seed);
        const HostTensor part = with_bits(dtype, {3, 2}, layout, seed + 1000);
        HostTensor given(s64, {});
        given.set_integer(0, static_cast<uint64_t>(start));
        const auto expected = [&](const Dims& index) {
          const int64_t row = index[0] - std::clamp<int64_t>(start, 0, 3), column = index[1] - 1;
          const bool inside = row >= 0 && row < 3 && column >= 0 && column < 2;
          return inside ? part.element(position_of(part, {row, column})) : whole.element(position_of(whole, index));
        };
        const auto put = [&](const std::vector<HostTensor>& operands, const Dims& starts) {
          return run_op(kernels::plan_move, "put_slice", operands, dtype, {6, 5},
                        ir::PutSliceAttributes{starts_of(starts)});
        };
        check_bytes(put({whole, part}, {start, 1}), expected, "put_slice");
        check_bytes(put({whole, part, given}, {kOperand, 1}), expected, "put_slice of an operand");
      }
  HostTensor one(u8, {}, {Number::of(1)});
  const HostTensor whole(f32, {4}, {Number::of(1), Number::of(2), Number::of(3), Number::of(4)});
  const HostTensor part(s16, {2}, {Number::of(-7), Number::of(9)});
  const HostTensor got = run_op(kernels::plan_move, "put_slice", {whole, part, one}, f32, {4},
                                ir::PutSliceAttributes{starts_of({kOperand})});
  CHECK(got.real(0) == 1);
  CHECK(got.real(1) == -7);
  CHECK(got.real(2) == 9);
  CHECK(got.real(3) == 4);
}

TEST_CASE("slice: starts of operands, strides; static ones and reversals are views") {
  uint32_t seed = 400;
  for (const Dtype dtype : {u8, bf16, f32, c128})
    for (const Layout layout : kLayouts)
      for (const int64_t start : {int64_t{-5}, int64_t{1}, int64_t{30}}) {
        const HostTensor from = with_bits(dtype, {9, 4}, layout, ++seed);
        HostTensor given(s32, {});
        given.set_integer(0, static_cast<uint64_t>(start));
        const int64_t first = std::clamp<int64_t>(start, 0, 4);
        const auto expected = [&](const Dims& index) {
          return from.element(position_of(from, {first + 2 * index[0], 1 + index[1]}));
        };
        const ir::SliceAttributes dynamic{starts_of({kOperand, 1}), {5, 3}, Dims{2, 1}};
        check_bytes(run_op(kernels::plan_view, "slice", {from, given}, dtype, {3, 3}, dynamic), expected,
                    "slice of an operand");
        const ir::SliceAttributes fixed{starts_of({start, 1}), {5, 3}, Dims{2, 1}};
        check_bytes(run_op(kernels::plan_view, "slice", {from}, dtype, {3, 3}, fixed), expected, "slice");
        const auto reversed = [&](const Dims& index) {
          return from.element(position_of(from, {8 - index[0], index[1]}));
        };
        check_bytes(run_op(kernels::plan_view, "reverse", {from}, dtype, {9, 4}, with_axes({0})), reversed, "reverse");
      }
  // Twenty of them over one tensor record nothing.
  program::Tensor tensor = to_device(with_bits(f32, {64, 64}, Layout::kRowMajor, 1));
  const program::Storage* const storage = tensor.storage.get();
  const uint32_t before = device().recorder().pending();
  for (int i = 0; i < 10; ++i) {
    const int64_t rows = tensor.map.shape[0];
    const std::vector<program::Value> operand = {tensor};
    tensor = run_op("reverse", operand, {f32, {rows, 64}}, with_axes({1}));
    const std::vector<program::Value> turned = {tensor};
    tensor = run_op("slice", turned, {f32, {rows - 3, 64}}, ir::SliceAttributes{starts_of({2, 0}), {rows - 3, 64}, {}});
  }
  CHECK(tensor.storage.get() == storage);
  CHECK(device().recorder().pending() == before);
}

TEST_CASE("pad: edges of both signs, between elements, nothing left, values of any kind") {
  uint32_t seed = 500;
  const ir::Padding paddings[] = {{{1, 2, 0}, {0, 0, 0}},    {{0, 0, 2}, {3, 1, 1}},  {{-1, -2, 0}, {2, -1, 0}},
                                  {{-3, 4, 2}, {-1, -1, 1}}, {{-4, 1, 0}, {0, 5, 0}}, {{0, 0, 0}, {0, 0, 0}},
                                  {{-9, 12, 1}, {1, 1, 0}},  {{2, -7, 1}, {-4, 6, 3}}};
  for (const Dtype dtype : {u2, u8, f16, f32, f64, c64, c128})
    for (const Layout layout : kLayouts)
      for (const ir::Padding& padding : paddings) {
        const HostTensor from = with_bits(dtype, {4, 3}, layout, ++seed);
        const HostTensor value = with_bits(dtype, {}, Layout::kRowMajor, seed + 1000);
        Shape shape;
        for (int d = 0; d < 2; ++d) {
          const ir::Edges& edges = padding[static_cast<size_t>(d)];
          shape.push_back(from.map.shape[d] + (from.map.shape[d] - 1) * edges.interior + edges.low + edges.high);
        }
        if (element_count(shape) == 0) continue;
        const HostTensor got =
            run_op(kernels::plan_move, "pad", {from, value}, dtype, shape, ir::PadAttributes{padding});
        check_bytes(
            got,
            [&](const Dims& index) {
              Dims at;
              for (int d = 0; d < 2; ++d) {
                const ir::Edges& edges = padding[static_cast<size_t>(d)];
                const int64_t place = index[d] - edges.low, step = edges.interior + 1;
                if (place < 0 || place % step != 0 || place / step >= from.map.shape[d]) return value.element(0);
                at.push_back(place / step);
              }
              return from.element(position_of(from, at));
            },
            "pad " + ir::padding_text(padding));
      }
}

TEST_CASE("stack: every axis, several types, one alone") {
  for (int axis = 0; axis <= 2; ++axis) {
    const std::vector<HostTensor> operands = {with_bits(f32, {3, 4}, Layout::kRowMajor, 1),
                                              with_bits(f32, {3, 4}, Layout::kTransposed, 2),
                                              with_bits(f32, {3, 4}, Layout::kReversed, 3)};
    Shape shape = axis == 0 ? Shape{3, 3, 4} : axis == 1 ? Shape{3, 3, 4} : Shape{3, 4, 3};
    const HostTensor got = run_op(kernels::plan_concatenate, "stack", operands, f32, shape, with_axis(axis));
    check_bytes(
        got,
        [&](const Dims& index) {
          Dims at;
          for (int d = 0; d < 3; ++d)
            if (d != axis) at.push_back(index[d]);
          const HostTensor& operand = operands[static_cast<size_t>(index[axis])];
          return operand.element(position_of(operand, at));
        },
        "stack");
  }
}

TEST_CASE("moves of what only moves: a device without 64-bit integers has complex numbers in four words") {
  vulkan::DeviceInfo info = device().info();
  info.has_i64 = false;
  const PlannedFor planned(info);
  const HostTensor from = with_bits(c128, {5, 3, 4}, Layout::kTransposed, 77);
  check_gather(from, indices_of(s32, {2, 3, 2}, Layout::kRowMajor, -2, 6, 1), {0, 2});
  check_put(from, indices_of(s32, {9, 2}, Layout::kRowMajor, -1, 5, 2), with_bits(c128, {9, 2}, Layout::kReversed, 3),
            {0, 2});
}

TEST_CASE("moves along 200,000 places, of ranks up to the limit") {
  const HostTensor from = with_bits(f32, {200'000}, Layout::kRowMajor, 1);
  check_gather(from, indices_of(s32, {200'000, 1}, Layout::kReversed, -5, 200'005, 2), {0});
  Shape deep;
  for (int d = 0; d < kMaxRank; ++d) deep.push_back(d % 4 == 0 ? 2 : 1);
  check_gather(with_bits(f64, deep, Layout::kTransposed, 5), indices_of(s32, {3, 2}, Layout::kRowMajor, 0, 2, 2),
               {0, 4});
}

}  // namespace gpu_node::test
