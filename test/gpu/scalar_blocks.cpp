// Blocks: the evaluator against the oracle of each op, and the device against the evaluator over several steps.
#include <doctest/doctest.h>

#include <cmath>

#include "gpu/block_case.h"
#include "gpu/host_ops.h"
#include "gpu/plan_runner.h"
#include "kernels/elementwise/block.h"
#include "scalar/evaluate.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using scalar::Block;
using scalar::ValueNumber;

const ir::Op& op(std::string_view name) {
  const ir::Op* found = ir::find_op(name);
  REQUIRE(found != nullptr);
  return *found;
}

bool only_integers(const ir::Op& row) { return row.takes == ir::Takes::kInteger; }

Dtype result_type(const ir::Op& row, Dtype a, Dtype b) {
  switch (row.type_rule) {
    case ir::TypeRule::kFloating:
      return floating_type(a);
    case ir::TypeRule::kPredicate:
      return u8;
    case ir::TypeRule::kReal:
      return floating_type(a);
    case ir::TypeRule::kMergeFloating:
      return floating_type(merged_type(a, b));
    case ir::TypeRule::kMerge:
      return merged_type(a, b);
    case ir::TypeRule::kMergeValues:
    case ir::TypeRule::kDeclared:
      return b;
    default:
      return a;
  }
}

bool same(const Number& a, const Number& b) {
  if (a.is_integer) return a.integer == b.integer;
  return (a.is_nan() && b.is_nan()) || (a.real == b.real && std::signbit(a.real) == std::signbit(b.real));
}

// What |row| gives for operands of types |a|, |b| and |b|, against its oracle.
void check_op(const ir::Op& row, Dtype a, Dtype b) {
  const Dtype type = result_type(row, a, b);
  const std::string name(row.name);
  CAPTURE(name);
  Block block;
  std::vector<Dtype> types;
  std::vector<std::vector<Number>> operands;
  SmallList<ValueNumber, 3> inputs;
  for (uint32_t k = 0; k < row.operands(); ++k) {
    types.push_back(k == 0 ? a : b);
    inputs.push_back(block.input(types.back()));
    operands.push_back(sample(types.back(), 211, 17 * k + static_cast<uint32_t>(type)));
    // Every number meets many others.
    std::rotate(operands[k].begin(), operands[k].begin() + 5 * k, operands[k].end());
  }
  block.result(block.step(row, type, {inputs.begin(), inputs.size()}));
  INFO(block.text());
  const Oracle oracle = oracle_of(name);
  // std::lgamma and the like are not better than this.
  const double bound = ulp_bound(name, type) == 0 ? 0 : type == f64 ? 8 : 1;
  for (size_t i = 0; i < operands[0].size(); ++i) {
    std::vector<Number> own;
    std::vector<Scalar> scalars;
    for (size_t k = 0; k < operands.size(); ++k) {
      own.push_back(operands[k][i]);
      scalars.push_back(to_scalar(types[k], operands[k][i]));
    }
    const Number got = to_number(scalar::evaluate(block, scalars)[0]);
    const Number exact = rounded(type, oracle(own, types, type));
    const bool right = bound == 0 ? same(got, exact) : ulps(type, got, exact) <= bound;
    if (!right) {
      CAPTURE(i);
      for (const Number& number : own) INFO(number_text(number));
      FAIL_CHECK(number_text(got) << " instead of " << number_text(exact));
      return;
    }
  }
}

// Several steps of |type| and of types beside it, with most of them as results.
Block typed_block(Dtype type, Dtype other) {
  Block block;
  const ValueNumber a = block.input(type);
  const ValueNumber b = block.input(other);
  const ValueNumber three = block.constant({type, int64_t{3}});
  const bool whole = is_integer(type);
  const ValueNumber sum = block.step(op("add"), type, {a, b});
  const ValueNumber product = block.step(op("multiply"), type, {sum, three});
  const ValueNumber rest = block.step(op("remainder"), type, {product, sum});
  const ValueNumber part = block.step(op(whole ? "quotient" : "divide"), type, {product, a});
  const ValueNumber odd =
      whole ? block.step(op("bitwise_xor"), type, {part, sum}) : block.step(op("floor"), type, {part});
  const ValueNumber less = block.step(op("less"), u8, {odd, b});
  const ValueNumber chosen = block.step(op("select"), type, {less, odd, b});
  const ValueNumber wide = block.step(op("as_type"), f64, {chosen});
  const ValueNumber twice = block.step(op("add"), f64, {wide, wide});
  const ValueNumber narrow = block.step(op("as_type"), type, {twice});
  const ValueNumber small = block.step(op("as_type"), bf16, {twice});
  const ValueNumber clipped = block.step(op("clip"), type, {narrow, a, three});
  for (const ValueNumber result : {clipped, sum, part, rest, less, small, a, three}) block.result(result);
  return block;
}

void check_block(const Block& block, const std::vector<HostTensor>& inputs, bool vectors, uint32_t turns = 1) {
  INFO(block.text() << (vectors ? " by vectors" : "") << ", " << turns << " in turn");
  const std::vector<HostTensor> got = run_block(block, inputs, vectors, turns);
  const std::vector<HostTensor> wanted = evaluate_block(block, inputs);
  for (size_t i = 0; i < got.size(); ++i)
    for (int64_t at = 0; at < got[i].count(); ++at) {
      if (same(got[i].number(at), wanted[i].number(at))) continue;
      FAIL_CHECK("result " << i << " at " << at << ", of " << number_text(inputs[0].number(at)) << " and "
                           << number_text(inputs.back().number(at)) << ": " << number_text(got[i].number(at))
                           << " instead of " << number_text(wanted[i].number(at)));
      return;
    }
}

HostTensor vector_of(Dtype type, size_t count, uint32_t seed) {
  return {type, {static_cast<int64_t>(count)}, sample(type, count, seed)};
}

}  // namespace

TEST_CASE("scalar blocks: the evaluator gives what the oracles of the ops give") {
  for (const ir::Op& row : ir::ops()) {
    if (!ir::is_elementwise(row.family) || row.name == "conjugate" || row.name == "bitcast") continue;
    for (const Dtype a : real_types()) {
      if (only_integers(row) && !is_integer(a)) continue;
      check_op(row, a, a);
      if (row.operands() == 1 && row.name != "as_type") continue;
      for (const Dtype b : {s8, u32, s64, u64, bf16, f32, f64})
        if (!only_integers(row) || is_integer(b)) check_op(row, a, b);
    }
  }
}

TEST_CASE("scalar blocks: several steps and results on the device, every type") {
  for (const Dtype type : real_types()) {
    constexpr size_t kCount = 512;
    const Dtype other = is_integer(type) ? s16 : type == f64 ? f32 : s8;
    for (const Dtype second : {type, other}) {
      const std::vector<HostTensor> inputs = {vector_of(type, kCount, 3), vector_of(second, kCount, 91)};
      const Block block = typed_block(type, second);
      check_block(block, inputs, false);
      if (second == type) check_block(block, inputs, true);
      check_block(block, inputs, false, 3);
    }
  }
}

TEST_CASE("scalar blocks: a long one with many inputs and results") {
  Block block;
  std::vector<HostTensor> inputs;
  for (uint32_t i = 0; i < 12; ++i) {
    block.input(s32);
    inputs.push_back(vector_of(s32, 300, i));
  }
  ValueNumber last = 0;
  for (ValueNumber i = 0; i < 120; ++i) {
    last = block.step(op(i % 3 == 0 ? "multiply" : i % 3 == 1 ? "add" : "bitwise_xor"), s32, {last, i % 12});
    if (i % 40 == 39) block.result(last);
  }
  CHECK(block.results().size() == 3);
  check_block(block, inputs, false);
}

TEST_CASE("scalar blocks: a long one of many elements goes in turns on a GPU, with what is the same for all") {
  static const auto planner = [](const ir::Instruction&, std::span<const kernels::Arg> operands,
                                 kernels::PlanBuilder& plan) -> Result<void> {
    Block block;
    const ValueNumber each = block.input(u32), one = block.input(u32), number = block.input(u32);
    ValueNumber last = each, same = one;
    for (int i = 0; i < 20; ++i) {
      same = block.step(op(i % 2 == 0 ? "multiply" : "add"), u32, {same, number});
      last = block.step(op(i % 3 == 0 ? "multiply" : "bitwise_xor"), u32, {last, i % 3 == 1 ? same : each});
    }
    block.result(last);
    const kernels::Source sources[] = {kernels::source_of(operands[0], 0), kernels::source_of(operands[1], 1),
                                       Scalar{u32, uint64_t{747796405}}};
    return append_block(block, sources, plan.result(), plan);
  };
  for (const int64_t count : {int64_t{1} << 20, (int64_t{1} << 20) + 5}) {
    const std::vector<HostTensor> operands = {vector_of(u32, static_cast<size_t>(count), 11), vector_of(u32, 1, 12)};
    const auto run = [&] { return run_op(planner, "add", operands, u32, {count}, {}); };
    const HostTensor plain = run();
    vulkan::DeviceInfo info = device().info();
    info.software = false;
    const PlannedFor gpu(info);
    CHECK(run().bytes == plain.bytes);
  }
}

TEST_CASE("scalar blocks: a double that becomes a float and a double again is rounded") {
  std::vector<Number> numbers = sample(f64, 400, 5);
  for (const double number : {0.1, 1e300, -1e300, 1 + 0x1p-24, 1 + 0x1p-25, 1 + 0x1.8p-24, 0x1.fffffffp127, 1e-46})
    numbers.push_back(Number::of_real(number));
  const std::vector<HostTensor> inputs = {HostTensor(f64, {408}, numbers)};
  check_block(block_of("f64 as_type,0:f32 as_type,1:f64"), inputs, false);
  check_block(block_of("f64 as_type,0:f32 as_type,1:f64"), inputs, true);
  check_block(block_of("f64 as_type,0:f32 as_type,1:f64 subtract,2,0:f64 >3,2"), inputs, false);
  check_block(block_of("f64 as_type,0:f16 as_type,1:f64 as_type,0:bf16 as_type,3:f64 >2,4"), inputs, false);
  // Functions of f32 that are computed in double are rounded before what is next sees them.
  const std::vector<HostTensor> got =
      run_block(block_of("f64 as_type,0:f32 sigmoid,1:f32 as_type,2:f64 divide,1,2:f32 as_type,4:f64 >3,5"), inputs);
  for (const HostTensor& result : got)
    for (int64_t at = 0; at < result.count(); ++at) {
      const auto number = static_cast<double>(result.number(at).as_real());
      if (!std::isnan(number)) CHECK(number == double{static_cast<float>(number)});
    }
}

}  // namespace gpu_node::test
