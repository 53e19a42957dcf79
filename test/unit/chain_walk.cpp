// How rounds of chains are cut: every chain runs every round and piece once and in order, however large the parts are;
// what one invocation loops for, on drivers that end loops and on others.
#include <doctest/doctest.h>

#include <map>

#include "chain/family.h"
#include "chain/walk.h"
#include "source_folder.h"

namespace gpu_node {
namespace {

using chain::Mapping;
using chain::Part;
using chain::Walk;

chain::Rounds rounds_of(size_t pieces, uint64_t most_in_one) {
  chain::Rounds rounds;
  rounds.pieces.resize(pieces);
  rounds.most_in_one = most_in_one;
  return rounds;
}

// Walks to the end; the number of parts.
size_t check_walk(Walk walk, size_t pieces, uint64_t chains, uint64_t rounds, double units, uint64_t most_chains) {
  std::map<uint64_t, uint64_t> steps;  // of each chain: pieces of rounds that it is through
  walk.begin(chains, 1, rounds);
  size_t parts = 0;
  for (; !walk.done(); ++parts) {
    const uint64_t first = walk.chain();
    const Part part = walk.next(units, most_chains);
    REQUIRE(part.chains > 0);
    REQUIRE(part.chains <= most_chains);
    REQUIRE(part.count > 0);
    CHECK(part.first == first);
    CHECK(part.units > 0);
    if (pieces > 1) CHECK(part.count == 1);
    for (uint64_t chain = part.first; chain < part.first + part.chains; ++chain) {
      CHECK(steps[chain] == (part.round - 1) * pieces + part.piece);
      steps[chain] += part.count * (pieces > 1 ? 1 : pieces);
    }
  }
  CHECK(steps.size() == chains);
  for (const auto& [chain, count] : steps) CHECK(count == rounds * pieces);
  return parts;
}

chain::Launch launch_of(int64_t d, uint64_t max_loops, bool software) {
  const auto family = chain::load_family(test::source_folder() + "/specs/families/normal.json");
  REQUIRE(family.ok());
  const auto binding = chain::bind(family->program, {.dimensions = {{"d", d}}});
  REQUIRE(binding.ok());
  vulkan::DeviceInfo info;
  info.software = software;
  info.max_loop_iterations = max_loops;
  info.max_workgroup_invocations = 1024;
  auto launch = chain::plan_launch(family->program, chain::make_schedule(family->program), *binding, info);
  REQUIRE(launch.ok());
  return std::move(launch).value();
}

}  // namespace

TEST_CASE("chain walk: parts of any size take every chain through every round once") {
  for (const size_t pieces : {1, 3})
    for (const uint64_t per_group : {1, 32})
      for (const uint64_t chains : {1, 31, 100, 1000})
        for (const uint64_t rounds : {1, 2, 17})
          for (const double units : {1e-9, 50.0, 3000.0, 1e12}) {
            const Walk walk(rounds_of(pieces, pieces > 1 ? 1 : 5), {.units = 10, .at_once = 16, .enough = 64},
                            per_group);
            check_walk(walk, pieces, chains, rounds, units, chains);
            check_walk(walk, pieces, chains, rounds, units, 32);
          }
}

TEST_CASE("chain walk: a part has about the work that is asked for, and many rounds rather than many chains") {
  const chain::RoundCost cost = {.units = 10, .at_once = 16, .enough = 64};
  Walk walk(rounds_of(1, 1000), cost, 32);
  walk.begin(100'000, 0, 100);
  CHECK(walk.units() == 100'000 * 100 * 10.0);
  Part part = walk.next(64 * 100 * 10, 100'000);
  CHECK(part.chains == 64);
  CHECK(part.count == 100);
  CHECK(part.units == 64 * 100 * 10);
  walk.begin(100'000, 0, 100);
  part = walk.next(64 * 10 * 10, 100'000);
  CHECK(part.chains == 64);
  CHECK(part.count == 10);
  part = walk.next(640 * 10 * 10, 100'000);  // all go through the same rounds before any goes on
  CHECK(part.first == 64);
  CHECK(part.chains == 640);
  CHECK(part.count == 10);
  // Never less than a group; chains that take no longer than one cost as much.
  part = walk.next(1, 100'000);
  CHECK(part.chains == 32);
  walk.begin(1, 0, 1000);
  part = walk.next(16 * 10 * 10, 1);
  CHECK(part.count == 10);
  CHECK(part.units == 16 * 10 * 10);
}

TEST_CASE("chain walk: rounds of a dispatch are bounded by loops only where the driver ends them") {
  const auto in_one = [](const chain::Launch& launch) {
    const auto family = chain::load_family(test::source_folder() + "/specs/families/normal.json");
    const auto rounds = chain::plan_rounds(chain::make_schedule(family->program), launch, Mapping::kThread);
    REQUIRE(rounds.ok());
    CHECK(rounds->pieces.size() == 1);
    CHECK(rounds->iterations * rounds->most_in_one <= launch.most_iterations);
    return rounds->most_in_one;
  };
  for (const bool software : {true, false}) {
    const chain::Launch old = launch_of(10, 65'535, software), recent = launch_of(10, ~uint64_t{0}, software);
    CHECK(old.most_iterations == chain::kMaxIterations);
    CHECK(in_one(old) < 60'000);
    CHECK(in_one(recent) > 1'000'000);
    for (const uint64_t most : old.most_of_piece) CHECK(most <= chain::kMaxIterations);
    for (const uint64_t most : recent.most_of_piece) CHECK(most <= 2'000'000);
  }
}

}  // namespace gpu_node
