// What holds of every run of chains, whatever the model: prefixes, company, mappings, pieces, guards.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "gpu/chain_case.h"
#include "gpu/device.h"

namespace gpu_node::test {
namespace {

using chain::DeviceModel;
using chain::Mapping;
using ModelRef = std::shared_ptr<DeviceModel>;

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

// That rows |from| to |from| + |count| of |whole|, which has |rows| for each chain, are |found|.
void check_rows(const ChainRun& whole, const ChainRun& found, size_t d, size_t rows, size_t from, size_t count) {
  REQUIRE(found.logp.size() * rows == whole.logp.size() * count);
  for (size_t c = 0; c < whole.logp.size() / rows; ++c) {
    const ChainRun wanted = of_chain(whole, d, rows, c);
    const ChainRun own = of_chain(found, d, count, c);
    CHECK(own.positions == part(wanted.positions, from * d, count * d));
    CHECK(own.momenta == part(wanted.momenta, from * d, count * d));
    CHECK(own.gradients == part(wanted.gradients, from * d, count * d));
    CHECK(own.logp == part(wanted.logp, from, count));
  }
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

TEST_CASE("chain: any number of steps and chains, with or without the others, are the same bits in every mapping") {
  std::mt19937 generator(4);
  const auto up_to = [&](int64_t most) { return 1 + static_cast<int64_t>(generator() % static_cast<uint64_t>(most)); };
  constexpr int kEach = 100;  // of the 704 pairs of steps and chains
  size_t cases = 0, runs = 0;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const int64_t d : {1, 2, 7, 19, 41, 256, 257, 1000}) {
      const ChainCase chains = normal(d);
      ModelRef model = model_of(chains, dtype);
      const auto count = static_cast<size_t>(d);
      const auto run = [&](const ChainStart& start) {
        ++runs;
        return run_on_device(model, start);
      };
      for (int i = 0; i < kEach; ++i, ++cases) {
        // The corners first.
        const int64_t steps = i < 4 ? (i % 2 == 0 ? 1 : 11) : up_to(11);
        const int64_t together = i < 4 ? (i < 2 ? 1 : 64) : up_to(64);
        CAPTURE(d);
        CAPTURE(steps);
        CAPTURE(together);
        ChainStart start = own_numbers(count, together, steps, generator());
        start.mapping = Mapping::kThread;
        const ChainRun whole = run(start);
        for (const Mapping mapping : mappings()) {
          start.mapping = mapping;
          if (mapping != Mapping::kThread) CHECK(run(start) == whole);
          const auto c = static_cast<size_t>(up_to(together) - 1);
          CHECK(run(alone(start, count, c)) == of_chain(whole, count, static_cast<size_t>(steps), c));
          start.steps = up_to(steps);
          const auto fewer = static_cast<size_t>(start.steps);
          check_rows(whole, run(start), count, static_cast<size_t>(steps), 0, fewer);
          start.last_only = true;
          check_rows(whole, run(start), count, static_cast<size_t>(steps), fewer - 1, 1);
          start.last_only = false;
          start.steps = steps;
        }
        start.mapping = {};
        CHECK(run(start) == whole);
        if (dtype == Dtype::f64 && i < 4) check_close(whole, run_on_host(chains, start), 1e-12);
      }
    }
  MESSAGE(cases << " cases, " << runs << " runs");
}

TEST_CASE("chain: what is run twice is the same bits, batch after batch too") {
  const ChainCase chains = normal(7);
  ModelRef model = model_of(chains, Dtype::f64);
  ChainStart start = own_numbers(7, 64, 3, 17);
  for (const Mapping mapping : mappings()) {
    start.mapping = mapping;
    start.most_chains = 0;
    const ChainRun wanted = run_on_device(model, start);
    CHECK(run_on_device(model, start) == wanted);
    start.most_chains = 9;
    const ChainRun found = run_on_device(model, start);
    CHECK(found == wanted);
    CHECK(found.dispatches > wanted.dispatches);
  }
}

TEST_CASE("chain: slices that end between the chains of a round are the same bits") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const int64_t d : {1, 7, 300}) {
      const ChainCase chains = normal(d);
      ModelRef model = model_of(chains, dtype);
      // Stages in pieces too, where the mapping has them.
      auto pieces = DeviceModel::make(device(), chains.family.program, chains.binding, dtype, 20);
      for (const Mapping mapping : mappings()) {
        CAPTURE(d);
        ChainStart start = own_numbers(static_cast<size_t>(d), 200, 3, 23);
        start.mapping = mapping;
        const ChainRun wanted = run_on_device(model, start, 1e6);
        // A slice that aims at nothing has a group of chains, of one round: of 32 chains at most. A card has so few at
        // once, and a slice that is cut along them would save it nothing.
        const ChainRun found = run_on_device(model, start, 1e-9);
        CHECK(found == wanted);
        CHECK(found.dispatches >= (device().info().software ? 4 * 7 : 4));
        CHECK(wanted.dispatches < found.dispatches);
        start.most_chains = 150;
        CHECK(run_on_device(model, start, 1e-9) == wanted);
        if (!pieces.ok() || (mapping == Mapping::kThread && d > 1)) continue;
        const ChainRun cut = run_on_device(*pieces, start, 1e-9);
        CHECK(cut == wanted);
        CHECK(cut.dispatches >= found.dispatches);
      }
    }
}

TEST_CASE("chain: a device without full subgroups says so") {
  vulkan::DeviceInfo info = device().info();
  info.has_subgroup_shuffle = false;
  const ChainCase chains = normal(3);
  const chain::Program& program = chains.family.program;
  const chain::Schedule schedule = chain::make_schedule(program);
  const auto launch = chain::plan_launch(program, schedule, chains.binding, info);
  REQUIRE(launch.ok());
  const auto rounds = chain::plan_rounds(schedule, *launch, Mapping::kSubgroup);
  REQUIRE(!rounds.ok());
  CHECK(rounds.error().code == ErrorCode::kUnsupported);
  const auto shape = chain::kernel_shape(schedule, *launch, Mapping::kSubgroup, Dtype::f32, info);
  const auto source = chain::emit_program(program, schedule, shape, info);
  REQUIRE(!source.ok());
  CHECK(source.error().code == ErrorCode::kUnsupported);
  for (const uint64_t together : {1, 64, 4096})
    CHECK(chain::choose_mapping(schedule, *launch, together, Dtype::f32, info) != Mapping::kSubgroup);
}

TEST_CASE("chain: more steps than one dispatch may loop for") {
  const ChainCase chains = normal(1);
  ModelRef model = model_of(chains, Dtype::f64);
  auto cut = DeviceModel::make(device(), chains.family.program, chains.binding, Dtype::f64, chain::kMaxIterations);
  REQUIRE(cut.ok());
  ChainStart start = random_start(1, 2, 30'000, 3);
  start.last_only = true;
  for (const Mapping mapping : mappings()) {
    start.mapping = mapping;
    const ChainRun found = run_on_device(*cut, start);
    CHECK(found.dispatches > 2);
    check_close(found, run_on_host(chains, start), 1e-9);
    // As the device allows: on one that does not end loops time alone cuts.
    CHECK(run_on_device(model, start) == found);
    CHECK(run_on_device(model, start, 1e6) == found);
  }
}

TEST_CASE("chain: more coordinates than one invocation may loop over") {
  // Where loops are ended, a thread cannot add 70,000; a workgroup can.
  const ChainCase chains = normal(70'000);
  ModelRef model =
      must(DeviceModel::make(device(), chains.family.program, chains.binding, Dtype::f64, chain::kMaxIterations));
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
  CHECK(refused.error().message.find("cannot add 70000 numbers") != std::string::npos);
}

TEST_CASE("chain: one thread adds as many numbers as the device's loops may") {
  if (!device().info().software || device().info().max_loop_iterations < 1'000'000) {
    MESSAGE("not on " << device().info().name << ": its threads loop less by choice, or must");
    return;
  }
  for (const int64_t d : {65'535, 65'536, 200'000}) {
    CAPTURE(d);
    const ChainCase chains = normal(d);
    ModelRef model = model_of(chains, Dtype::f64);
    ChainStart start = random_start(static_cast<size_t>(d), 1, 2, 3);
    start.last_only = true;
    start.mapping = Mapping::kWorkgroup;
    const ChainRun wanted = run_on_device(model, start);
    start.mapping = Mapping::kThread;
    CHECK(run_on_device(model, start) == wanted);
  }
}

TEST_CASE("chain: rounds in pieces are the same bits") {
  // Allowed few iterations, stages and the loops in them are cut; the regression has sums in loops.
  const ChainCase regression = example_case("logistic_regression");
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
  for (const Mapping mapping : mappings()) {
    if (mapping == Mapping::kThread) continue;
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
  CHECK(refused([](auto& request) { request.chains = int64_t{1} << 30; }) == kUnsupported);
  CHECK(refused([](auto& request) { request.steps = int64_t{1} << 40; }) == kInvalidArgument);
}

}  // namespace gpu_node::test
