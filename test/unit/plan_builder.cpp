// What the plan builder decides for every family: limits, bindings, parameters; and merging of axes.
#include "kernels/plan_builder.h"

#include <doctest/doctest.h>

#include <numeric>

#include "golden.h"
#include "kernels/elementwise/block.h"
#include "kernels/reduce/reduction.h"

namespace gpu_node::kernels {
namespace {

using enum Dtype;

Place operand(Dtype dtype, const IndexMap& map) { return {Binding::Kind::kOperand, 0, dtype, map}; }

}  // namespace

TEST_CASE("plan builder: the one limit on operands is the device's, and is named") {
  vulkan::DeviceInfo device = test::full_device();
  device.max_buffers = 12;
  const auto append = [&](size_t inputs) {
    PlanBuilder plan("gather", device);
    plan.add_result({f32, {8}});
    scalar::Block block;
    std::vector<Source> sources;
    for (size_t k = 0; k < inputs; ++k) {
      block.input(f32);
      sources.push_back(Place{Binding::Kind::kOperand, static_cast<uint32_t>(k), f32, IndexMap::row_major({8})});
    }
    block.result(block.step(*ir::find_op("negate"), f32, {0}));
    return append_block(block, sources, plan.result(), plan);
  };
  CHECK(append(11).ok());
  const auto refused = append(12);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
  CHECK(refused.error().message == "gather: binds 13 buffers, the limit of the device test is 12");
}

TEST_CASE("plan builder: bindings are exact, from an aligned offset") {
  vulkan::DeviceInfo device = test::full_device();
  device.storage_alignment = 64;
  const PlanBuilder plan("op", device);
  const auto bound = plan.bind(operand(f32, {{3, 4}, {10, -1}, 43}), false);
  REQUIRE(bound.ok());
  // Elements 40 to 63: bytes 160 to 256.
  CHECK(bound->binding.offset_bytes == 128);
  CHECK(bound->binding.size_bytes == 128);
  CHECK(bound->offset == 43 - 32);
  CHECK(plan.is_dense(operand(f32, {{3, 4}, {4, 1}, 32})));
  CHECK_FALSE(plan.is_dense(operand(f32, {{3, 4}, {4, 1}, 33})));
  CHECK_FALSE(plan.is_dense(operand(f32, {{3, 4}, {1, 3}, 0})));
  device.max_storage_range = 127;
  const auto read = plan.bind(operand(f32, {{3, 4}, {10, -1}, 43}), false);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().message ==
        "op: operand 0, f32{3, 4}, spans 128 bytes, above the device's storage range of 127 bytes");
  const auto written = plan.bind(operand(f32, IndexMap::row_major({32})), true);
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().message ==
        "op: a result of 32 f32 elements takes 128 bytes, above the device's storage range of 127 bytes");
}

TEST_CASE("plan builder: parameters that do not fit the push constants get a buffer") {
  const vulkan::DeviceInfo device = test::full_device();
  PlanBuilder plan("op", device);
  std::vector<uint32_t> words(kMaxPushBytes / 4);
  std::iota(words.begin(), words.end(), 7);
  Dispatch pushed, bound;
  plan.set_parameters(words, pushed);
  CHECK(pushed.push_bytes == kMaxPushBytes);
  CHECK(pushed.bindings.empty());
  words.push_back(99);
  plan.set_parameters(words, bound);
  CHECK(bound.push_bytes == 0);
  REQUIRE(bound.bindings.size() == 1);
  CHECK(bound.bindings[0].size_bytes == words.size() * 4);
  const Plan made = plan.take();
  REQUIRE(made.scratch_data.size() == 1);
  const auto bytes = std::as_bytes(std::span(words));
  CHECK(std::equal(bytes.begin(), bytes.end(), made.scratch_data[0].second.begin(), made.scratch_data[0].second.end()));
}

TEST_CASE("plan builder: results and scratch are places by number") {
  const vulkan::DeviceInfo device = test::full_device();
  PlanBuilder plan("op", device);
  plan.add_result({f32, {2, 3}});
  plan.add_result({s64, {4}});
  CHECK(plan.result(1).kind == Binding::Kind::kResult);
  CHECK(plan.result(1).index == 1);
  CHECK(plan.result(1).dtype == s64);
  const Place first = plan.add_scratch(f64, {5}), second = plan.placed(Scalar{s8, int64_t{-1}});
  CHECK(first.index == 0);
  CHECK(second.index == 1);
  CHECK(second.dtype == s32);
  const Place part = part_of(plan.result(0), {1, 1}, {1, 2});
  CHECK(part.map.offset == 4);
  CHECK(part.map.strides == plan.result(0).map.strides);
  const Plan made = plan.take();
  CHECK(made.scratch_bytes == std::vector<uint64_t>{40, 8});
}

TEST_CASE("plan builder: an invocation of a long block of many elements takes several on a GPU") {
  const auto dispatch_of = [](size_t steps, int64_t count, bool software) {
    vulkan::DeviceInfo device = test::full_device();
    device.software = software;
    PlanBuilder plan("map", device);
    plan.add_result({u32, {count}});
    scalar::Block block;
    scalar::ValueNumber last = block.input(u32);
    for (size_t i = 0; i < steps; ++i) last = block.step(*ir::find_op("multiply"), u32, {last, 0});
    block.result(last);
    const Source source = operand(u32, IndexMap::row_major({count}));
    REQUIRE(append_block(block, {&source, 1}, plan.result(), plan).ok());
    Plan made = plan.take();
    REQUIRE(made.dispatches.size() == 1);
    return std::move(made.dispatches[0]);
  };
  constexpr int64_t kMany = int64_t{1} << 20;
  const Dispatch turns = dispatch_of(40, kMany + 1, false), few = dispatch_of(40, kMany - 1, false),
                 software = dispatch_of(40, kMany + 1, true);
  CHECK(turns.key.ends_with(" x4"));
  CHECK(turns.grid.units == kMany + 1);
  CHECK(turns.grid.groups[0] == kMany / 256 / 4 + 1);
  CHECK_FALSE(few.key.ends_with(" x4"));
  CHECK(few.grid.groups[0] == kMany / 256);
  CHECK_FALSE(software.key.ends_with(" x4"));
}

TEST_CASE("plan builder: roots and exp of f32 by fours where fma rounds once") {
  const auto key_of = [](const char* op, Dtype type, bool fma_rounds_once) {
    vulkan::DeviceInfo device = test::full_device();
    device.driver = fma_rounds_once ? "NVIDIA 580.159.04" : "llvmpipe Mesa 25.0.7";
    PlanBuilder plan("map", device);
    plan.add_result({type, {40'000}});
    scalar::Block block;
    block.result(block.step(*ir::find_op(op), type, {block.input(type)}));
    const Source source = operand(type, IndexMap::row_major({40'000}));
    REQUIRE(append_block(block, {&source, 1}, plan.result(), plan).ok());
    return plan.take().dispatches.at(0).key;
  };
  for (const char* op : {"sqrt", "exp"})
    for (const Dtype type : {f32, f16}) {
      CHECK(key_of(op, type, true).ends_with(" v0"));
      CHECK(key_of(op, type, false).ends_with(" r0"));
    }
  CHECK(key_of("sqrt", f64, true).ends_with(" r0"));
  CHECK(key_of("log", f32, true).ends_with(" r0"));
}

TEST_CASE("axes: neighbours that every place walks as one are merged, axes of one element dropped") {
  Axes axes = axes_of({2, 1, 3, 4, 5});
  add_place(axes, IndexMap::row_major({2, 1, 3, 4, 5}));
  add_place(axes, {{3, 1, 5}, {5, 0, 1}, 0});
  merge_axes(axes);
  REQUIRE(axes.size() == 4);
  CHECK(axes[3].strides == SmallList<int64_t, 3>{1, 1});
  CHECK(axes[2].strides == SmallList<int64_t, 3>{5, 0});
  CHECK(count_of(axes) == 120);
  Axes alone = axes_of({2, 1, 3, 4, 5});
  add_place(alone, IndexMap::row_major({2, 1, 3, 4, 5}));
  merge_axes(alone);
  REQUIRE(alone.size() == 1);
  CHECK(alone[0].size == 120);
  CHECK(closest_stride(alone, 0) == 1);
}

}  // namespace gpu_node::kernels
