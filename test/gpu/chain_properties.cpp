// What holds of every run of chains, whatever the model: prefixes, company, mappings, pieces, guards.
#include <doctest/doctest.h>

#include <algorithm>

#include "gpu/chain_case.h"
#include "gpu/device.h"

namespace gpu_node::test {
namespace {

using chain::DeviceModel;
using ModelRef = std::shared_ptr<DeviceModel>;
using chain::Mapping;

constexpr Mapping kMappings[] = {Mapping::kThread, Mapping::kSubgroup, Mapping::kWorkgroup};

// Cheap to compile, so that many sizes can be run; every size has the same kernels.
ChainCase normal(int64_t d) {
  return {"normal", {.parameters = {{"mu", 0.3}, {"sigma", 1.7}}, .dimensions = {{"d", d}}}};
}

ModelRef model_of(const ChainCase& chains, Dtype dtype) {
  auto model = DeviceModel::make(device(), chains.family.program, chains.binding, dtype);
  REQUIRE(model.ok());
  return std::move(model).value();
}

std::vector<double> part(const std::vector<double>& list, size_t first, size_t count) {
  return {list.begin() + static_cast<ptrdiff_t>(first), list.begin() + static_cast<ptrdiff_t>(first + count)};
}

// Chain |c| of |start| alone.
ChainStart alone(const ChainStart& start, size_t d, size_t c) {
  ChainStart one = start;
  one.chains = 1;
  one.position = part(start.position, c * d, d);
  one.momentum = part(start.momentum, c * d, d);
  if (start.inverse_mass.size() != d) one.inverse_mass = part(start.inverse_mass, c * d, d);
  if (start.step_size.size() != 1) one.step_size = {start.step_size[c]};
  return one;
}

// What chain |c| did in a |run| of several.
ChainRun of_chain(const ChainRun& run, size_t d, size_t rows, size_t c) {
  const size_t count = rows * d;
  return {part(run.positions, c * count, count), part(run.momenta, c * count, count),
          part(run.gradients, c * count, count), part(run.logp, c * rows, rows)};
}

// A step size and an inverse mass for each chain.
ChainStart own_numbers(size_t d, int64_t chains, int64_t steps, uint32_t seed) {
  ChainStart start = random_start(d, chains, steps, seed);
  const ChainStart masses = random_start(d, chains, steps, seed + 1);
  start.inverse_mass.clear();
  for (const double number : masses.position) start.inverse_mass.push_back(1 + number);
  start.step_size.clear();
  for (int64_t c = 0; c < chains; ++c)
    start.step_size.push_back((c % 2 == 0 ? 1 : -1) * (static_cast<double>(c + 1) / 256));
  return start;
}

}  // namespace

TEST_CASE("chain: in any company a chain's numbers are the same bits, in either mapping") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const int64_t d : {1, 2, 7, 19, 41, 256, 257, 1000}) {
      CAPTURE(d);
      const ChainCase chains = normal(d);
      ModelRef model = model_of(chains, dtype);
      const auto count = static_cast<size_t>(d);
      for (const int64_t together : {2, 5, 64}) {
        const int64_t steps = 1 + (d + together) % 11;
        ChainStart start = own_numbers(count, together, steps, static_cast<uint32_t>(d));
        start.mapping = Mapping::kThread;
        const ChainRun threads = run_on_device(model, start);
        start.mapping = Mapping::kSubgroup;
        CHECK(run_on_device(model, start) == threads);
        start.mapping = Mapping::kWorkgroup;
        CHECK(run_on_device(model, start) == threads);
        start.mapping = {};
        CHECK(run_on_device(model, start) == threads);
        for (const size_t c : {size_t{0}, static_cast<size_t>(together) - 1})
          CHECK(run_on_device(model, alone(start, count, c)) ==
                of_chain(threads, count, static_cast<size_t>(steps), c));
        if (dtype == Dtype::f64 && together == 5) check_close(threads, run_on_host(chains, start), 1e-12);
      }
    }
}

TEST_CASE("chain: a run of seven steps begins with each shorter one, and its last state is that of a short answer") {
  const ChainCase chains = normal(41);
  ModelRef model = model_of(chains, Dtype::f32);
  ChainStart start = random_start(41, 3, 7, 5);
  for (const Mapping mapping : kMappings) {
    start.mapping = mapping;
    start.steps = 7;
    const ChainRun whole = run_on_device(model, start);
    CHECK(run_on_device(model, start) == whole);
    for (start.steps = 1; start.steps <= 7; ++start.steps) {
      const auto rows = static_cast<size_t>(start.steps);
      const ChainRun shorter = run_on_device(model, start);
      start.last_only = true;
      const ChainRun last = run_on_device(model, start);
      start.last_only = false;
      for (size_t c = 0; c < 3; ++c) {
        const ChainRun own = of_chain(whole, 41, 7, c);
        const ChainRun found = of_chain(shorter, 41, rows, c);
        CHECK(found.positions == part(own.positions, 0, rows * 41));
        CHECK(found.momenta == part(own.momenta, 0, rows * 41));
        CHECK(found.gradients == part(own.gradients, 0, rows * 41));
        CHECK(found.logp == part(own.logp, 0, rows));
        CHECK(of_chain(last, 41, 1, c).momenta == part(own.momenta, (rows - 1) * 41, 41));
        CHECK(of_chain(last, 41, 1, c).logp == part(own.logp, rows - 1, 1));
      }
    }
  }
}

TEST_CASE("chain: batch after batch is the same bits as all at once") {
  const ChainCase chains = normal(7);
  ModelRef model = model_of(chains, Dtype::f64);
  ChainStart start = own_numbers(7, 64, 3, 17);
  for (const Mapping mapping : kMappings) {
    start.mapping = mapping;
    start.most_chains = 0;
    const ChainRun wanted = run_on_device(model, start);
    start.most_chains = 9;
    const ChainRun found = run_on_device(model, start);
    CHECK(found == wanted);
    CHECK(found.dispatches > wanted.dispatches);
  }
}

TEST_CASE("chain: more steps than one dispatch may loop for") {
  const ChainCase chains = normal(1);
  ModelRef model = model_of(chains, Dtype::f64);
  ChainStart start = random_start(1, 2, 30'000, 3);
  start.last_only = true;
  for (const Mapping mapping : kMappings) {
    start.mapping = mapping;
    const ChainRun found = run_on_device(model, start);
    CHECK(found.dispatches > 2);
    check_close(found, run_on_host(chains, start), 1e-9);
  }
}

TEST_CASE("chain: more coordinates than one invocation may loop over") {
  // A thread cannot add 70,000; a workgroup can.
  const ChainCase chains = normal(70'000);
  ModelRef model = model_of(chains, Dtype::f64);
  ChainStart start = random_start(70'000, 1, 2, 3);
  start.last_only = true;
  const ChainRun found = run_on_device(model, start);
  ChainRun wanted = run_on_host(chains, start);
  check_close(found, wanted, 1e-12);
  chain::ChainRequest request{.coordinates = 70'000, .last_only = true, .mapping = Mapping::kThread};
  request.position = upload(device(), start.position);
  request.momentum = upload(device(), start.momentum);
  request.inverse_mass = upload(device(), start.inverse_mass);
  request.step_size = upload(device(), start.step_size);
  const auto refused = chain::run_chains(device(), model, request, Deadline::after_ms(60'000));
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("chain: rounds in pieces are the same bits") {
  // Allowed few iterations, stages and the loops in them are cut; the regression has sums in loops.
  const ChainCase regression("logistic_regression", {});
  const ChainCase plain = normal(1000);
  const auto compare = [](const ChainCase& chains, uint64_t most, Mapping mapping) {
    ChainStart start = random_start(chains.coordinates(), 3, 3, 11);
    start.mapping = mapping;
    ModelRef whole = model_of(chains, Dtype::f64);
    auto cut = DeviceModel::make(device(), chains.family.program, chains.binding, Dtype::f64, most);
    REQUIRE(cut.ok());
    const ChainRun wanted = run_on_device(whole, start);
    const ChainRun found = run_on_device(*cut, start);
    CHECK(found.dispatches > wanted.dispatches + 4);
    CHECK(found == wanted);
  };
  for (const Mapping mapping : {Mapping::kSubgroup, Mapping::kWorkgroup}) {
    compare(plain, 20, mapping);
    compare(regression, 10, mapping);
    compare(regression, 60, mapping);
  }
}

TEST_CASE("chain: requests that do not fit are refused") {
  const ChainCase chains = normal(3);
  ModelRef model = model_of(chains, Dtype::f32);
  const auto numbers = [](size_t count) { return upload(device(), std::vector<float>(count, 0.5f)); };
  const chain::ChainRequest right{.chains = 2,
                                  .steps = 2,
                                  .coordinates = 3,
                                  .position = numbers(6),
                                  .momentum = numbers(6),
                                  .inverse_mass = numbers(3),
                                  .step_size = numbers(1)};
  const auto refused = [&](auto change) {
    chain::ChainRequest request = right;
    change(request);
    const auto result = chain::run_chains(device(), model, request, Deadline::after_ms(60'000));
    REQUIRE(!result.ok());
    return result.error().code;
  };
  CHECK(chain::run_chains(device(), model, right, Deadline::after_ms(60'000)).ok());
  using enum ErrorCode;
  CHECK(refused([](auto& request) { request.steps = 0; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.steps = -1; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.chains = 0; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.coordinates = 2; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.chains = 3; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.momentum = nullptr; }) == kInvalidArgument);
  CHECK(refused([&](auto& request) { request.momentum = numbers(5); }) == kInvalidArgument);
  CHECK(refused([&](auto& request) { request.inverse_mass = numbers(6); }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.own_mass = true; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.own_step = true; }) == kInvalidArgument);
  CHECK(refused([](auto& request) { request.steps = int64_t{1} << 30; }) == kUnsupported);
  CHECK(refused([](auto& request) { request.steps = int64_t{1} << 40; }) == kInvalidArgument);
}

}  // namespace gpu_node::test
