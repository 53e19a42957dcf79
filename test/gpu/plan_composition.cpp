// Ops that are several pieces of work, composed by hand through the plan builder: what one piece writes the next reads.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "gpu/block_case.h"
#include "gpu/device.h"
#include "gpu/host_tensor.h"
#include "gpu/layouts.h"
#include "gpu/plan_runner.h"
#include "kernels/dot/product.h"
#include "kernels/elementwise/block.h"
#include "kernels/plan_builder.h"
#include "kernels/reduce/reduction.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using kernels::Accumulator;
using kernels::Place;
using kernels::PlanBuilder;
using kernels::Source;

HostTensor small_numbers(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed) {
  std::mt19937 random(seed);
  HostTensor tensor = make_tensor(dtype, shape, layout);
  fill_small(tensor, random);
  return tensor;
}

Place operand(uint32_t index, const HostTensor& tensor) {
  return {kernels::Binding::Kind::kOperand, index, tensor.dtype, tensor.map};
}

// The block of one step, op |name|, over inputs of |dtype|.
scalar::Block step(const char* name, Dtype dtype, std::initializer_list<Dtype> inputs) {
  scalar::Block block;
  std::vector<scalar::ValueNumber> values;
  for (const Dtype type : inputs) values.push_back(block.input(type));
  block.result(block.step(*ir::find_op(name), dtype, values));
  return block;
}

void check(const Result<void>& outcome) {
  if (!outcome.ok()) FAIL(outcome.error().message);
}

// Runs what |compose| writes into a builder whose results have |types|; no byte of a result is there before.
template <typename Compose>
std::vector<HostTensor> run(const std::vector<HostTensor>& operands, const std::vector<ir::TensorType>& types,
                            const Compose& compose, size_t* dispatches = nullptr) {
  PlanBuilder plan("composed", device().info());
  for (const ir::TensorType& type : types) plan.add_result(type);
  check(compose(plan));
  const kernels::Plan made = plan.take();
  if (dispatches != nullptr) *dispatches = made.dispatches.size();
  std::vector<vulkan::BufferRef> buffers, outputs;
  for (const HostTensor& tensor : operands) buffers.push_back(upload(device(), tensor.bytes));
  std::vector<HostTensor> results;
  for (const ir::TensorType& type : types) {
    results.emplace_back(type.dtype, type.shape);
    outputs.push_back(upload(device(), std::vector<std::byte>(results.back().bytes.size(), std::byte{0xa5})));
  }
  check(record_plan(device(), made, buffers, outputs));
  for (size_t k = 0; k < results.size(); ++k)
    results[k].bytes = download(device(), outputs[k], results[k].bytes.size());
  return results;
}

}  // namespace

TEST_CASE("composition: a reduction into scratch, then a block of it and its operand") {
  for (const Layout layout : kLayouts) {
    const HostTensor x = small_numbers(f32, {60, 500}, layout, 3);
    const auto result = run({x}, {{f32, {60, 500}}}, [&](PlanBuilder& plan) -> Result<void> {
      const Place row_max = plan.add_scratch(f32, {60, 1});
      GPU_TRY(append_reduction(reduction_of(Accumulator::kMax, f32, operand(0, x), {1}), row_max, plan));
      return append_block(step("subtract", f32, {f32, f32}), std::vector<Source>{operand(0, x), row_max}, plan.result(),
                          plan);
    });
    for (int64_t row = 0; row < 60; ++row) {
      double most = -INFINITY;
      for (int64_t i = 0; i < 500; ++i) most = std::max(most, static_cast<double>(x.number(row * 500 + i).real));
      for (int64_t i = row * 500; i < row * 500 + 500; ++i)
        REQUIRE(result[0].real(i) == round_to(f32, x.number(i).real - static_cast<long double>(most)));
    }
  }
}

TEST_CASE("composition: the sum of a block, in two passes, beside the block") {
  const HostTensor x = small_numbers(s32, {300'000}, Layout::kRowMajor, 4);
  const auto result = run({x}, {{s32, {300'000}}, {s64, {}}}, [&](PlanBuilder& plan) -> Result<void> {
    GPU_TRY(append_block(step("multiply", s32, {s32, s32}),
                         std::vector<Source>{operand(0, x), Scalar{s32, int64_t{-3}}}, plan.result(0), plan));
    return append_reduction(reduction_of(Accumulator::kSum, s64, plan.result(0), {0}), plan.result(1), plan);
  });
  __int128 sum = 0;
  for (int64_t i = 0; i < x.count(); ++i) {
    REQUIRE(result[0].number(i).integer == -3 * x.number(i).integer);
    sum += -3 * x.number(i).integer;
  }
  CHECK(result[1].number(0).integer == sum);
}

TEST_CASE("composition: copies of strided views into parts of a result") {
  for (const Dtype dtype : {u8, s16, f32, s64, c128}) {
    HostTensor left = make_tensor(dtype, {5, 7, 3}, Layout::kTransposed);
    HostTensor right = make_tensor(dtype, {5, 2, 3}, Layout::kReversed);
    for (HostTensor* tensor : {&left, &right})
      for (size_t i = 0; i < tensor->bytes.size(); ++i) tensor->bytes[i] = static_cast<std::byte>(i * 37 + i / 251);
    const auto result = run({left, right}, {{dtype, {5, 9, 3}}}, [&](PlanBuilder& plan) -> Result<void> {
      GPU_TRY(append_copy(operand(0, left), part_of(plan.result(), {0, 0, 0}, {5, 7, 3}), plan));
      return append_copy(operand(1, right), part_of(plan.result(), {0, 7, 0}, {5, 2, 3}), plan);
    });
    const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
    for (int64_t i = 0; i < 5 * 9 * 3; ++i) {
      const int64_t a = i / 27, b = i / 3 % 9, c = i % 3;
      const HostTensor& from = b < 7 ? left : right;
      const int64_t at = b < 7 ? (a * 7 + b) * 3 + c : (a * 2 + b - 7) * 3 + c;
      REQUIRE(std::memcmp(result[0].element(i), from.element(from.position(at)), size) == 0);
    }
  }
}

TEST_CASE("composition: a product of a copy in scratch, thin and by tiles, into a part of a result") {
  for (const int64_t rows : {3, 40}) {
    // Windows of four over a line, as a convolution takes them: a view that overlaps itself.
    HostTensor line = small_numbers(f32, {rows + 3, 20}, Layout::kRowMajor, 5);
    const HostTensor weights = small_numbers(f32, {80, 40}, Layout::kRowMajor, 6);
    Place windows = operand(0, line);
    windows.map = {{rows, 4, 20}, {20, 20, 1}, 0};
    size_t dispatches = 0;
    const auto result = run(
        {line, weights}, {{f32, {rows, 2, 40}}},
        [&](PlanBuilder& plan) -> Result<void> {
          const Place copied = plan.add_scratch(f32, {rows, 4, 20});
          GPU_TRY(append_copy(windows, copied, plan));
          Place flat = copied;
          flat.map = IndexMap::row_major({rows, 80});
          Place even = part_of(plan.result(), {0, 0, 0}, {rows, 1, 40}), odd = plan.result();
          odd = part_of(odd, {0, 1, 0}, {rows, 1, 40});
          GPU_TRY(append_product(flat, operand(1, weights), {{1}, {}, {0}, {}}, even, plan));
          return append_fill(Scalar{f32, -1.0}, odd, plan);
        },
        &dispatches);
    // The product is not dense in the result: it goes to scratch and is copied.
    CHECK(dispatches == 4);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < 40; ++column) {
        long double exact = 0, magnitude = 0;
        for (int64_t k = 0; k < 80; ++k) {
          const auto term = static_cast<long double>(line.real(row * 20 + k)) * weights.real(k * 40 + column);
          exact += term;
          magnitude += std::fabs(term);
        }
        REQUIRE(std::fabs(result[0].real(row * 80 + column) - exact) <= 84 * 0x1p-24L * magnitude);
        REQUIRE(result[0].real(row * 80 + 40 + column) == -1.0);
      }
  }
}

TEST_CASE("composition: reductions into results that lie in no order of their own") {
  const HostTensor x = small_numbers(s32, {6, 50}, Layout::kRowMajor, 7);
  // Row sums, written from the last to the first.
  const auto result = run({x}, {{s32, {6}}}, [&](PlanBuilder& plan) -> Result<void> {
    Place backwards = plan.result();
    backwards.map = {{6}, {-1}, 5};
    return append_reduction(reduction_of(Accumulator::kSum, s32, operand(0, x), {1}), backwards, plan);
  });
  for (int64_t row = 0; row < 6; ++row) {
    __int128 sum = 0;
    for (int64_t i = 0; i < 50; ++i) sum += x.number(row * 50 + i).integer;
    REQUIRE(result[0].number(5 - row).integer == sum);
  }
}

TEST_CASE("composition: a block of several results, flat, by vectors and into parts of them") {
  const scalar::Block block = block_of("s32 f32 s32=3 multiply,0,2:s32 add,3,1:f32@f64 less,4,1:u8 >4,3,5");
  for (const Shape& shape : {Shape{600}, Shape{40'003}, Shape{9, 11}, Shape{200, 120}, Shape{2, 3, 2, 3, 2, 3}}) {
    CAPTURE(shape_text(shape));
    for (const bool parts : {false, true}) {
      const HostTensor x = small_numbers(s32, shape, parts ? Layout::kTransposed : Layout::kRowMajor, 8);
      const HostTensor y = small_numbers(f32, shape, Layout::kRowMajor, 9);
      // A row before and one behind the part.
      Shape whole = shape;
      Dims from;
      for (int d = 0; d < shape.size(); ++d) from.push_back(d == 0 && parts ? 1 : 0);
      if (parts) whole[0] += 2;
      const auto results = run({x, y}, {{f32, whole}, {s32, whole}, {u8, whole}}, [&](PlanBuilder& plan) {
        std::vector<Place> to;
        for (size_t k = 0; k < 3; ++k) to.push_back(part_of(plan.result(k), from, shape));
        return append_block(block, std::vector<Source>{operand(0, x), operand(1, y)}, to, plan);
      });
      const int64_t first = parts ? element_count(shape) / shape[0] : 0;
      for (int64_t i = 0; i < x.count(); ++i) {
        const __int128 product = 3 * x.number(i).integer;
        const double sum = round_to(f32, static_cast<long double>(product) + y.number(i).real);
        REQUIRE(results[0].real(first + i) == sum);
        REQUIRE(results[1].number(first + i).integer == product);
        REQUIRE(results[2].number(first + i).integer == (sum < y.number(i).real ? 1 : 0));
      }
    }
  }
}

TEST_CASE("composition: a block of thirty tensors, or as many as the device binds") {
  const uint32_t most = std::min(device().info().max_buffers, 31u) - 1;
  const auto sum_of = [](uint32_t count) {
    scalar::Block block;
    for (uint32_t k = 0; k < count; ++k) block.input(s32);
    scalar::ValueNumber sum = 0;
    for (uint32_t k = 1; k < count; ++k) sum = block.step(*ir::find_op("add"), s32, {sum, k});
    block.result(sum);
    return block;
  };
  std::vector<HostTensor> operands;
  std::vector<Source> sources;
  for (uint32_t k = 0; k < most; ++k) {
    operands.push_back(small_numbers(s32, {100}, Layout::kRowMajor, k));
    sources.push_back(operand(k, operands.back()));
  }
  const auto result = run(operands, {{s32, {100}}},
                          [&](PlanBuilder& plan) { return append_block(sum_of(most), sources, plan.result(), plan); });
  for (int64_t i = 0; i < 100; ++i) {
    __int128 sum = 0;
    for (const HostTensor& tensor : operands) sum += tensor.number(i).integer;
    REQUIRE(result[0].number(i).integer == sum);
  }
}

}  // namespace gpu_node::test
