// What is computed of a product where it is stored, and the kernels that do so.
#include <doctest/doctest.h>

#include "fuse/apart.h"
#include "fuse/fuse.h"
#include "fuse/text.h"
#include "golden.h"
#include "kernels/finished.h"
#include "program_builder.h"

namespace gpu_node::fuse {
namespace {

using enum Dtype;
using ir::ValueName;
using test::ProgramBuilder;

std::string text_of(const ir::Program& program, const Limits& limits = {}) { return text(fused(program, limits)); }

ValueName dot(ProgramBuilder& p, Dtype type, const Shape& shape, ValueName left, ValueName right) {
  return p.op("dot", type, shape, {left, right}, ir::DotAttributes{{1}, {}, {0}, {}});
}

// A layer of a network, its sums beside it.
ir::Program layer(const Shape& left, const Shape& right, Dtype type = f32) {
  ProgramBuilder p;
  const Shape shape = {left[0], right[1]};
  const ValueName x = p.input(type, left), w = p.input(type, right), b = p.input(type, {right[1]});
  const ValueName sums = p.op("add", type, shape, {dot(p, type, shape, x, w), b});
  return p.with_outputs({p.op("max", type, shape, {sums, Scalar{type, 0.0}}), sums});
}

// w - 0.5 * (x . y)^T
ir::Program descent(int64_t rows, int64_t columns, int64_t depth) {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {rows, depth}), y = p.input(f32, {depth, columns}),
                  w = p.input(f32, {columns, rows});
  const ValueName turned = p.op("transpose", f32, {columns, rows}, {dot(p, f32, {rows, columns}, x, y)});
  const ValueName step = p.op("multiply", f32, {columns, rows}, {turned, Scalar{f32, 0.5}});
  return p.with_outputs({p.op("subtract", f32, {columns, rows}, {w, step})});
}

kernels::Plan planned(const ir::Program& program, const vulkan::DeviceInfo& device) {
  const Steps steps = fused(program);
  REQUIRE(steps.steps.size() == 1);
  std::vector<kernels::Arg> operands;
  const auto& finished = std::get<ir::Finished>(steps.steps[0].work);
  for (const ValueName name : finished.operands) {
    const ir::TensorType& type = program.inputs[static_cast<size_t>(name)];
    operands.emplace_back(test::tensor(type.dtype, type.shape));
  }
  auto plan = kernels::plan(finished, operands, device);
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

}  // namespace

TEST_CASE("fuse products: bias and threshold are computed where the product is stored") {
  CHECK(text_of(layer({3, 4}, {4, 5})) ==
        "-2 f32{3, 5}, -3 f32{3, 5} = dot 0, 1, 2, contract_left [1], contract_right [0] [a f32; b = 2 at {1}; c = "
        "0:f32; d = add a b f32; e = max d c f32; > d at {0, 1} > e at {0, 1}]\nout -3 -2\n");
}

TEST_CASE("fuse products: a transposed product is seen through, and written as it is wanted") {
  CHECK(text_of(descent(3, 5, 4)) ==
        "-4 f32{5, 3} = dot 0, 1, 2, contract_left [1], contract_right [0] [a f32; b = 0.5:f32; c = 2 at {1, 0}; d = "
        "multiply a b f32; e = subtract c d f32; > e at {1, 0}]\nout -4\n");
}

TEST_CASE("fuse products: what waits for others who wait for the product stays outside") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 4});
  const ValueName d = dot(p, f32, {4, 4}, x, x);
  const ValueName h = p.op("negate", f32, {4, 4}, {d});
  const ValueName scanned = p.op("cumulative_sum", f32, {4, 4}, {h}, ir::CumulativeAttributes{1, false});
  const ValueName out = p.op("add", f32, {4, 4}, {h, scanned});
  const Steps steps = fused(p.with_outputs({out}));
  REQUIRE(steps.steps.size() == 3);
  CHECK(std::holds_alternative<ir::Finished>(steps.steps[0].work));
  CHECK(steps.steps[1].instruction() != nullptr);
  CHECK(steps.steps[2].instruction() != nullptr);
}

TEST_CASE("fuse products: the later of two products takes the sum of both, and its own value may be wanted too") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 4}), y = p.input(f32, {4, 4});
  const ValueName first = dot(p, f32, {4, 4}, x, y);
  const ValueName second = dot(p, f32, {4, 4}, p.op("abs", f32, {4, 4}, {first}), y);
  const ValueName both = p.op("add", f32, {4, 4}, {first, second});
  const Steps steps = fused(p.with_outputs({both, second}));
  REQUIRE(steps.steps.size() == 2);
  CHECK(std::get<ir::Finished>(steps.steps[0].work).results.size() == 2);
  CHECK(std::get<ir::Finished>(steps.steps[1].work).written[0].value == 0);
}

TEST_CASE("fuse products: what only the epilogue takes is computed there; what repeats an element is not") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 4}), y = p.input(f32, {4, 4}), b = p.input(f32, {4});
  const ValueName mask = p.op("greater", u8, {4, 4}, {y, Scalar{f32, 0.0}});
  const ValueName bias = p.op("exp", f32, {4}, {b});
  const ValueName d = p.op("multiply", f32, {4, 4}, {dot(p, f32, {4, 4}, x, y), mask});
  const Steps steps = fused(p.with_outputs({p.op("add", f32, {4, 4}, {d, bias})}));
  REQUIRE(steps.steps.size() == 2);
  CHECK(std::get<ir::Finished>(steps.steps[1].work).steps.size() == 3);
}

TEST_CASE("fuse products: what the product takes is computed before it") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 4});
  const ValueName half = p.op("multiply", f32, {4, 4}, {x, Scalar{f32, 0.5}});
  const ValueName d = dot(p, f32, {4, 4}, half, half);
  CHECK(fused(p.with_outputs({p.op("negate", f32, {4, 4}, {d})})).steps.size() == 2);
}

TEST_CASE("fuse products: other axes, other sizes and limits keep them apart") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 6});
  const ValueName d = p.op("dot", f32, {4, 4}, {x, x}, ir::DotAttributes{{1}, {}, {1}, {}});
  // The sum of a matrix and its transpose needs two of its elements at once.
  const ValueName sum = p.op("add", f32, {4, 4}, {d, p.op("transpose", f32, {4, 4}, {d})});
  CHECK(fused(p.with_outputs({sum})).steps.size() == 3);

  ProgramBuilder wide;
  const ValueName a = wide.input(f32, {2, 4, 6}), b = wide.input(f32, {6, 1});
  const ValueName column = wide.op("dot", f32, {2, 4, 1}, {a, b}, ir::DotAttributes{{2}, {}, {0}, {}});
  CHECK(fused(wide.with_outputs({wide.op("add", f32, {2, 4, 6}, {column, a})})).steps.size() == 2);

  Limits limits;
  limits.epilogue = 1;
  const ir::Program program = layer({3, 4}, {4, 5});
  CHECK(fused(program, limits).steps.size() == 2);
}

TEST_CASE("fuse products: a product waits for its factors as a kernel of its own") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 4});
  const ValueName half = p.op("multiply", f32, {4, 4}, {x, Scalar{f32, 0.5}});
  const ir::Program program =
      p.with_outputs({p.op("add", f32, {4, 4}, {dot(p, f32, {4, 4}, half, x), Scalar{f32, 1.0}})});
  const Steps steps = fused(program);
  const std::vector<Apart> pairs = apart(program, steps, {});
  REQUIRE(pairs.size() == 1);
  CHECK(word(pairs[0].why) == "own_kernel");
}

TEST_CASE("fuse products: one dispatch, and of a split product two") {
  const vulkan::DeviceInfo device = test::full_device();
  CHECK(planned(layer({64, 64}, {64, 64}), device).dispatches.size() == 1);
  CHECK(planned(layer({64, 4096}, {4096, 64}), device).dispatches.size() == 2);
  CHECK(planned(layer({3, 64}, {64, 64}), device).dispatches.size() == 1);
}

TEST_CASE("fuse products: a new shape is no new kernel") {
  const vulkan::DeviceInfo device = test::full_device();
  const auto key = [&](const Shape& left, const Shape& right) {
    return planned(layer(left, right), device).dispatches.back().key;
  };
  CHECK(key({64, 64}, {64, 64}) == key({33, 70}, {70, 41}));
  CHECK(key({64, 4096}, {4096, 64}) == key({33, 3000}, {3000, 41}));
  CHECK(key({3, 64}, {64, 64}) == key({2, 50}, {50, 90}));
}

TEST_CASE("fuse products: what a device does not bind at once is computed behind the product") {
  vulkan::DeviceInfo device = test::full_device();
  device.max_buffers = 6;
  CHECK(planned(layer({64, 64}, {64, 64}), device).dispatches.size() == 1);
  device.max_buffers = 5;
  CHECK(planned(layer({64, 64}, {64, 64}), device).dispatches.size() == 2);
}

TEST_CASE("fuse products: golden kernels") {
  const vulkan::DeviceInfo device = test::full_device();
  const auto golden = [&](const char* file, const ir::Program& program) {
    const kernels::Plan plan = planned(program, device);
    const auto kernel = plan.dispatches.back().emit();
    REQUIRE(kernel.ok());
    test::check_golden(file, plan.dispatches.back().key + "\n" +
                                 test::without_libraries(kernel->glsl, {"uint place", "void finish("}));
  };
  golden("product_layer_tiled", layer({64, 64}, {64, 64}));
  golden("product_layer_large", layer({2048, 64}, {64, 2048}));
  golden("product_layer_split", layer({64, 4096}, {4096, 64}));
  golden("product_descent", descent(128, 784, 32));
}

}  // namespace gpu_node::fuse
