// What is computed of a product where it is stored: no dispatch more than the product alone, and the bits of what is
// carried out one by one.
#include <doctest/doctest.h>

#include "base/concat.h"
#include "fuse/fuse.h"
#include "fuse/text.h"
#include "gpu/device.h"
#include "gpu/plan_runner.h"
#include "gpu/program_case.h"
#include "kernels/finished.h"
#include "program_builder.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

program::Value special(Dtype dtype, const Shape& shape, uint32_t seed, Placement placement = Placement::kPlain) {
  return to_device(any_tensor(dtype, shape, seed), placement);
}

// Of -4 to 4, so that sums of products are numbers.
program::Value plain(Dtype dtype, const Shape& shape, uint32_t seed, Placement placement = Placement::kPlain) {
  std::mt19937 random(seed);
  std::vector<Number> numbers;
  for (int64_t i = 0; i < element_count(shape); ++i)
    numbers.emplace_back(static_cast<double>(static_cast<int>(random() % 8192) - 4096) / 1024);
  return to_device(HostTensor(dtype, shape, numbers), placement);
}

struct Product {
  const char* what;
  Shape left, right, result;
  ir::DotAttributes axes;
  bool splits = false;  // its sums are of parts
};

const std::vector<Product>& products() {
  static const std::vector<Product> kProducts = {
      {"thin", {3, 20}, {20, 7}, {3, 7}, {{1}, {}, {0}, {}}},
      {"tiles", {33, 18}, {18, 50}, {33, 50}, {{1}, {}, {0}, {}}},
      {"split", {20, 1'100}, {1'100, 24}, {20, 24}, {{1}, {}, {0}, {}}, true},
      {"batches", {5, 17, 9}, {5, 9, 19}, {5, 17, 19}, {{2}, {0}, {1}, {0}}},
      {"thin, split", {2, 9'000}, {9'000, 3}, {2, 3}, {{1}, {}, {0}, {}}, true},
      {"of nothing", {3, 0}, {0, 5}, {3, 5}, {{1}, {}, {0}, {}}},
      {"tiles of both transposed", {18, 40}, {37, 18}, {40, 37}, {{0}, {}, {1}, {}}},
      {"medium tiles", {300, 5}, {5, 1'030}, {300, 1'030}, {{1}, {}, {0}, {}}},
      {"several free axes", {3, 7, 10, 2}, {10, 4, 6}, {3, 7, 2, 4, 6}, {{2}, {}, {0}, {}}},
  };
  return kProducts;
}

Shape last_of(const Shape& shape) { return {shape[shape.size() - 1]}; }
Shape first_of(Shape shape) {
  for (int d = 1; d < shape.size(); ++d) shape[d] = 1;
  return shape;
}

// The product with a bias along the last axis, a factor along the first and a tensor beside it.
ir::Program dressed(const Product& product, Dtype type, Dtype result, bool own) {
  ProgramBuilder p;
  const Shape& shape = product.result;
  const ValueName x = p.input(type, product.left), y = p.input(type, product.right);
  const ValueName bias = p.input(result, last_of(shape)), factor = p.input(result, first_of(shape));
  const ValueName beside = p.input(result, shape);
  const ValueName d = p.op("dot", result, shape, {x, y}, product.axes);
  const ValueName sums = p.op("add", result, shape, {p.op("multiply", result, shape, {d, factor}), bias});
  const ValueName mask = p.op("equal", u8, shape, {sums, beside});
  const ValueName out = p.op("add", result, shape, {p.op("multiply", result, shape, {sums, beside}), mask});
  const ValueName narrow = p.op("as_type", is_complex(result) ? c64 : f32, shape, {out});
  return own ? p.with_outputs({narrow, d, mask}) : p.with_outputs({out});
}

std::vector<program::Value> inputs_of(const ir::Program& program, Placement placement) {
  std::vector<program::Value> inputs;
  for (const ir::TensorType& type : program.inputs)
    inputs.push_back(plain(type.dtype, type.shape, static_cast<uint32_t>(inputs.size() + 1),
                           type.shape.size() == 2 && !is_complex(type.dtype) ? placement : Placement::kPlain));
  return inputs;
}

// w - 0.1 * (x . y)^T, with and without the transposition.
ir::Program descent(const Shape& left, const Shape& right, bool turns) {
  ProgramBuilder p;
  const Shape shape = {left[0], right[1]}, own = turns ? Shape{right[1], left[0]} : shape;
  const ValueName x = p.input(f32, left), y = p.input(f32, right), w = p.input(f32, own);
  ValueName d = p.op("dot", f32, shape, {x, y}, ir::DotAttributes{{1}, {}, {0}, {}});
  if (turns) d = p.op("transpose", f32, own, {d});
  return p.with_outputs({p.op("subtract", f32, own, {w, p.op("multiply", f32, own, {d, Scalar{f64, 0.1}})})});
}

// A convolution with a bias of its filters, a threshold and its mask, and what is beside it.
struct Convolution {
  const char* what;
  Shape input, kernel, result;
  ir::ConvAttributes attributes;
  int filters = 1;  // which axis of the result they are
};

const std::vector<Convolution>& convolutions() {
  static const std::vector<Convolution> kConvolutions = [] {
    const auto conv = [](ir::Padding padding, int64_t by_feature = 1, int64_t by_batch = 1) {
      ir::ConvAttributes given;
      given.padding = std::move(padding);
      given.feature_group_size = {by_feature};
      given.batch_group_size = {by_batch};
      return given;
    };
    std::vector<Convolution> all = {
        {"images side by side", {2, 3, 9, 8}, {4, 3, 3, 3}, {2, 4, 9, 8}, conv({{1, 1}, {1, 1}})},
        {"images by tiles", {2, 4, 20, 20}, {24, 4, 3, 3}, {2, 24, 18, 18}, conv({{}, {}})},
        {"groups of features", {2, 4, 7, 6}, {6, 2, 3, 2}, {2, 6, 3, 5}, conv({{}, {}}, 2)},
        {"groups of images", {6, 2, 5, 5}, {6, 2, 2, 2}, {2, 6, 4, 4}, conv({{}, {}}, 1, 3)},
        {"depthwise", {2, 24, 12, 12}, {24, 1, 3, 3}, {2, 24, 10, 10}, conv({{}, {}}, 24)},
        {"filters last", {2, 9, 8, 3}, {3, 3, 3, 4}, {2, 7, 6, 4}, conv({{}, {}}), 3},
    };
    all[2].attributes.strides = Dims{2, 1};
    ir::ConvAttributes& last = all.back().attributes;
    last.input_permutation = last.output_permutation = ir::Axes{0, 3, 1, 2};
    last.kernel_permutation = ir::Axes{3, 2, 0, 1};
    return all;
  }();
  return kConvolutions;
}

ir::Program biased(const Convolution& conv, Dtype type) {
  ProgramBuilder p;
  const ValueName x = p.input(type, conv.input), k = p.input(type, conv.kernel), beside = p.input(type, conv.result);
  const ValueName c = p.op("conv", type, conv.result, {x, k}, conv.attributes);
  return p.with_outputs({p.op("multiply", type, conv.result, {c, beside})});
}

ir::Program dressed(const Convolution& conv, Dtype type, bool own) {
  ProgramBuilder p;
  const Shape& shape = conv.result;
  Shape of_filters = shape;
  for (int d = 0; d < shape.size(); ++d) of_filters[d] = d == conv.filters ? shape[d] : 1;
  const ValueName x = p.input(type, conv.input), k = p.input(type, conv.kernel);
  const ValueName bias = p.input(type, of_filters), beside = p.input(type, shape);
  const ValueName c = p.op("conv", type, shape, {x, k}, conv.attributes);
  const ValueName sum = p.op("add", type, shape, {c, bias});
  const ValueName mask = p.op("greater", u8, shape, {sum, beside});
  const ValueName out = p.op("multiply", type, shape, {sum, mask});
  return own ? p.with_outputs({out, c, mask}) : p.with_outputs({out});
}

}  // namespace

TEST_CASE("fuse products: of all types and kinds of products, lying in any way") {
  const auto check = [](const Product& product, Dtype type, bool own, Placement placement) {
    INFO(concat(dtype_name(type), " ", product.what, own ? ", its own value too" : ""));
    const ir::Program program = dressed(product, type, type, own);
    const ProgramOutcome outcome = check_fused(program, inputs_of(program, placement));
    CHECK(outcome.steps == 1);
    CHECK(outcome.dispatches == (product.splits ? 2 : 1));
  };
  for (const Product& product : products()) {
    check(product, f32, false, Placement::kPlain);
    check(product, f32, true, Placement::kTransposed);
  }
  // What the others have of their own does not depend on the type.
  for (const Dtype type : {f64, bf16, f16, s32, u8, s64, c64})
    for (size_t i = 0; i < 3; ++i) check(products()[i], type, true, Placement::kTransposed);
}

TEST_CASE("fuse products: sums in a wider type than the result's") {
  for (size_t i = 0; i < 3; ++i) {
    INFO(products()[i].what);
    const ir::Program program = dressed(products()[i], s32, f32, true);
    CHECK(check_fused(program, inputs_of(program, Placement::kPlain)).steps == 1);
  }
}

TEST_CASE("fuse products: special values are what they are one by one") {
  for (const Dtype type : {f32, f64, f16}) {
    const ir::Program program = dressed(products()[1], type, type, true);
    std::vector<program::Value> inputs = inputs_of(program, Placement::kPlain);
    for (size_t i = 2; i < inputs.size(); ++i)
      inputs[i] = special(type, program.inputs[i].shape, static_cast<uint32_t>(i));
    check_fused(program, inputs);
  }
}

TEST_CASE("fuse products: functions, in loops of the kernel") {
  for (size_t i = 0; i < 3; ++i) {
    const Product& product = products()[i];
    ProgramBuilder p;
    const ValueName x = p.input(f32, product.left), y = p.input(f32, product.right);
    const ValueName d = p.op("dot", f32, product.result, {x, y}, product.axes);
    const ValueName scaled = p.op("multiply", f32, product.result, {d, Scalar{f32, 0.01}});
    const ir::Program program = p.with_outputs({p.op("tanh", f32, product.result, {scaled})});
    INFO(product.what);
    CHECK(check_fused(program, inputs_of(program, Placement::kPlain)).steps == 1);
  }
}

TEST_CASE("fuse products: a step of gradient descent, transposed too") {
  for (const bool turns : {false, true})
    for (const auto& [left, right] : std::vector<std::pair<Shape, Shape>>{
             {{128, 32}, {32, 200}}, {{10, 32}, {32, 128}}, {{33, 2'000}, {2'000, 40}}, {{1'030, 16}, {16, 300}}}) {
      INFO(concat(shape_text(left), " ", shape_text(right), turns ? " transposed" : ""));
      const ir::Program program = descent(left, right, turns);
      const ProgramOutcome outcome = check_fused(program, inputs_of(program, Placement::kPlain));
      CHECK(outcome.dispatches == (left[1] == 2'000 ? 2 : 1));
    }
}

TEST_CASE("fuse products: convolutions of all layouts and groups are one step, to the bit") {
  for (const Convolution& conv : convolutions())
    for (const Dtype type : {f32, bf16, f64, c64})
      for (const bool own : {false, true}) {
        if (is_complex(type) && own) continue;
        INFO(concat(conv.what, " ", dtype_name(type)));
        ir::Program program = is_complex(type) ? biased(conv, type) : dressed(conv, type, own);
        CHECK(check_fused(program, inputs_of(program, Placement::kPlain)).steps == 1);
      }
}

TEST_CASE("fuse products: as planned for a card") {
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.shared_memory_bytes = std::min(info.shared_memory_bytes, 32768u);
  const auto check = [&info](const ir::Program& program) {
    std::vector<HostTensor> inputs;
    std::vector<program::Value> values;
    for (const ir::TensorType& type : program.inputs) {
      values.push_back(plain(type.dtype, type.shape, static_cast<uint32_t>(inputs.size() + 1)));
      inputs.push_back(from_device(std::get<program::Tensor>(values.back())));
    }
    ProgramOutcome card = run_program(program, values, false);
    const ProgramOutcome apart = card;
    const fuse::Steps steps = fuse::fused(program);
    REQUIRE(steps.steps.size() == 1);
    const PlannedFor planned(info);
    card.outputs = run_work(std::get<ir::Finished>(steps.steps[0].work), inputs);
    CHECK(difference(apart, card) == "");
  };
  for (const auto& [left, right] : std::vector<std::pair<Shape, Shape>>{
           {{33, 18}, {18, 50}}, {{300, 17}, {17, 1'030}}, {{1'700, 5}, {5, 1'800}}, {{33, 2'000}, {2'000, 40}}})
    for (const bool turns : {false, true}) {
      INFO(concat(shape_text(left), " ", shape_text(right), turns ? " transposed" : ""));
      check(descent(left, right, turns));
    }
  check(dressed(products()[1], f32, f32, false));
  check(dressed(products()[3], f32, f32, false));
  for (const Convolution& conv : convolutions()) {
    INFO(conv.what);
    // What is padded is written first.
    if (conv.attributes.padding[0].low == 0) check(dressed(conv, f32, false));
  }
}

}  // namespace gpu_node::test
