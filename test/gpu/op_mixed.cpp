// Operands of different types: every pair of types and every op of two operands, with numbers at the ends of both
// types, against exact arithmetic that is rounded, or wrapped, once.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/block_case.h"
#include "gpu/host_ops.h"
#include "scalar/evaluate.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

// The ends of |dtype|, what lies beside them, what other types end at, and small numbers.
std::vector<Number> ends(Dtype dtype) {
  std::vector<Number> numbers;
  if (is_integer(dtype)) {
    const __int128 one = 1;
    for (const int bits : {2, 4, 7, 8, 12, 15, 16, 24, 31, 32, 53, 63, 64})
      for (const __int128 near : {(one << bits) - 1, one << bits, (one << bits) + 1, -(one << bits), 1 - (one << bits)})
        if (const Number number = Number::of(near); rounded(dtype, number).integer == near) numbers.push_back(number);
    for (const int small : {-3, -2, -1, 0, 1, 2, 3, 5, 9, 31, 33})
      if (rounded(dtype, Number::of(small)).integer == small) numbers.push_back(Number::of(small));
    return numbers;
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double real : {0.0, 1.0, 0.1, 0.5, 1.5, 3.0, 17.0, 448.0, 57344.0, 65504.0, 16777215.0, 16777216.0, 0x1p31,
                            0x1p63, 0x1p64, 3.4e38, 1e300, 1e-30, kInfinity})
    for (const double sign : {1.0, -1.0}) numbers.push_back(rounded(dtype, Number::of_real(sign * real)));
  numbers.push_back(Number::of_real(std::nan("")));
  return numbers;
}

// Every number of |left| beside every number of |right|.
std::vector<HostTensor> pairs(Dtype a, const std::vector<Number>& left, Dtype b, const std::vector<Number>& right) {
  std::vector<Number> first, second;
  for (const Number& x : left)
    for (const Number& y : right) {
      first.push_back(x);
      second.push_back(y);
    }
  const auto count = static_cast<int64_t>(first.size());
  return {{a, {count}, first}, {b, {count}, second}};
}

std::vector<const ir::Op*> binary_ops() {
  std::vector<const ir::Op*> rows;
  for (const ir::Op& op : ir::ops())
    if (op.family == ir::Family::kBinary) rows.push_back(&op);
  return rows;
}

Dtype result_of(const ir::Op& op, Dtype a, Dtype b) {
  if (op.type_rule == ir::TypeRule::kPredicate) return u8;
  const Dtype merged = merged_type(a, b);
  return op.type_rule == ir::TypeRule::kMergeFloating ? floating_type(merged) : merged;
}

bool is_right(const Number& got, const Number& exact, Dtype type, double bound) {
  if (bound > 0) return ulps(type, got, exact) <= bound;
  const Number nearest = rounded(type, exact);
  if (got.is_integer) return got.integer == nearest.integer;
  if (got.is_nan() || nearest.is_nan()) return got.is_nan() == nearest.is_nan();
  return got.real == nearest.real && std::signbit(got.real) == std::signbit(nearest.real);
}

// Each result of |block|, a step of |rows|, from |got|.
void check_results(const scalar::Block& block, const std::vector<const ir::Op*>& rows,
                   const std::vector<HostTensor>& inputs, const std::vector<HostTensor>& got, const char* by) {
  const std::vector<Dtype> types = {inputs[0].dtype, inputs[1].dtype};
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string name(rows[i]->name);
    const Dtype type = block.result_type(i);
    const Oracle oracle = oracle_of(name);
    for (int64_t at = 0; at < inputs[0].count(); ++at) {
      const Number numbers[] = {inputs[0].number(at), inputs[1].number(at)};
      const Number exact = oracle(numbers, types, type);
      if (is_right(got[i].number(at), exact, type, ulp_bound(name, type))) continue;
      FAIL_CHECK(by << ": " << name << " of " << dtype_name(types[0]) << " " << number_text(numbers[0]) << " and "
                    << dtype_name(types[1]) << " " << number_text(numbers[1]) << " to " << dtype_name(type) << ": "
                    << number_text(got[i].number(at)) << " instead of " << number_text(rounded(type, exact)));
      break;
    }
  }
}

void check_pair(Dtype a, Dtype b) {
  scalar::Block block;
  const std::vector<scalar::ValueNumber> operands = {block.input(a), block.input(b)};
  std::vector<const ir::Op*> rows;
  for (const ir::Op* op : binary_ops()) {
    if (op->takes == ir::Takes::kInteger && !(is_integer(a) && is_integer(b))) continue;
    rows.push_back(op);
    block.result(block.step(*op, result_of(*op, a, b), operands));
  }
  const std::vector<HostTensor> inputs = pairs(a, ends(a), b, ends(b));
  check_results(block, rows, inputs, run_block(block, inputs, false), "device");
  check_results(block, rows, inputs, evaluate_block(block, inputs), "host");
}

// |op| of a vector and a number, which comes as a literal or as a tensor of shape {}: it never widens |type|.
OpCase with_number(const char* op, const HostTensor& vector, Dtype dtype, const Number& number, Dtype type,
                   Placement placement) {
  return {op, {{vector}, {{dtype, {}, {number}}, placement}}, {type, vector.map.shape}, oracle_of(op), 0.0, {}};
}

}  // namespace

TEST_CASE("elementwise: an op of two types gives the exact result, rounded or wrapped once, at the ends of both types" *
          doctest::test_suite("truth")) {
  for (const Dtype a : real_types())
    for (const Dtype b : real_types()) check_pair(a, b);
}

TEST_CASE("elementwise: a number beyond the result's type is computed with as it is" * doctest::test_suite("truth")) {
  for (const Placement placement : {Placement::kLiteral, Placement::kPlain}) {
    std::vector<OpCase> cases;
    // A mean of 70,000 numbers divides by what no small float holds.
    for (const Dtype type : {f8, f8_e4m3fn, bf16, f16}) {
      const HostTensor sums(type, {4}, {Number::of(448), Number::of(-3), Number::of_real(0.5), Number::of(0)});
      for (const char* op : {"divide", "multiply", "subtract", "remainder", "min", "max"})
        for (const int number : {70'000, 16'777'217, -1'000'003}) {
          cases.push_back(with_number(op, sums, s32, Number::of(number), type, placement));
          cases.push_back(with_number(op, sums, s64, Number::of(number), type, placement));
        }
      for (const char* op : {"add", "multiply", "divide"})
        cases.push_back(with_number(op, sums, f32, Number::of_real(0.1F), type, placement));
    }
    const HostTensor reals(f32, {3}, {Number::of(1), Number::of_real(-0.5), Number::of(16'777'216)});
    for (const char* op : {"add", "subtract", "multiply", "divide", "remainder", "max"}) {
      cases.push_back(with_number(op, reals, s32, Number::of(16'777'217), f32, placement));
      cases.push_back(with_number(op, reals, u64, Number::of((__int128{1} << 64) - 1), f32, placement));
      cases.push_back(with_number(op, reals, f64, Number::of_real(0.1), f32, placement));
    }
    for (const Dtype type : {s4, u8, s8, u16, s32, u32, s64, u64}) {
      const HostTensor whole(
          type, {5},
          {Number::of(0), Number::of(1), Number::of(3), rounded(type, Number::of(-1)), rounded(type, Number::of(100))});
      for (const char* op : {"min", "max", "remainder", "quotient", "left_shift", "right_shift", "add", "multiply"}) {
        for (const int number : {-1, 7, 40, 300, -129, 70'000})
          cases.push_back(with_number(op, whole, s32, Number::of(number), type, placement));
        cases.push_back(with_number(op, whole, u64, Number::of((__int128{1} << 63) + 5), type, placement));
        cases.push_back(with_number(op, whole, s64, Number::of(-(__int128{1} << 63)), type, placement));
      }
    }
    check_cases(cases);
  }
}

TEST_CASE("elementwise: bounds of other types clip to the exact number" * doctest::test_suite("truth")) {
  std::vector<OpCase> cases;
  for (const Dtype type : {s32, s64, u64})
    for (const Dtype low : {s64, u64})
      for (const Dtype high : {s64, u64})
        for (const auto& [least, most] : {std::pair{Number::of(5), Number::of((__int128{1} << 63) - 1)},
                                          {Number::of(-1), Number::of((__int128{1} << 64) - 1)},
                                          {Number::of((__int128{1} << 63) + 1), Number::of(7)}})
          for (const Placement placement : {Placement::kLiteral, Placement::kPlain})
            cases.push_back({"clip",
                             {{{type, {5}, sample(type, 5, 1)}},
                              {{low, {}, {rounded(low, least)}}, placement},
                              {{high, {}, {rounded(high, most)}}, placement}},
                             {s64, {5}},
                             oracle_of("clip"),
                             0,
                             {}});
  check_cases(cases);
}

TEST_CASE("dot: products of small floats and of integers that those cannot hold are added up exactly" *
          doctest::test_suite("truth")) {
  for (const auto& [real, whole, far] : {std::tuple{f16, s32, 70'000}, {bf16, s16, 257}, {f32, s32, 16'777'217}})
    for (const int64_t rows : {int64_t{1}, int64_t{40}}) {
      const HostTensor ones(real, {rows, 3}, std::vector<Number>(static_cast<size_t>(rows) * 3, Number::of(1)));
      std::vector<Number> column;
      for (const int number : {far, 1 - far, 4})
        for (int64_t j = 0; j < rows; ++j) column.push_back(Number::of(number));
      const HostTensor numbers(whole, {3, rows}, column);
      const std::vector<program::Value> operands = {to_device(ones), to_device(numbers)};
      ir::DotAttributes axes;
      axes.contract_left = {1};
      axes.contract_right = {0};
      const HostTensor got = from_device(run_op("dot", operands, {real, {rows, rows}}, axes));
      for (int64_t i = 0; i < got.count(); ++i) CHECK(got.number(i).real == 5);
    }
}

TEST_CASE("logsumexp: integers beyond f32 are reduced as they are" * doctest::test_suite("truth")) {
  // log(e^1 + 1) is 0.313: of 16,777,216 twice it would be 0.693 more, which f32 does not show.
  const HostTensor numbers(s32, {2}, {Number::of(16'777'217), Number::of(16'777'216)});
  const std::vector<program::Value> operands = {to_device(numbers)};
  const HostTensor got = from_device(run_op("logsumexp", operands, {f32, {}}, ir::ReduceAttributes{}));
  CHECK(got.number(0).real == 16'777'218);
}

}  // namespace gpu_node::test
