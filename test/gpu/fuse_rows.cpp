// Normalisations and statistics of rows: one dispatch where a row is one workgroup's, and the bits of what is carried
// out one by one.
#include <doctest/doctest.h>

#include <cmath>

#include "base/concat.h"
#include "fuse/text.h"
#include "gpu/device.h"
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

  RowProgram(Dtype of, const Shape& elements, std::initializer_list<uint8_t> over)
      : type(of), shape(elements), kept(kept_of(elements, over)), axes(over) {}

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

TEST_CASE("fuse rows: of all types, over axes anywhere, lying in any way") {
  const std::vector<std::pair<Shape, std::initializer_list<uint8_t>>> kRows = {
      {{4, 3, 40}, {2}}, {{4, 3, 40}, {1, 2}}, {{4, 3, 40}, {0}}, {{40, 6}, {0}}, {{2, 5, 3, 4}, {1, 3}}, {{33}, {0}}};
  for (const Dtype type : {f32, f64, bf16, f16, s32, u8, s64})
    for (const auto& [shape, axes] : kRows) {
      INFO(concat(dtype_name(type), " ", shape_text(shape)));
      RowProgram rows(type, shape, axes);
      const ValueName x = rows.p.input(type, shape), y = rows.p.input(type, shape);
      const ValueName apart = rows.elements("max", {x, y});
      const ValueName m = rows.reduce("reduce_min", apart);
      const ValueName z = rows.elements("subtract", {apart, m});
      const ValueName total =
          rows.p.op("product", is_integer(type) ? (dtype_info(type).kind == DtypeKind::kUnsigned ? u64 : s64) : type,
                    rows.kept, {rows.elements("add", {z, Scalar{s64, int64_t{1}}})}, over(axes));
      const ValueName any = rows.p.op("any", u8, rows.kept, {rows.elements("multiply", {z, y})}, over(axes));
      const ValueName last = rows.elements("add", {rows.elements("multiply", {z, any}), y});
      const ir::Program program = rows.p.with_outputs({total, last});
      for (const Placement placement : {Placement::kPlain, Placement::kTransposed}) {
        const std::vector<program::Value> inputs = {tensor(type, shape, 1, placement), plain(type, shape, 2)};
        CHECK(check_fused(program, inputs).dispatches == 1);
      }
    }
}

TEST_CASE("fuse rows: a tensor that lies otherwise is summed in its own order, in a dispatch of its own") {
  const Shape shape = {20, 24};
  RowProgram rows(f32, shape, {1});
  const ValueName x = rows.p.input(f32, shape);
  const ir::Program program = rows.p.with_outputs({rows.variance(x)});
  const program::Value turned = plain(f32, shape, 1, Placement::kTransposed);
  CHECK(check_fused(program, {&turned, 1}).dispatches <= 2);
  const program::Value straight = plain(f32, shape);
  CHECK(check_fused(program, {&straight, 1}).dispatches == 1);
}

TEST_CASE("fuse rows: axes that are not kept, reshapes and broadcasts of numbers of rows") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {6, 8});
  const ValueName total = p.op("sum", f32, {6}, {x}, over({1}, false));
  const ValueName mean = p.op("divide", f32, {6}, {total, Scalar{f64, 8.0}});
  const ValueName wide = p.op("broadcast", f32, {6, 8}, {mean}, ir::AxesAttributes{ir::Axes{0}});
  const ValueName apart = p.op("subtract", f32, {6, 8}, {x, wide});
  const ValueName square = p.op("sum", f32, {6}, {p.op("multiply", f32, {6, 8}, {apart, apart})}, over({1}, false));
  const ValueName column = p.op("reshape", f32, {6, 1}, {square});
  const ValueName out = p.op("divide", f32, {6, 8}, {apart, p.op("sqrt", f32, {6, 1}, {column})});
  const program::Value input = plain(f32, {6, 8});
  CHECK(check_fused(p.with_outputs({out, mean}), {&input, 1}).dispatches == 1);
}

TEST_CASE("fuse rows: logsumexp with what is beside it, of types that compute in others") {
  for (const Dtype type : {f32, f64, bf16, f16, s32}) {
    const Dtype result = is_integer(type) ? f32 : type;
    for (const bool keep : {false, true}) {
      ProgramBuilder p;
      const Shape shape = {6, 50}, kept = keep ? Shape{6, 1} : Shape{6};
      const ValueName x = p.input(type, shape);
      const ValueName l = p.op("logsumexp", result, kept, {p.op("add", type, shape, {x, x})}, over({1}, keep));
      const ir::Program program = p.with_outputs({p.op("negate", result, kept, {l})});
      for (const program::Value& input : {plain(type, shape), tensor(type, shape)})
        CHECK(check_fused(program, {&input, 1}).dispatches == 1);
    }
  }
}

TEST_CASE("fuse rows: as a card has them, in registers, in shared memory or read again, in fours or one by one") {
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.shared_memory_bytes = 32'768;
  info.max_workgroup_invocations = 1024;
  const PlannedFor planned(info);
  const auto check = [](RowProgram& rows, std::initializer_list<ValueName> outputs,
                        const std::vector<program::Value>& inputs) {
    const ir::Program program = rows.p.with_outputs(outputs);
    const fuse::Steps steps = fuse::fused(program);
    REQUIRE(steps.steps.size() == 1);
    REQUIRE(std::holds_alternative<ir::Rows>(steps.steps[0].work));
    std::vector<HostTensor> operands;
    for (const program::Value& input : inputs) operands.push_back(from_device(std::get<program::Tensor>(input)));
    const std::vector<HostTensor> made = run_work(std::get<ir::Rows>(steps.steps[0].work), operands);
    // Other lanes take the elements of a sum in another order.
    const ProgramOutcome apart = run_program(program, inputs, false);
    REQUIRE(apart.error == "");
    REQUIRE(made.size() == apart.outputs.size());
    const double close = rows.type == f32 ? 4e-6 : rows.type == f64 ? 1e-13 : rows.type == f16 ? 4e-3 : 3e-2;
    for (size_t k = 0; k < made.size(); ++k) {
      double most = 0;
      for (int64_t i = 0; i < made[k].count(); ++i) {
        const auto want = static_cast<double>(apart.outputs[k].number(i).as_real());
        const auto got = static_cast<double>(made[k].number(i).as_real());
        most = std::max(most, std::abs(got - want) / std::max(std::abs(want), 1e-3));
      }
      CHECK_MESSAGE(most <= close, type_text(made[k].dtype, made[k].map.shape) << " is off by " << most);
    }
  };
  for (const Dtype type : {f32, f64, bf16, f16})
    for (const Shape& shape : {Shape{70, 1000}, Shape{70, 999}, Shape{9, 36}, Shape{300, 4}, Shape{5, 4096},
                               Shape{3, 5000}, Shape{2, 9216}, Shape{2, 30'000}}) {
      INFO(concat(dtype_name(type), " ", shape_text(shape)));
      const program::Value input = plain(type, shape);
      RowProgram soft(type, shape, {1});
      const ValueName of_soft = soft.softmax(soft.p.input(type, shape));
      check(soft, {of_soft}, {input});
      RowProgram norm(type, shape, {1});
      const ValueName x = norm.p.input(type, shape), weight = norm.p.input(type, {shape[1]});
      const ValueName column = norm.p.op("iota", s32, shape, {}, ir::IotaAttributes{1});
      const ValueName late = norm.p.op("greater", u8, shape, {column, Scalar{s64, int64_t{3}}});
      const ValueName out = norm.elements("select", {late, norm.layer_norm(x, weight, weight), x});
      const ValueName spread = norm.variance(x);
      check(norm, {out, spread}, {input, plain(type, {shape[1]}, 2)});
    }
}

TEST_CASE("fuse rows: special values are what they are one by one") {
  for (const Dtype type : {f32, f64, bf16})
    for (const Shape& shape : {Shape{9, 5}, Shape{3, 64}, Shape{2, 300}}) {
      RowProgram rows(type, shape, {1});
      const ValueName x = rows.p.input(type, shape);
      const ValueName soft = rows.softmax(x), low = rows.reduce("reduce_min", x);
      const program::Value input = tensor(type, shape);
      check_fused(rows.p.with_outputs({soft, low}), {&input, 1});
    }
}

TEST_CASE("fuse rows: rows that are split, and rows for which shared memory is too small") {
  for (const Shape& shape : {Shape{2, 100'000}, Shape{1, 20'000}, Shape{600, 700}, Shape{16, 8000}}) {
    INFO(shape_text(shape));
    RowProgram rows(f32, shape, {1});
    const ValueName x = rows.p.input(f32, shape);
    const program::Value input = plain(f32, shape);
    const ProgramOutcome outcome = check_fused(rows.p.with_outputs({rows.softmax(x)}), {&input, 1});
    // Of many elements a card makes one dispatch, a software driver several.
    const bool is_whole = shape[0] == 16 || (shape[0] == 600 && !device().info().software);
    CHECK(is_whole == (outcome.dispatches == 1));
  }
}

}  // namespace gpu_node::test
