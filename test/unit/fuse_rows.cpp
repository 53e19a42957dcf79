// Which reductions of rows become one step, with what beside them; and its kernel's text.
#include <doctest/doctest.h>

#include "fuse/fuse.h"
#include "fuse/text.h"
#include "golden.h"
#include "kernels/reduce/rows.h"
#include "program_builder.h"

namespace gpu_node::fuse {
namespace {

using enum Dtype;
using ir::ValueName;
using test::ProgramBuilder;

std::string text_of(const ir::Program& program) { return text(fused(program)); }

ir::ReduceAttributes over(std::initializer_list<uint8_t> axes, bool keep = true) { return {ir::Axes(axes), keep}; }

ir::Program softmax(const Shape& shape) {
  ProgramBuilder p;
  const Shape kept = {shape[0], 1};
  const ValueName x = p.input(f32, shape);
  const ValueName m = p.op("reduce_max", f32, kept, {x}, over({1}));
  const ValueName e = p.op("exp", f32, shape, {p.op("subtract", f32, shape, {x, m})});
  const ValueName s = p.op("sum", f32, kept, {e}, over({1}));
  return p.with_outputs({p.op("divide", f32, shape, {e, s})});
}

}  // namespace

TEST_CASE("fuse rows: softmax is one step") {
  CHECK(text_of(softmax({3, 4})) ==
        "-5 f32{3, 4} = rows 0 [{3, 4} by 1: a = 0 at {0, 1}; b = reduce_max a f32; c = subtract a b f32; d = exp c "
        "f32; e = sum d f32; f = divide d e f32; > f]\nout -5\n");
}

TEST_CASE("fuse rows: what others want is a further result, a view of it stays one") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4}), y = p.input(f32, {3});
  const ValueName s = p.op("sum", f32, {3}, {x}, over({1}, false));
  const ValueName mean = p.op("divide", f32, {3}, {s, y});
  const ValueName column = p.op("reshape", f32, {3, 1}, {mean});
  const ValueName apart = p.op("subtract", f32, {3, 4}, {x, column});
  CHECK(text_of(p.with_outputs({apart, column})) ==
        "-2 f32{3}, -4 f32{3, 4} = rows 0, 1 [{3, 4} by 1: a = 0 at {0, 1}; b = 1 at {0}; c = sum a f32; d = divide c "
        "b f32; e = subtract a d f32; > d of rows > e]\n-3 f32{3, 1} = reshape -2\nout -4 -3\n");
}

TEST_CASE("fuse rows: numbers of rows that would broadcast along them are not theirs") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4, 4});
  const ValueName s = p.op("sum", f32, {4}, {x}, over({1}, false));
  const ValueName apart = p.op("subtract", f32, {4, 4}, {x, s});  // column j gets the sum of row j
  CHECK(text_of(p.with_outputs({apart})) == "-1 f32{4} = sum 0, axes [1]\n-2 f32{4, 4} = subtract 0, -1\nout -2\n");
}

TEST_CASE("fuse rows: what waits for others who wait for the rows stays outside") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4});
  const ValueName s = p.op("sum", f32, {3, 1}, {x}, over({1}));
  const ValueName apart = p.op("subtract", f32, {3, 4}, {x, s});
  const ValueName scanned = p.op("cumulative_sum", f32, {3, 4}, {apart}, ir::CumulativeAttributes{1, false});
  const ValueName m = p.op("reduce_max", f32, {3, 1}, {scanned}, over({1}));
  const ValueName out = p.op("multiply", f32, {3, 4}, {p.op("add", f32, {3, 4}, {apart, m}), s});
  const Steps steps = fused(p.with_outputs({out}));
  REQUIRE(steps.steps.size() == 3);
  CHECK(std::holds_alternative<ir::Rows>(steps.steps[0].work));
  CHECK(std::get<ir::Rows>(steps.steps[0].work).results.size() == 2);
  CHECK(steps.steps[1].instruction() != nullptr);
  CHECK(std::holds_alternative<ir::Rows>(steps.steps[2].work));
}

TEST_CASE("fuse rows: what is reduced is computed with it where nobody else wants it") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4}), y = p.input(f32, {3, 4});
  const ValueName product = p.op("multiply", f32, {3, 4}, {x, y}), sum = p.op("add", f32, {3, 4}, {x, y});
  const ValueName a = p.op("sum", f32, {3}, {product}, over({1}, false));
  const ValueName b = p.op("sum", f32, {3}, {p.op("multiply", f32, {3, 4}, {sum, sum})}, over({1}, false));
  const Steps steps = fused(p.with_outputs({p.op("subtract", f32, {3}, {a, b})}));
  CHECK(steps.steps.size() == 1);
}

TEST_CASE("fuse rows: golden softmax, kept and not") {
  const vulkan::DeviceInfo device = test::full_device();
  const auto golden = [&](const char* file, const Shape& shape) {
    const Steps steps = fused(softmax(shape));
    REQUIRE(steps.steps.size() == 1);
    const kernels::Arg input = test::tensor(f32, shape);
    const auto plan = kernels::plan(std::get<ir::Rows>(steps.steps[0].work), {&input, 1}, device);
    REQUIRE(plan.ok());
    REQUIRE(plan->dispatches.size() == 1);
    const auto kernel = plan->dispatches[0].emit();
    REQUIRE(kernel.ok());
    test::check_golden(file, plan->dispatches[0].key + "\n" + test::without_libraries(kernel->glsl, {"uint row0("}));
  };
  golden("rows_softmax_kept", {64, 999});
  golden("rows_softmax_fours", {64, 1000});
  golden("rows_softmax_read_again", {10, 8191});
}

TEST_CASE("fuse rows: a new shape is no new kernel within a class of lengths") {
  const vulkan::DeviceInfo device = test::full_device();
  const auto key = [&](const Shape& shape) {
    const Steps steps = fused(softmax(shape));
    const kernels::Arg input = test::tensor(f32, shape);
    return kernels::plan(std::get<ir::Rows>(steps.steps[0].work), {&input, 1}, device)->dispatches[0].key;
  };
  CHECK(key({64, 1000}) == key({33, 900}));
  CHECK(key({64, 999}) == key({7, 1021}));
  CHECK(key({64, 1000}) != key({64, 3000}));
}

}  // namespace gpu_node::fuse
