// Chains without end: what a run or a sampler of any number of chains records at a time is bounded, so that others have
// their turn, it can be cancelled, and the device is not taken for hung.
#include <doctest/doctest.h>

#include <cstring>

#include "base/clock.h"
#include "gpu/bystander.h"
#include "gpu/device.h"

namespace gpu_node::test {
namespace {

constexpr int64_t kChains = 10'000'000, kSteps = 200;
constexpr int64_t kModel = 1, kPosition = 2, kMomentum = 3;
constexpr int64_t kResults = 100, kSampled = 12;

std::span<const std::byte> bytes_of(const float& number) { return std::as_bytes(std::span(&number, 1)); }

// A normal of |d| coordinates.
void compile_normal(Client& client, int64_t d = 1, int64_t chains = kChains) {
  etf::Writer writer;
  writer.tuple(6).atom("compile_family").unsigned_integer(client.session).integer(kModel).atom("normal");
  writer.map(2).atom("parameters").map(2);
  writer.binary(std::string_view("mu")).number(0.0).binary(std::string_view("sigma")).number(1.0);
  writer.atom("dimensions").map(1).binary(std::string_view("d")).integer(d);
  writer.map(2).atom("type").atom("f32").atom("chains").integer(chains);
  REQUIRE(client.call(writer).ok());
}

// |count| positions from 0 to 1, and momenta.
void make_start(Client& client, int64_t count) {
  const float scale = 1.0f / static_cast<float>(count);
  client.run(Commands()
                 .op("iota", 10, "f32", {count}, {})
                 .alloc(11, "f32", {1}, bytes_of(scale))
                 .op("multiply", kPosition, "f32", {count}, {10, 11})
                 .op("cos", kMomentum, "f32", {count}, {10})
                 .free({10, 11}));
  REQUIRE(client.sync({kPosition, kMomentum}).ok());
}

// {chain, ...}: |steps| steps, of which the last is kept; of inverse masses 1, or such as the positions.
etf::Writer chain_request(const Client& client, int64_t steps, int64_t results = kResults, int64_t position = kPosition,
                          bool masses = false) {
  etf::Writer writer;
  writer.tuple(6).atom("chain").unsigned_integer(client.session).integer(kModel).map(4);
  writer.atom("position").integer(position).atom("momentum").integer(position + 1);
  writer.atom("inverse_mass");
  if (masses)
    writer.integer(position);
  else
    writer.binary(bytes_of(1.0f));
  writer.atom("step_size").binary(bytes_of(0.125f));
  writer.list(4).integer(results).integer(results + 1).integer(results + 2).integer(results + 3).nil();
  writer.map(3).atom("steps").integer(steps).atom("rows").atom("last").atom("ref").integer(1);
  return writer;
}

// {sample, ...} with paths of two steps, from positions that the sampler chooses.
etf::Writer sample_request(const Client& client, int64_t chains, int64_t draws) {
  etf::Writer writer;
  writer.tuple(5).atom("sample").unsigned_integer(client.session).integer(kModel).list(kSampled);
  for (int64_t i = 0; i < kSampled; ++i) writer.integer(kResults + i);
  writer.nil().map(8).atom("chains").integer(chains).atom("warmup").integer(0).atom("draws").integer(draws);
  writer.atom("seed").integer(7).atom("step_size").number(0.5).atom("path_length").number(1.0);
  writer.atom("jitter").number(0.0).atom("ref").integer(1);
  return writer;
}

bool software() { return device().info().software; }

}  // namespace

TEST_CASE("service chains: ten million chains leave others their turn") {
  Two two(2000);
  compile_normal(two.busy);
  make_start(two.busy, kChains);
  const int64_t before = two.busy.stats().numbers["counters.submits"];
  Reply reply;
  const Waits waits = waits_beside(two, two.busy.send_call(chain_request(two.busy, kSteps)), reply);
  CHECK(reply.message == "");
  check_served(waits);
  // A card does it in a few.
  if (software()) {
    CHECK(two.busy.stats().numbers["counters.submits"] - before > 20);
    CHECK(reply.numbers["dispatches"] > 20);
    CHECK(waits.ms.size() > 3);
  }
  // The same in any company: chains of the same numbers, alone.
  const std::vector<float> all = two.busy.floats(kResults);
  constexpr int64_t kFew = 100;
  for (const int64_t first : {int64_t{0}, kChains / 2 + 7, kChains - kFew}) {
    for (const int64_t id : {kPosition, kMomentum}) {
      const Reply part = two.busy.download(id, static_cast<uint64_t>(first) * sizeof(float), kFew * sizeof(float));
      two.busy.run(Commands().alloc(id + 10, "f32", {kFew}, part.bytes));
    }
    REQUIRE(two.busy.call(chain_request(two.busy, kSteps, 20, kPosition + 10)).ok());
    CHECK(two.busy.floats(20) == std::vector<float>(all.begin() + first, all.begin() + first + kFew));
    two.busy.run(Commands().free({20, 21, 22, 23, kPosition + 10, kMomentum + 10}));
  }
}

TEST_CASE("service chains: a sampler of ten million chains leaves others their turn") {
  Two two(2000);
  compile_normal(two.busy);
  REQUIRE(two.busy.call(sample_request(two.busy, 64, 1)).ok());  // the kernels are compiled
  for (int64_t i = 0; i < kSampled; ++i) two.busy.run(Commands().free({kResults + i}));
  Reply reply;
  const Waits waits = waits_beside(two, two.busy.send_call(sample_request(two.busy, kChains, 1)), reply);
  CHECK(reply.message == "");
  check_served(waits);
}

TEST_CASE("service chains: one chain of millions of coordinates leaves others their turn") {
  constexpr int64_t kCoordinates = 5'000'000;
  Two two(2000);
  compile_normal(two.busy, kCoordinates, 1);
  make_start(two.busy, kCoordinates);
  Reply reply;
  const Waits waits =
      waits_beside(two, two.busy.send_call(chain_request(two.busy, 20, kResults, kPosition, true)), reply);
  CHECK(reply.message == "");
  check_served(waits);
  if (software()) CHECK(reply.numbers["dispatches"] > 2 * 21);  // rounds go in pieces
}

TEST_CASE("service chains: ten million chains are cancelled within a slice, and leave nothing") {
  Two two(2000);
  compile_normal(two.busy);
  make_start(two.busy, kChains);
  const int64_t baseline = two.other.live_bytes();
  const uint64_t tag = two.busy.send_call(chain_request(two.busy, 1'000'000));
  const int64_t submits = two.busy.stats().numbers["counters.submits"];
  CHECK(eventually([&] { return two.busy.stats().numbers["counters.submits"] > submits + 3; }));
  const Clock::time_point began = Clock::now();
  REQUIRE(two.busy.call(etf::Writer().tuple(3).atom("cancel").unsigned_integer(two.busy.session).integer(1)).ok());
  CHECK(two.busy.await(tag).code == "deadline");
  CHECK(eventually([&] { return two.other.live_bytes() == baseline; }));
  const int64_t took_ms = in_milliseconds(Clock::now() - began);
  MESSAGE("cancelled, and its memory given back, within " << took_ms << " ms");
  CHECK(took_ms <= 1000);
}

TEST_CASE("service chains: who is put aside while slices keep the device busy has his turn between them") {
  Two two(2000);
  compile_normal(two.busy);
  constexpr int64_t kMany = 1'000'000, kLarge = 4 << 20;
  make_start(two.busy, kMany);
  const uint64_t tag = two.busy.send_call(chain_request(two.busy, 1'000'000));
  two.other.run(Commands().op("iota", 10, "f32", {kLarge}, {}));
  // Message after message, so that he has something in flight when the next comes.
  for (int64_t id = 10; id < 30; ++id) two.other.run(Commands().op("sin", id + 1, "f32", {kLarge}, {id}).free({id}));
  const Reply last = two.other.download(30, 0, 4);
  CHECK(last.code == "");
  REQUIRE(two.busy.call(etf::Writer().tuple(3).atom("cancel").unsigned_integer(two.busy.session).integer(1)).ok());
  CHECK(two.busy.await(tag).code == "deadline");  // it was not done
}

TEST_CASE("service chains: what a run needs beside its results is paid for, before it is allocated") {
  constexpr int64_t kFew = 100'000, kNumber = 4;
  Two two(2000, kFew * kNumber * 7);
  compile_normal(two.busy);
  make_start(two.busy, kFew);
  const int64_t live = two.other.live_bytes();
  // Two of position and momentum and four of results are 6; the state of a chain has more than one number.
  const Reply run = two.busy.call(chain_request(two.busy, 1));
  CHECK(run.code == "quota");
  const Reply sampler = two.busy.call(sample_request(two.busy, kFew, 1));
  CHECK(sampler.code == "quota");
  CHECK(two.other.live_bytes() == live);
}

}  // namespace gpu_node::test
