// What the cost model makes of what submissions took: by kernel, and not where they say nothing of it.
#include "vulkan/cost_model.h"

#include <doctest/doctest.h>

namespace gpu_node::vulkan {
namespace {

struct TestKernel final : Kernel {
  TestKernel() : Kernel(1, 0, 0, {}) {}
};

// The device as it is: a fixed time for a dispatch, and one for each unit by kernel, in ms.
struct Machine {
  CostModel costs{false};
  uint64_t value = 0;

  void run(std::initializer_list<std::pair<const Kernel*, double>> dispatches, double took_ms) {
    for (const auto& [kernel, units] : dispatches) costs.add(*kernel, units);
    costs.submitted(++value);
    costs.finished(value, took_ms);
  }
};

}  // namespace

TEST_CASE("cost model: a kernel's unit is learnt from what its submissions took") {
  Machine machine;
  const TestKernel slow, fast;
  const double guess = machine.costs.estimate_ms(slow, 1e6);
  CHECK(guess > 0);
  CHECK(machine.costs.estimate_ms(slow, 1e7) > 5 * guess);
  for (int i = 0; i < 10; ++i) {
    machine.run({{&slow, 1e6}}, 50);
    machine.run({{&fast, 1e6}}, 0.5);
  }
  CHECK(machine.costs.estimate_ms(slow, 1e6) == doctest::Approx(50).epsilon(0.1));
  CHECK(machine.costs.estimate_ms(slow, 4e6) == doctest::Approx(200).epsilon(0.1));
  CHECK(machine.costs.estimate_ms(fast, 1e6) == doctest::Approx(0.5).epsilon(0.1));
}

TEST_CASE("cost model: what a first dispatch takes longer is not the kernel's, what it takes shorter is") {
  Machine machine;
  const TestKernel kernel, other;
  const double guess = machine.costs.estimate_ms(kernel, 1e8);
  machine.run({{&kernel, 1e8}}, 40 * guess);
  CHECK(machine.costs.estimate_ms(kernel, 1e8) == guess);
  machine.run({{&kernel, 1e8}}, 2 * guess);
  CHECK(machine.costs.estimate_ms(kernel, 1e8) > 1.5 * guess);
  machine.run({{&other, 1e8}}, guess / 2);
  CHECK(machine.costs.estimate_ms(other, 1e8) < guess);
}

TEST_CASE("cost model: one submission that seems short makes an estimate little shorter") {
  Machine machine;
  const TestKernel kernel;
  machine.run({{&kernel, 1e8}}, 100);
  const double known = machine.costs.estimate_ms(kernel, 1e8);
  machine.run({{&kernel, 1e8}}, known / 1000);
  CHECK(machine.costs.estimate_ms(kernel, 1e8) == doctest::Approx(known / 4));
  machine.run({{&kernel, 1e8}}, 100 * known);
  CHECK(machine.costs.estimate_ms(kernel, 1e8) == doctest::Approx(2 * known));
}

TEST_CASE("cost model: many small dispatches say nothing of a unit, one that takes long does") {
  Machine machine;
  const TestKernel kernel;
  for (int i = 0; i < 10; ++i) machine.run({{&kernel, 1e8}}, 500);
  CHECK(machine.costs.estimate_ms(kernel, 1e8) == doctest::Approx(500).epsilon(0.1));
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 200; ++i) machine.costs.add(kernel, 2);
    machine.costs.submitted(++machine.value);
    machine.costs.finished(machine.value, 200 * 0.05);
  }
  CHECK(machine.costs.estimate_ms(kernel, 1e8) == doctest::Approx(500).epsilon(0.1));
  for (int i = 0; i < 10; ++i) machine.run({{&kernel, 1e6}}, 900);
  CHECK(machine.costs.estimate_ms(kernel, 1e6) == doctest::Approx(900).epsilon(0.1));
}

TEST_CASE("cost model: what is pending and what is in flight") {
  CostModel costs(true);
  const TestKernel kernel;
  CHECK(costs.pending_ms() == 0);
  costs.add(kernel, 1e6);
  const double one = costs.pending_ms();
  CHECK(one == costs.estimate_ms(kernel, 1e6));
  costs.add_copy(1 << 20);
  CHECK(costs.pending_ms() > one);
  costs.drop();
  CHECK(costs.pending_ms() == 0);
  for (uint64_t value = 1; value <= 3; ++value) {
    costs.add(kernel, 1e6);
    costs.submitted(value);
    CHECK(costs.pending_ms() == 0);
  }
  CHECK(costs.in_flight_ms() == doctest::Approx(3 * one));
  // Without a clock nothing is learnt, and nothing stays in flight.
  costs.finished(2, std::nullopt);
  CHECK(costs.in_flight_ms() == doctest::Approx(one));
  CHECK(costs.estimate_ms(kernel, 1e6) == one);
  costs.finished(3, std::nullopt);
  CHECK(costs.in_flight_ms() == 0);
}

}  // namespace gpu_node::vulkan
