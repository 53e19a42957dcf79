// What blocks compute on the host: every op of densities, integers that wrap, rounding after each step or none.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "block_text.h"
#include "scalar/evaluate.h"
#include "scalar/op_value.h"

namespace gpu_node::scalar {
namespace {

using enum Dtype;
using ir::Code;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();

std::vector<Scalar> results_of(std::string_view text, const std::vector<Scalar>& inputs) {
  const auto block = test::read_block(text);
  REQUIRE_MESSAGE(block.has_value(), text);
  REQUIRE(block->inputs() == inputs.size());
  return evaluate(*block, inputs);
}

Scalar only(std::string_view text, const std::vector<Scalar>& inputs) {
  INFO(text);
  const std::vector<Scalar> results = results_of(text, inputs);
  REQUIRE(results.size() == 1);
  return results[0];
}

double real(std::string_view text, const std::vector<Scalar>& inputs) {
  return std::get<double>(only(text, inputs).value);
}

// An integer result, unsigned ones too, by its bits.
int64_t whole(std::string_view text, const std::vector<Scalar>& inputs) {
  const Scalar number = only(text, inputs);
  if (const auto* positive = std::get_if<uint64_t>(&number.value)) return static_cast<int64_t>(*positive);
  return std::get<int64_t>(number.value);
}

double value(std::string_view name, std::initializer_list<double> operands) {
  const ir::Op* op = ir::find_op(name);
  REQUIRE(op != nullptr);
  REQUIRE(op->operands() == operands.size());
  return evaluate(*op, operands.begin());
}

}  // namespace

TEST_CASE("scalar evaluator: every elementwise op has a value for the types that it takes") {
  for (const ir::Op& op : ir::ops()) {
    if (!ir::is_elementwise(op.family) || op.name == "conjugate") continue;
    CAPTURE(op.name);
    const OpValue& own = value_of(op);
    const ir::Code code = op.code;
    const bool floating = code == Code::kMath || code == Code::kDivide || code == Code::kTest;
    const bool whole_only = code == Code::kInteger || code == Code::kWidth;
    CHECK((own.orders != 0) == (code == Code::kCompare));
    CHECK((own.truths != 0) == (code == Code::kLogical));
    if (floating || code == Code::kCommon || code == Code::kPower || code == Code::kRemainder)
      CHECK(own.real != nullptr);
    if (whole_only || code == Code::kCommon || code == Code::kPower || code == Code::kRemainder)
      CHECK(own.integer != nullptr);
  }
}

TEST_CASE("scalar evaluator: the ops of densities in double") {
  struct Point {
    const char* op;
    std::initializer_list<double> operands;
    double expected;
  };
  const Point points[] = {
      {"exp", {1}, 2.718281828459045},
      {"expm1", {1e-10}, 1.00000000005e-10},
      {"log", {10}, 2.302585092994046},
      {"log1p", {1e-10}, 9.9999999995e-11},
      {"sigmoid", {-2}, 0.11920292202211755},
      {"log_sigmoid", {-2}, -2.1269280110429727},
      {"softplus", {2}, 2.1269280110429727},
      {"lgamma", {0.5}, 0.5723649429247001},
      {"digamma", {1}, -0.5772156649015329},
      {"cos", {1}, 0.5403023058681398},
      {"sin", {1}, 0.8414709848078965},
      {"tan", {1}, 1.5574077246549023},
      {"cosh", {1}, 1.5430806348152437},
      {"sinh", {1}, 1.1752011936438014},
      {"tanh", {1}, 0.7615941559557649},
      {"acos", {0.5}, 1.0471975511965979},
      {"asin", {0.5}, 0.5235987755982989},
      {"atan", {0.5}, 0.4636476090008061},
      {"acosh", {2}, 1.3169578969248166},
      {"asinh", {2}, 1.4436354751788103},
      {"atanh", {0.5}, 0.5493061443340549},
      {"sqrt", {2}, 1.4142135623730951},
      {"rsqrt", {4}, 0.5},
      {"cbrt", {-27}, -3},
      {"erf", {0.5}, 0.5204998778130465},
      {"erfc", {2}, 0.004677734981047266},
      {"erf_inv", {0.5}, 0.4769362762044699},
      {"abs", {-3}, 3},
      {"negate", {3}, -3},
      {"sign", {-3}, -1},
      {"ceil", {-1.5}, -1},
      {"floor", {-1.5}, -2},
      {"round", {-2.5}, -3},
      {"is_nan", {kNan}, 1},
      {"is_nan", {kInfinity}, 0},
      {"is_infinity", {-kInfinity}, 1},
      {"logical_not", {0.0}, 1},
      {"logical_not", {kNan}, 0},
      {"add", {0.1, 0.2}, 0.30000000000000004},
      {"subtract", {1, 3}, -2},
      {"multiply", {0.1, 3}, 0.30000000000000004},
      {"divide", {1, 3}, 0.3333333333333333},
      {"pow", {2, 0.5}, 1.4142135623730951},
      {"remainder", {-7, 3}, -1},
      {"atan2", {1, -1}, 2.356194490192345},
      {"min", {2, 3}, 2},
      {"max", {2, 3}, 3},
      {"equal", {-0.0, 0.0}, 1},
      {"equal", {kNan, kNan}, 0},
      {"not_equal", {kNan, 1}, 1},
      {"greater", {2, 1}, 1},
      {"greater", {kNan, 1}, 0},
      {"less", {1, 2}, 1},
      {"less", {2, 2}, 0},
      {"greater_equal", {2, 2}, 1},
      {"greater_equal", {2, kNan}, 0},
      {"less_equal", {2, 2}, 1},
      {"less_equal", {3, 2}, 0},
      {"logical_and", {kNan, 2}, 1},
      {"logical_and", {0.0, 2}, 0},
      {"logical_or", {0.0, 0.0}, 0},
      {"logical_or", {0.0, -1}, 1},
      {"logical_xor", {3, -1}, 0},
      {"logical_xor", {0.0, -1}, 1},
      {"select", {kNan, 2, 3}, 2},
      {"select", {-0.0, 2, 3}, 3},
      {"clip", {5, 1, 3}, 3},
      {"clip", {kNan, 1, 3}, 1},
  };
  for (const Point& point : points) {
    CAPTURE(point.op);
    const double got = value(point.op, point.operands);
    CHECK(std::fabs(got - point.expected) <= 3e-16 * std::fabs(point.expected));
  }
  // As on the device: NaN wins, the first of two zeros is taken.
  CHECK(std::isnan(value("min", {1, kNan})));
  CHECK(std::isnan(value("max", {kNan, 1})));
  CHECK(std::signbit(value("max", {-0.0, 0.0})));
  CHECK_FALSE(std::signbit(value("min", {0.0, -0.0})));
  CHECK(value("sign", {kNan}) == 1);
  CHECK(std::signbit(value("sign", {-0.0})));
  CHECK(std::isnan(value("remainder", {1, 0.0})));
}

TEST_CASE("scalar evaluator: integers are exact and wrap after each step") {
  const auto s = [](Dtype type, int64_t number) { return Scalar{type, number}; };
  const auto u = [](Dtype type, uint64_t number) { return Scalar{type, number}; };
  CHECK(whole("u8 u8 add,0,1:u8", {u(u8, 200), u(u8, 100)}) == 44);
  // 200 + 100 wraps before it is halved.
  CHECK(whole("u8 u8 u8=2 add,0,1:u8 quotient,3,2:u8", {u(u8, 200), u(u8, 100)}) == 22);
  CHECK(whole("s8 negate,0:s8", {s(s8, -128)}) == -128);
  CHECK(whole("s8 abs,0:s8", {s(s8, -128)}) == -128);
  CHECK(whole("s2 s2 add,0,1:s2", {s(s2, 1), s(s2, 1)}) == -2);
  CHECK(whole("u4 u4 multiply,0,1:u4", {u(u4, 15), u(u4, 15)}) == 1);
  CHECK(whole("s64 s64 multiply,0,1:s64", {s(s64, 3'037'000'500), s(s64, 3'037'000'500)}) == -9223372036709301616);
  CHECK(whole("s64 s64 add,0,1:s64", {s(s64, std::numeric_limits<int64_t>::max()), s(s64, 1)}) == kLowest);
  CHECK(whole("s64 s64 quotient,0,1:s64", {s(s64, kLowest), s(s64, -1)}) == kLowest);
  CHECK(whole("s64 s64 remainder,0,1:s64", {s(s64, kLowest), s(s64, -1)}) == 0);
  CHECK(whole("s32 s32 quotient,0,1:s32", {s(s32, -7), s(s32, 2)}) == -3);
  CHECK(whole("s32 s32 remainder,0,1:s32", {s(s32, -7), s(s32, 2)}) == -1);
  CHECK(whole("s32 s32 quotient,0,1:s32", {s(s32, 7), s(s32, 0)}) == -1);
  CHECK(whole("u16 u16 quotient,0,1:u16", {u(u16, 7), u(u16, 0)}) == 65535);
  CHECK(whole("u16 u16 remainder,0,1:u16", {u(u16, 7), u(u16, 0)}) == 7);
  CHECK(whole("s32 s32 pow,0,1:s32", {s(s32, 3), s(s32, 21)}) == 1870418611);
  CHECK(whole("s8 s8 pow,0,1:s8", {s(s8, -1), s(s8, -3)}) == -1);
  CHECK(whole("s8 s8 pow,0,1:s8", {s(s8, 2), s(s8, -3)}) == 0);
  CHECK(whole("s8 s8 left_shift,0,1:s8", {s(s8, 3), s(s8, 6)}) == -64);
  CHECK(whole("s8 s8 left_shift,0,1:s8", {s(s8, 3), s(s8, 8)}) == 0);
  CHECK(whole("s8 s8 right_shift,0,1:s8", {s(s8, -100), s(s8, 100)}) == -1);
  CHECK(whole("s64 s64 right_shift,0,1:s64", {s(s64, kLowest), s(s64, 62)}) == -2);
  CHECK(whole("u64 u64 right_shift,0,1:u64", {u(u64, ~uint64_t{0}), u(u64, 63)}) == 1);
  CHECK(whole("s16 count_leading_zeros,0:s16", {s(s16, 1)}) == 15);
  CHECK(whole("s16 count_leading_zeros,0:s16", {s(s16, -1)}) == 0);
  CHECK(whole("u2 count_leading_zeros,0:u2", {u(u2, 0)}) == 2);
  CHECK(whole("s8 population_count,0:s8", {s(s8, -1)}) == 0x08);
  CHECK(whole("s8 bitwise_not,0:s8", {s(s8, 5)}) == -6);
  CHECK(whole("u8 bitwise_not,0:u8", {u(u8, 5)}) == 250);
  CHECK(whole("s32 sign,0:s32", {s(s32, -9)}) == -1);
  CHECK(whole("s32 s32 s32 clip,0,1,2:s32", {s(s32, -9), s(s32, -5), s(s32, 5)}) == -5);
  CHECK(whole("u64 u64 max,0,1:u64", {u(u64, ~uint64_t{0}), u(u64, 1)}) == -1);
  CHECK(whole("s64 s64 max,0,1:s64", {s(s64, -1), s(s64, 1)}) == 1);
}

TEST_CASE("scalar evaluator: operands of other types are converted, and compared as they are") {
  CHECK(real("s64 u8 divide,0,1:f32@f64", {{s64, int64_t{1}}, {u8, uint64_t{3}}}) == static_cast<float>(1.0 / 3));
  CHECK(whole("u8 s16 add,0,1:s16", {{u8, uint64_t{255}}, {s16, int64_t{-1}}}) == 254);
  CHECK(whole("f32 as_type,0:s8", {{f32, -300.7}}) == -44);
  CHECK(whole("f32 as_type,0:s8", {{f32, kInfinity}}) == 127);
  CHECK(whole("f32 as_type,0:s8", {{f32, kNan}}) == 0);
  CHECK(real("s64 as_type,0:f32", {{s64, int64_t{16777217}}}) == 16777216);
  // 2^53 + 1 is no double.
  const Scalar odd{s64, (int64_t{1} << 53) + 1};
  CHECK(whole("s64 f64 greater,0,1:u8", {odd, {f64, 0x1p53}}) == 1);
  CHECK(whole("f64 s64 equal,0,1:u8", {{f64, 0x1p53}, odd}) == 0);
  CHECK(whole("s64 u64 less,0,1:u8", {{s64, int64_t{-1}}, {u64, ~uint64_t{0}}}) == 1);
  CHECK(whole("s32 f32 not_equal,0,1:u8", {{s32, int64_t{1}}, {f32, kNan}}) == 1);
  CHECK(whole("f32 s32 logical_and,0,1:u8", {{f32, 0.5}, {s32, int64_t{-3}}}) == 1);
  CHECK(whole("s8 is_nan,0:u8", {{s8, int64_t{1}}}) == 0);
  CHECK(real("u8 s32 f32 select,0,1,2:f32", {{u8, uint64_t{1}}, {s32, int64_t{7}}, {f32, 0.5}}) == 7);
  CHECK(real("s16 real,0:f32", {{s16, int64_t{-5}}}) == -5);
  CHECK(real("f32 imag,0:f32", {{f32, 3.0}}) == 0);
  CHECK(whole("u8 bitcast,0:s8", {{u8, uint64_t{255}}}) == -1);
}

TEST_CASE("scalar evaluator: a step computes with what its operands are, and wraps or rounds once" *
          doctest::test_suite("truth")) {
  const Scalar huge{u64, ~uint64_t{0}}, low{s64, int64_t{-3}};
  CHECK(whole("u64 s64 remainder,0,1:s64@s65", {huge, low}) == 0);
  CHECK(whole("s64 u64 remainder,0,1:s64@s65", {low, huge}) == -3);
  CHECK(whole("u64 s64 quotient,0,1:s64@s65", {huge, low}) == -0x5555555555555555);
  CHECK(whole("u64 s64 min,0,1:s64@s65", {huge, low}) == -3);
  CHECK(whole("s64 u64 max,0,1:s64@s65", {low, huge}) == -1);
  CHECK(whole("u64 s64 right_shift,0,1:s64@s65", {huge, {s64, int64_t{1}}}) == 0x7fffffffffffffff);
  CHECK(whole("s64 u64 pow,0,1:s64@s65", {{s64, int64_t{3}}, {u64, uint64_t{1} << 63}}) == 1);
  CHECK(whole("s64 u64 s64 clip,0,1,2:s64@s65", {low, {u64, uint64_t{1} << 63}, {s64, int64_t{5}}}) == 5);
  CHECK(whole("u8 s32 max,0,1:u8@s32", {{u8, uint64_t{5}}, {s32, int64_t{-300}}}) == 5);
  CHECK(real("f16 s32 divide,0,1:f16@f64", {{f16, 35008.0}, {s32, int64_t{70000}}}) == 0.5);
  CHECK(real("f32 s32 add,0,1:f32@f64", {{f32, 1.0}, {s32, int64_t{16777217}}}) == 16777218);
  CHECK(real("bf16 f32 multiply,0,1:bf16", {{bf16, 3.0}, {f32, double{0.1F}}}) == 0.30078125);
}

TEST_CASE("scalar evaluator: floats are rounded after each step, or after none") {
  // 256 + 1 is 256 in bf16, which has 8 bits.
  const std::vector<Scalar> inputs = {{bf16, 256.0}};
  CHECK(real("bf16 bf16=3f800000 add,0,1:bf16 add,2,1:bf16", inputs) == 256);
  CHECK(real("~ bf16 bf16=3f800000 add,0,1:bf16 add,2,1:bf16", inputs) == 258);
  CHECK(real("f16 f16 add,0,1:f16", {{f16, 65504.0}, {f16, 32.0}}) == kInfinity);
  CHECK(real("f8_e4m3fn f8_e4m3fn add,0,1:f8_e4m3fn", {{f8_e4m3fn, 448.0}, {f8_e4m3fn, 448.0}}) == 448);
  CHECK(real("f64 as_type,0:f32 as_type,1:f64", {{f64, 0.1}}) == double{0.1F});
  CHECK(real("~ f64 as_type,0:f32 as_type,1:f64", {{f64, 0.1}}) == 0.1);
  CHECK(real("f32 exp,0:f32", {{f32, 1.0}}) == double{static_cast<float>(std::exp(1.0))});
  CHECK(real("~ f32 exp,0:f32", {{f32, 1.0}}) == std::exp(1.0));
  CHECK(real("f32 f32=40400000 divide,0,1:f32", {{f32, 1.0}}) == double{1.0F / 3.0F});
  // Integers are integers in either.
  CHECK(whole("~ f32 f32=3fc00000 less,0,1:u8 add,2,2:u8", {{f32, 1.0}}) == 2);
}

TEST_CASE("scalar evaluator: several results, an input and a constant among them") {
  const std::vector<Scalar> results = results_of("f32 s32=5 multiply,0,0:f32 add,2,1:f32@f64 >3,0,1,2,3", {{f32, 3.0}});
  REQUIRE(results.size() == 5);
  CHECK(std::get<double>(results[0].value) == 14);
  CHECK(std::get<double>(results[1].value) == 3);
  CHECK(std::get<int64_t>(results[2].value) == 5);
  CHECK(results[2].dtype == s32);
  CHECK(std::get<double>(results[3].value) == 9);
  CHECK(std::get<double>(results[4].value) == 14);
}

}  // namespace gpu_node::scalar
