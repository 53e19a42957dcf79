// Every elementwise op with every type it takes, in every way an operand may lie, against the host.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "gpu/device.h"
#include "gpu/host_ops.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

// The seed makes each op and type look at other numbers, the same in every run.
uint32_t seed_of(const std::string& op, Dtype dtype) {
  uint32_t seed = static_cast<uint32_t>(dtype) + 1;
  for (char c : op) seed = seed * 31 + static_cast<uint32_t>(c);
  return seed;
}

HostTensor tensor_of(Dtype dtype, const Shape& shape, uint32_t seed) {
  return {dtype, shape, sample(dtype, static_cast<size_t>(element_count(shape)), seed)};
}

Dtype unary_result(const ir::Op& op, Dtype dtype) {
  switch (op.type_rule) {
    case ir::TypeRule::kFloating:
      return floating_type(dtype);
    case ir::TypeRule::kPredicate:
      return u8;
    case ir::TypeRule::kReal:
      return floating_type(dtype);
    default:
      return dtype;
  }
}

bool only_integers(const ir::Op& op) { return op.takes == ir::Takes::kInteger; }

std::vector<const ir::Op*> ops_of(ir::Family family) {
  std::vector<const ir::Op*> rows;
  for (const ir::Op& op : ir::ops())
    if (op.family == family && op.name != "conjugate") rows.push_back(&op);
  return rows;
}

OpCase unary_case(const ir::Op& op, Dtype dtype, const Shape& shape, Placement placement) {
  const std::string name(op.name);
  const Dtype result = unary_result(op, dtype);
  const uint32_t seed = seed_of(name, dtype);
  return {name, {{tensor_of(dtype, shape, seed), placement}}, {result, shape}, oracle_of(name), ulp_bound(name, result),
          {}};
}

Dtype binary_result(const ir::Op& op, Dtype a, Dtype b) {
  if (op.type_rule == ir::TypeRule::kPredicate) return u8;
  const Dtype merged = merged_type(a, b);
  return op.type_rule == ir::TypeRule::kMergeFloating ? floating_type(merged) : merged;
}

OpCase binary_case(const ir::Op& op, Operand left, Operand right, const Shape& shape) {
  const std::string name(op.name);
  const Dtype result = binary_result(op, left.tensor.dtype, right.tensor.dtype);
  return {name, {std::move(left), std::move(right)}, {result, shape}, oracle_of(name), ulp_bound(name, result), {}};
}

// Shifts by a few bits, exponents that do not all overflow.
HostTensor right_operand(const ir::Op& op, Dtype dtype, const Shape& shape, uint32_t seed) {
  std::vector<Number> values = sample(dtype, static_cast<size_t>(element_count(shape)), seed * 7 + 3);
  std::shuffle(values.begin(), values.end(), std::minstd_rand(seed));
  const bool small = op.name == "left_shift" || op.name == "right_shift" || op.name == "pow";
  if (small && is_integer(dtype))
    for (size_t i = 0; i < values.size(); i += 2) values[i] = rounded(dtype, Number::of(static_cast<int>(i % 80) - 8));
  return {dtype, shape, values};
}

// One op, one pair of types: plain, {}, one element, empty, a stretched dimension, a transposed operand, a scalar
// tensor and a literal.
void add_binary_cases(std::vector<OpCase>& cases, const ir::Op& op, Dtype a, Dtype b, bool all_layouts) {
  const uint32_t seed = seed_of(std::string(op.name), a) + static_cast<uint32_t>(b) * 101;
  const auto left = [&](const Shape& shape) { return tensor_of(a, shape, seed); };
  const auto right = [&](const Shape& shape) { return right_operand(op, b, shape, seed); };
  cases.push_back(binary_case(op, {left({331})}, {right({331})}, {331}));
  if (!all_layouts) return;
  cases.push_back(binary_case(op, {left({})}, {right({})}, {}));
  cases.push_back(binary_case(op, {left({1})}, {right({1})}, {1}));
  cases.push_back(binary_case(op, {left({3, 0})}, {right({3, 0})}, {3, 0}));
  cases.push_back(binary_case(op, {left({0})}, {right({})}, {0}));
  cases.push_back(binary_case(op, {left({5, 1, 7})}, {right({6, 1})}, {5, 6, 7}));
  cases.push_back(binary_case(op, {left({13, 9}), Placement::kTransposed}, {right({13, 9})}, {13, 9}));
  cases.push_back(binary_case(op, {left({71})}, {{b, {}, {right({40}).number(33)}}}, {71}));
  cases.push_back(binary_case(op, {left({71})}, {{b, {}, {right({40}).number(31)}}, Placement::kLiteral}, {71}));
  cases.push_back(binary_case(op, {{a, {}, {left({40}).number(35)}}, Placement::kLiteral}, {right({2, 35})}, {2, 35}));
}

void report(const std::string& what, const CaseCount& before) {
  const CaseCount& now = case_count();
  MESSAGE(what << ": " << now.cases - before.cases << " cases, " << now.elements - before.elements << " elements");
}

}  // namespace

TEST_CASE("elementwise: unary ops, every type, every layout") {
  const CaseCount before = case_count();
  for (const ir::Op* op : ops_of(ir::Family::kUnary)) {
    std::vector<OpCase> cases;
    for (Dtype dtype : real_types()) {
      if (only_integers(*op) && !is_integer(dtype)) continue;
      cases.push_back(unary_case(*op, dtype, {397}, Placement::kPlain));
      const std::vector<Dtype> main = main_types();
      if (std::find(main.begin(), main.end(), dtype) == main.end()) continue;
      for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{2, 0, 3}})
        cases.push_back(unary_case(*op, dtype, shape, Placement::kPlain));
      cases.push_back(unary_case(*op, dtype, {11, 13}, Placement::kTransposed));
    }
    check_cases(cases);
  }
  report("unary", before);
}

TEST_CASE("elementwise: binary ops, every type, every layout") {
  const CaseCount before = case_count();
  for (const ir::Op* op : ops_of(ir::Family::kBinary)) {
    std::vector<OpCase> cases;
    for (Dtype dtype : real_types()) {
      if (only_integers(*op) && !is_integer(dtype)) continue;
      const std::vector<Dtype> main = main_types();
      add_binary_cases(cases, *op, dtype, dtype, std::find(main.begin(), main.end(), dtype) != main.end());
    }
    check_cases(cases);
  }
  report("binary", before);
}

TEST_CASE("elementwise: operands of different types") {
  const CaseCount before = case_count();
  std::vector<const ir::Op*> arithmetic, comparisons;
  for (const ir::Op* op : ops_of(ir::Family::kBinary))
    (op->type_rule == ir::TypeRule::kPredicate ? comparisons : arithmetic).push_back(op);
  size_t turn = 0;
  for (Dtype a : main_types()) {
    std::vector<OpCase> cases;
    for (Dtype b : main_types()) {
      if (a == b) continue;
      // Every pair with some ops; every op with many pairs.
      for (int i = 0; i < 3; ++i) add_binary_cases(cases, *comparisons[turn++ % comparisons.size()], a, b, false);
      for (int i = 0; i < 3; ++i) {
        const ir::Op& op = *arithmetic[turn++ % arithmetic.size()];
        if (only_integers(op) && !(is_integer(a) && is_integer(b))) continue;
        add_binary_cases(cases, op, a, b, false);
      }
    }
    check_cases(cases);
  }
  report("mixed types", before);
}

TEST_CASE("elementwise: select and clip") {
  const CaseCount before = case_count();
  for (Dtype dtype : real_types()) {
    std::vector<OpCase> cases;
    const Dtype other = dtype == f32 ? s16 : f32;
    const auto operand = [](Dtype type, const Shape& shape, uint32_t seed) {
      return Operand{tensor_of(type, shape, seed)};
    };
    cases.push_back({"select",
                     {operand(u8, {5, 1}, 1), operand(dtype, {5, 41}, 2), operand(dtype, {41}, 3)},
                     {dtype, {5, 41}},
                     oracle_of("select"),
                     0,
                     {}});
    cases.push_back({"select",
                     {operand(dtype, {91}, 4), operand(dtype, {91}, 5), operand(dtype, {91}, 6)},
                     {dtype, {91}},
                     oracle_of("select"),
                     0,
                     {}});
    cases.push_back(
        {"select",
         {operand(u8, {91}, 4), operand(dtype, {91}, 5), {{dtype, {}, {Number::of(1)}}, Placement::kLiteral}},
         {dtype, {91}},
         oracle_of("select"),
         0,
         {}});
    cases.push_back({"select",
                     {operand(u8, {77}, 7), operand(other, {77}, 8), operand(dtype, {77}, 9)},
                     {merged_type(dtype, other), {77}},
                     oracle_of("select"),
                     0,
                     {}});
    for (const auto& [low, high] : {std::pair{0, 1}, {1, 0}, {0, 0}}) {
      const Operand least{{dtype, {}, {Number::of(low)}}, low == 0 ? Placement::kLiteral : Placement::kPlain};
      const Operand most{{dtype, {}, {Number::of(high)}}, low == 0 ? Placement::kLiteral : Placement::kPlain};
      cases.push_back({"clip", {operand(dtype, {97}, 10), least, most}, {dtype, {97}}, oracle_of("clip"), 0, {}});
    }
    check_cases(cases);
  }
  report("select and clip", before);
}

TEST_CASE("elementwise: as_type between all types") {
  const CaseCount before = case_count();
  for (Dtype from : real_types()) {
    std::vector<OpCase> cases;
    for (Dtype to : real_types())
      cases.push_back({"as_type",
                       {{tensor_of(from, {1201}, seed_of("as_type", from))}},
                       {to, {1201}},
                       oracle_of("as_type"),
                       0,
                       {}});
    check_cases(cases);
  }
  report("as_type", before);
}

// Arithmetic may flush numbers below the smallest normal one; what moves, selects or turns signs must not, and the
// small floats' own subnormal numbers are normal ones of f32.
TEST_CASE("elementwise: subnormal numbers survive what does not compute") {
  for (Dtype dtype : {f8, f8_e4m3fn, f16, bf16, f32, f64}) {
    std::vector<Number> small, thirds;
    const double least = dtype == f64    ? 0x1p-1074
                         : dtype == f32  ? 0x1p-149
                         : dtype == bf16 ? 0x1p-133
                         : dtype == f16  ? 0x1p-24
                         : dtype == f8   ? 0x1p-16
                                         : 0x1p-9;
    for (int i = 0; i < 64; ++i)
      small.push_back(rounded(dtype, Number::of_real((i % 2 == 0 ? least : -least) * (i / 2 + 1))));
    for (int i = 0; i < 64; ++i) thirds.push_back(Number::of(i % 3 - 1));
    const HostTensor tiny(dtype, {64}, small);
    std::vector<OpCase> cases;
    for (const char* op : {"abs", "negate"}) cases.push_back({op, {{tiny}}, {dtype, {64}}, oracle_of(op), 0, {}});
    cases.push_back({"select", {{tensor_of(u8, {64}, 1)}, {tiny}, {tiny}}, {dtype, {64}}, oracle_of("select"), 0, {}});
    cases.push_back({"as_type", {{tiny}}, {dtype, {64}}, oracle_of("as_type"), 0, {}});
    cases.push_back({"as_type", {{tiny}}, {f64, {64}}, oracle_of("as_type"), 0, {}});
    cases.push_back({"sign", {{tiny}}, {dtype, {64}}, oracle_of("sign"), 0, {}});
    cases.push_back({"logical_not", {{tiny}}, {u8, {64}}, oracle_of("logical_not"), 0, {}});
    cases.push_back({"select",
                     {{tiny}, {tensor_of(s32, {64}, 1)}, {tensor_of(s32, {64}, 2)}},
                     {s32, {64}},
                     oracle_of("select"),
                     0,
                     {}});
    std::rotate(small.begin(), small.begin() + 3, small.end());
    const HostTensor turned(dtype, {64}, small), zeros(dtype, {64}), counts(s32, {64}, thirds);
    for (const HostTensor& other : {turned, zeros, counts}) {
      for (const char* op : {"equal", "not_equal", "less", "greater", "less_equal", "greater_equal", "logical_and"})
        cases.push_back({op, {{tiny}, {other}}, {u8, {64}}, oracle_of(op), 0, {}});
      if (other.dtype != dtype) continue;
      for (const char* op : {"max", "min"})
        cases.push_back({op, {{tiny}, {other}}, {dtype, {64}}, oracle_of(op), 0, {}});
    }
    if (dtype != f64 && dtype != bf16 && dtype != f32)
      for (const char* op : {"add", "multiply"})
        cases.push_back({op, {{tiny}, {tiny}}, {dtype, {64}}, oracle_of(op), 0, {}});
    if (dtype == f64) cases.push_back({"add", {{tiny}, {tiny}}, {dtype, {64}}, oracle_of("add"), 0, {}});
    check_cases(cases);
  }
}

TEST_CASE("elementwise: large tensors") {
  const CaseCount before = case_count();
  size_t turn = 0;
  for (int64_t size : {int64_t{70'000}, int64_t{300'000}}) {
    for (const ir::Family family : {ir::Family::kUnary, ir::Family::kBinary}) {
      for (const ir::Op* op : ops_of(family)) {
        std::vector<Dtype> types = main_types();
        if (only_integers(*op)) types.resize(8);
        const Dtype dtype = types[turn++ % types.size()];
        std::vector<OpCase> cases;
        if (family == ir::Family::kUnary)
          cases.push_back(unary_case(*op, dtype, {size}, Placement::kPlain));
        else
          cases.push_back(
              binary_case(*op, {tensor_of(dtype, {size}, 5)}, {right_operand(*op, dtype, {size}, 6)}, {size}));
        check_cases(cases);
      }
    }
  }
  report("large", before);
}

// From 16384 elements on, light ops move four at a time; a size that is no multiple of four leaves a tail, and a single
// element or a literal goes with the rest.
TEST_CASE("elementwise: vectors of every type, with tails") {
  const CaseCount before = case_count();
  for (Dtype a : real_types()) {
    std::vector<OpCase> cases;
    for (Dtype b : {s8, u16, s32, u64, bf16, f32, f64}) {
      cases.push_back({"as_type", {{tensor_of(a, {16'387}, 3)}}, {b, {16'387}}, oracle_of("as_type"), 0, {}});
      cases.push_back({"select",
                       {{tensor_of(u8, {16'386}, 4)}, {tensor_of(a, {16'386}, 5)}, {tensor_of(b, {}, 6)}},
                       {merged_type(a, b), {16'386}},
                       oracle_of("select"),
                       0,
                       {}});
    }
    const ir::Op& subtract = *ir::find_op("subtract");
    cases.push_back(binary_case(subtract, {tensor_of(a, {16'385}, 7)}, {tensor_of(a, {16'385}, 8)}, {16'385}));
    cases.push_back(
        binary_case(subtract, {tensor_of(a, {16'384}, 7)}, {tensor_of(a, {}, 8), Placement::kLiteral}, {16'384}));
    // Rows that vectors fit, and rows that they do not.
    for (int64_t columns : {int64_t{128}, int64_t{129}}) {
      cases.push_back(
          binary_case(subtract, {tensor_of(a, {130, columns}, 9)}, {tensor_of(a, {columns}, 10)}, {130, columns}));
      cases.push_back(
          binary_case(subtract, {tensor_of(a, {130, 1}, 11)}, {tensor_of(a, {130, columns}, 12)}, {130, columns}));
    }
    cases.push_back(
        binary_case(subtract, {tensor_of(a, {12, 1, 14, 16}, 13)}, {tensor_of(a, {11, 1, 16}, 14)}, {12, 11, 14, 16}));
    cases.push_back(binary_case(subtract, {tensor_of(a, {4, 6, 1, 14, 1, 16}, 13)},
                                {tensor_of(a, {1, 11, 1, 7, 16}, 14)}, {4, 6, 11, 14, 7, 16}));
    check_cases(cases);
  }
  report("vectors", before);
}

TEST_CASE("elementwise: two vectors of each invocation, as a card has them, whatever the last workgroup has") {
  vulkan::DeviceInfo card = device().info();
  card.software = false;
  constexpr int64_t kMany = 1 << 20;
  for (const Dtype type : {u8, bf16, f32, s64})
    for (const int64_t size : {kMany, kMany + 4 * 77, kMany + 4 * 300, kMany + 3}) {
      const std::vector<HostTensor> operands = {tensor_of(type, {size}, 1), tensor_of(type, {size}, 2)};
      const auto run = [&] { return run_op(kernels::plan_elementwise, "subtract", operands, type, {size}, {}); };
      const HostTensor want = run();
      const PlannedFor planned(card);
      CHECK(run().bytes == want.bytes);
    }
}

}  // namespace gpu_node::test
