// Normalisations and statistics of rows: one dispatch where a row is one workgroup's, and the bits of what is carried
// out one by one.
#include <doctest/doctest.h>

#include <cmath>

#include "base/concat.h"
#include "fuse/text.h"
#include "gpu/plan_runner.h"
#include "gpu/program_case.h"
#include "program_builder.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

program::Value tensor(Dtype dtype, const Shape& shape, uint32_t seed = 1, Placement placement = Placement::kPlain) {
  return to_device(any_tensor(dtype, shape, seed), placement);
}

// Of -4 to 4, so that no sum is NaN and no difference cancels to nothing.
program::Value plain(Dtype dtype, const Shape& shape, uint32_t seed = 1, Placement placement = Placement::kPlain) {
  std::mt19937 random(seed);
  std::vector<Number> numbers;
  for (int64_t i = 0; i < element_count(shape); ++i)
    numbers.emplace_back(static_cast<double>(static_cast<int>(random() % 8192) - 4096) / 1024);
  return to_device(HostTensor(dtype, shape, numbers), placement);
}

ir::ReduceAttributes over(std::initializer_list<uint8_t> axes, bool keep = true) { return {ir::Axes(axes), keep}; }

Shape kept_of(Shape shape, std::initializer_list<uint8_t> axes) {
  for (const uint8_t axis : axes) shape[axis] = 1;
  return shape;
}

// Rows of a program: an input and what is computed of it.
struct RowProgram {
  ProgramBuilder p;
  Dtype type;
  Shape shape, kept;
  std::initializer_list<uint8_t> axes;

  RowProgram(Dtype type, const Shape& shape, std::initializer_list<uint8_t> axes)
      : type(type), shape(shape), kept(kept_of(shape, axes)), axes(axes) {}

  ValueName reduce(std::string_view op, ValueName x) { return p.op(op, type, kept, {x}, over(axes)); }
  ValueName rows(std::string_view op, std::initializer_list<ir::Operand> operands) {
    return p.op(op, type, kept, operands);
  }
  ValueName elements(std::string_view op, std::initializer_list<ir::Operand> operands) {
    return p.op(op, type, shape, operands);
  }
  double count() const { return static_cast<double>(element_count(shape) / element_count(kept)); }

  ValueName softmax(ValueName x) {
    const ValueName e = elements("exp", {elements("subtract", {x, reduce("reduce_max", x)})});
    return elements("divide", {e, reduce("sum", e)});
  }
  ValueName log_softmax(ValueName x) {
    const ValueName shifted = elements("subtract", {x, reduce("reduce_max", x)});
    return elements("subtract", {shifted, rows("log", {reduce("sum", elements("exp", {shifted}))})});
  }
  ValueName log_sum_exp(ValueName x) {
    const ValueName m = reduce("reduce_max", x);
    return rows("add", {rows("log", {reduce("sum", elements("exp", {elements("subtract", {x, m})}))}), m});
  }
  ValueName mean(ValueName x) { return rows("divide", {reduce("sum", x), Scalar{f64, count()}}); }
  ValueName variance(ValueName x) {
    const ValueName apart = elements("subtract", {x, mean(x)});
    return mean(elements("multiply", {apart, apart}));
  }
  ValueName layer_norm(ValueName x, ValueName weight, ValueName bias) {
    const ValueName apart = elements("subtract", {x, mean(x)});
    const ValueName spread = mean(elements("multiply", {apart, apart}));
    const ValueName scale = rows("rsqrt", {rows("add", {spread, Scalar{f64, 1e-5}})});
    return elements("add", {elements("multiply", {elements("multiply", {apart, scale}), weight}), bias});
  }
};

}  // namespace

TEST_CASE("fuse rows: softmax and what is like it are one dispatch") {
  for (const int64_t columns : {1, 2, 31, 32, 33, 1000, 1024, 4096}) {
    INFO(columns);
    const Shape shape = {columns > 1024 ? 3 : 64, columns};
    const auto check = [&](auto make) {
      RowProgram rows(f32, shape, {1});
      const ValueName x = rows.p.input(f32, shape);
      const ValueName out = make(rows, x);
      const program::Value input = plain(f32, shape);
      CHECK(check_fused(rows.p.with_outputs({out}), {&input, 1}).dispatches == 1);
    };
    check([](RowProgram& rows, ValueName x) { return rows.softmax(x); });
    check([](RowProgram& rows, ValueName x) { return rows.log_softmax(x); });
    check([](RowProgram& rows, ValueName x) { return rows.log_sum_exp(x); });
    check([](RowProgram& rows, ValueName x) { return rows.variance(x); });
  }
}

TEST_CASE("fuse rows: layer norm with weights, several outputs, numbers of rows beside elements") {
  const Shape shape = {5, 48};
  RowProgram rows(f32, shape, {1});
  const ValueName x = rows.p.input(f32, shape), weight = rows.p.input(f32, {48}), bias = rows.p.input(f32, {48});
  const ValueName out = rows.layer_norm(x, weight, bias);
  const std::vector<program::Value> inputs = {plain(f32, shape, 1), plain(f32, {48}, 2), plain(f32, {48}, 3)};
  CHECK(check_fused(rows.p.with_outputs({out}), inputs).dispatches == 1);

  RowProgram more(f32, shape, {1});
  const ValueName y = more.p.input(f32, shape), labels = more.p.input(s32, {5, 1});
  const ValueName soft = more.softmax(y);
  const ValueName hot =
      more.p.op("equal", u8, shape, {more.p.op("iota", s32, {5, 48}, {}, ir::IotaAttributes{1}), labels});
  const ValueName gradient = more.elements("subtract", {soft, hot});
  const ValueName total = more.reduce("sum", gradient);
  const std::vector<program::Value> values = {plain(f32, shape, 1), plain(s32, {5, 1}, 2)};
  CHECK(check_fused(more.p.with_outputs({soft, gradient, total}), values).dispatches == 1);
}

}  // namespace gpu_node::test
