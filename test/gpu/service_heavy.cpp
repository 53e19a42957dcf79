// Heavy work: what is submitted is bounded in time, who sends much waits for it himself while others pass by, and the
// device is taken for hung when nothing advances, not when there is much to do.
#include <doctest/doctest.h>

#include "base/clock.h"
#include "gpu/bystander.h"

namespace gpu_node::test {
namespace {

constexpr int64_t kLarge = 8 << 20;  // elements: a function of them takes tens of milliseconds on two cores

// Sends |work| of one client, whose last result is |last|, and looks after another's waits meanwhile.
void check_served_beside(Two& two, const std::vector<Commands>& work, int64_t last) {
  for (const Commands& commands : work) two.busy.run(commands);
  Reply reply;
  const Waits waits = waits_beside(two, two.busy.send_call(two.busy.download_request(last, 0, 4)), reply);
  CHECK(reply.code == "");
  check_served(waits);
}

// |id| is the product of matrix |of| with itself.
etf::Writer product(int64_t id, int64_t of, int64_t size) {
  etf::Writer dot;
  dot.tuple(4).atom("dot").list(1).tuple(3).integer(id).atom("f32");
  write_shape(dot, {size, size});
  dot.nil().list(2).integer(of).integer(of).nil().map(2).atom("contract_left").list(1).integer(1).nil();
  dot.atom("contract_right").list(1).integer(0).nil();
  return dot;
}

}  // namespace

TEST_CASE("service heavy: ops sent one by one are no hang") {
  Two two(1000);
  two.busy.run(Commands().op("iota", 1, "f32", {kLarge}, {}));
  std::vector<Commands> work;
  int64_t id = 1;
  for (int message = 0; message < 5; ++message) {
    Commands& commands = work.emplace_back();
    for (int i = 0; i < 16; ++i, ++id) commands.op("sin", id + 1, "f32", {kLarge}, {id}).free({id});
  }
  check_served_beside(two, work, id);
}

TEST_CASE("service heavy: one message of a long program is no hang") {
  Two two(1000);
  Commands program;
  etf::Writer compile;
  constexpr int kSteps = 80;
  compile.tuple(6).atom("compile_program").integer(10).list(1).tuple(2).atom("f32");
  write_shape(compile, {kLarge});
  compile.nil().list(kSteps);
  for (int64_t i = 1; i <= kSteps; ++i) {
    compile.tuple(4).atom("cos").list(1).tuple(3).integer(-i).atom("f32");
    write_shape(compile, {kLarge});
    compile.nil().list(1).integer(i == 1 ? 0 : 1 - i).nil().map(0);
  }
  compile.nil().list(1).integer(-kSteps).nil().nil();
  etf::Writer run;
  run.tuple(4).atom("run_program").integer(10).list(1).integer(1).nil().list(1).integer(20).nil();
  two.busy.run(Commands().op("iota", 1, "f32", {kLarge}, {}));
  check_served_beside(two, {Commands().raw(compile).raw(run).op("negate", 21, "f32", {kLarge}, {20})}, 21);
  CHECK(two.busy.floats(21)[12345] == -two.busy.floats(20)[12345]);
}

TEST_CASE("service heavy: kernels that are being compiled hold up their own session alone") {
  Two two(10'000);
  const std::vector<float> half = {0.5};
  Commands commands;
  commands.alloc(1, "f32", {1}, std::as_bytes(std::span(half)));
  int64_t id = 1;
  for (const char* type : {"f16", "bf16", "f64"}) {
    const int64_t operand = ++id;
    commands.op("as_type", operand, type, {1}, {1});
    for (const char* op :
         {"exp",  "expm1", "log",  "log1p", "sigmoid", "cos",  "sin",   "tan",  "acos", "asin", "atan",
          "cosh", "sinh",  "tanh", "asinh", "atanh",   "sqrt", "rsqrt", "cbrt", "erf",  "erfc", "erf_inv"})
      commands.op(op, ++id, type, {1}, {operand});
  }
  commands.op("as_type", id + 1, "f32", {1}, {id});
  check_served_beside(two, {commands}, id + 1);
  CHECK(two.busy.floats(id + 1)[0] == doctest::Approx(0.4769362));
}

TEST_CASE("service heavy: a session that ends in the middle of a long op leaves nothing") {
  Two two(10'000);
  const int64_t baseline = two.other.live_bytes();
  constexpr int64_t kSize = 2048;
  two.busy.run(Commands().op("iota", 1, "f32", {kSize, kSize}, {}).op("iota", 3, "f32", {kSize}, {}));
  CHECK(two.busy.call(two.busy.download_request(1, 0, 4)).ok());
  two.busy.run(Commands().raw(product(2, 1, kSize)).op("negate", 4, "f32", {kSize}, {3}));
  CHECK(two.busy.call(etf::Writer().tuple(2).atom("close").unsigned_integer(two.busy.session)).ok());
  // Its parts that are not recorded yet never are.
  CHECK(eventually([&] { return two.other.live_bytes() == baseline; }));
  two.other.run(Commands().op("iota", 2, "f32", {4}, {}));
  CHECK(two.other.floats(2) == std::vector<float>{0, 1, 2, 3});
}

TEST_CASE("service heavy: a product that takes seconds goes in parts, and the node is not hung") {
  Two two(1000);
  constexpr int64_t kSize = 1792;
  two.busy.run(Commands().op("iota", 3, "f32", {kSize, kSize}, {}).op("sigmoid", 1, "f32", {kSize, kSize}, {3}));
  const int64_t before = two.busy.stats().numbers["counters.submits"];
  const Clock::time_point began = Clock::now();
  check_served_beside(two, {Commands().raw(product(2, 1, kSize))}, 2);
  const std::vector<float> product = two.busy.floats(2);
  const int64_t took_ms = in_milliseconds(Clock::now() - began);
  const int64_t submits = two.busy.stats().numbers["counters.submits"] - before;
  MESSAGE("a product of " << took_ms << " ms took " << submits << " submissions");
  // A card does it in one.
  if (took_ms > 500) CHECK(submits > 10);
  // sigmoid is 1 from 17 on: rows but the first are all ones.
  CHECK(product[kSize + 5] == doctest::Approx(static_cast<double>(kSize) - 0.5).epsilon(0.01));
  CHECK(product.back() == product[kSize + kSize - 1]);
}

}  // namespace gpu_node::test
