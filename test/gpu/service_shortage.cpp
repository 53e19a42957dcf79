// Memory that is short: requests wait for what others have begun, as commands do, and an error says once who has it.
#include <doctest/doctest.h>

#include "gpu/device.h"
#include "gpu/service_client.h"

namespace gpu_node::test {
namespace {

constexpr int64_t kMebi = 1 << 20;

// A service whose device may have 256 MiB, and a session of each of two nodes. While mine works, others have 192 MiB at
// most; what is named afterwards leaves them 224.
struct Short {
  Short() {
    REQUIRE(mine.open().ok());
    REQUIRE(other.open().ok());
    mine.run(Commands().alloc(1, "f32", {8 * kMebi}));
    REQUIRE(mine.sync({1}).ok());
  }
  static std::unique_ptr<service::Service> service_of_256() {
    vulkan::DeviceOptions options = device_options();
    options.memory_limit_bytes = 256 * kMebi;
    return make_service({}, &options);
  }

  // A message of mine that is begun when this returns.
  void begin_mine(int64_t id) {
    Commands commands;
    // A card does in tenths of a second what a processor needs a second for 64 of.
    const int count = device().info().software ? 64 : 4000;
    for (int i = 1; i <= count; ++i) commands.op("sin", i == count ? id : -i, "f32", {8 * kMebi}, {i == 1 ? 1 : 1 - i});
    mine.run(commands.free({id}));
    REQUIRE(eventually([&] { return other.live_bytes() >= held + 64 * kMebi; }));
  }

  int64_t held = 32 * kMebi;
  std::unique_ptr<service::Service> service = service_of_256();
  Client mine{*service, std::make_shared<Peer>("a@test")};
  Client other{*service, std::make_shared<Peer>("b@test")};
};

constexpr int64_t kModel = 50, kPosition = 51, kResults = 60, kResultsOfSampler = 12;
constexpr int64_t kChains = 9 * kMebi, kSampledChains = 25 * kMebi / 16;

std::span<const std::byte> bytes_of(const float& number) { return std::as_bytes(std::span(&number, 1)); }

// Results of 144 MiB.
etf::Writer chain_request(const Client& client) {
  etf::Writer writer;
  writer.tuple(6).atom("chain").unsigned_integer(client.session).integer(kModel).map(4);
  writer.atom("position").integer(kPosition).atom("momentum").integer(kPosition);
  writer.atom("inverse_mass").binary(bytes_of(1.0f)).atom("step_size").binary(bytes_of(0.125f));
  writer.list(4);
  for (int64_t i = 0; i < 4; ++i) writer.integer(kResults + i);
  return writer.nil().map(2).atom("steps").integer(1).atom("rows").atom("last");
}

etf::Writer sample_request(const Client& client) {
  etf::Writer writer;
  writer.tuple(5).atom("sample").unsigned_integer(client.session).integer(kModel).list(kResultsOfSampler);
  for (int64_t i = 0; i < kResultsOfSampler; ++i) writer.integer(kResults + i);
  writer.nil().map(7).atom("chains").integer(kSampledChains).atom("warmup").integer(0).atom("draws").integer(1);
  writer.atom("seed").integer(7).atom("step_size").number(0.5).atom("path_length").number(1.0);
  return writer.atom("jitter").number(0.0);
}

Commands free_results() {
  Commands commands;
  for (int64_t i = 0; i < kResultsOfSampler; ++i) commands.free({kResults + i});
  return commands;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos; ++at) ++found;
  return found;
}

}  // namespace

TEST_CASE("service shortage: an upload waits for memory that others are about to free") {
  Short f;
  f.begin_mine(100);
  const Reply opened = f.other.upload_open(1, "u8", {208 * kMebi});
  INFO(opened.message);
  CHECK(opened.ok());
  CHECK(f.mine.sync({1}).ok());
}

TEST_CASE("service shortage: a strided download waits for the memory of its copy") {
  Short f;
  f.other.run(Commands().op("iota", 1, "f32", {5, 5 * kMebi}, {}).op("transpose", 2, "f32", {5 * kMebi, 5}, {1}));
  REQUIRE(f.other.sync({2}).ok());
  f.held += 100 * kMebi;
  f.begin_mine(100);
  const Reply read = f.other.download(2, 0, 8);
  INFO(read.message);
  CHECK(read.ok());
  CHECK(f.mine.sync({1}).ok());
}

TEST_CASE("service shortage: a chain and a sampler wait for the memory of their results") {
  Short f;
  etf::Writer model;
  model.tuple(6).atom("compile_family").unsigned_integer(f.other.session).integer(kModel).atom("normal");
  model.map(2).atom("parameters").map(2);
  model.binary(std::string_view("mu")).number(0.0).binary(std::string_view("sigma")).number(1.0);
  model.atom("dimensions").map(1).binary(std::string_view("d")).integer(1);
  REQUIRE(f.other.call(model.map(1).atom("type").atom("f32")).ok());
  SUBCASE("chain") {
    f.other.run(Commands().alloc(kPosition, "f32", {kChains}));
    REQUIRE(f.other.sync({kPosition}).ok());
    f.held += 4 * kChains;
    f.begin_mine(100);
    const Reply run = f.other.call(chain_request(f.other));
    INFO(run.message);
    CHECK(run.ok());
  }
  SUBCASE("sampler") {
    f.held = f.other.live_bytes();  // the model's numbers as well
    const Reply alone = f.other.call(sample_request(f.other));
    INFO(alone.message);
    REQUIRE(alone.ok());  // it fits by itself
    f.other.run(free_results());
    REQUIRE(eventually([&] { return f.other.live_bytes() == f.held; }));
    f.begin_mine(100);
    const Reply sampled = f.other.call(sample_request(f.other));
    INFO(sampled.message);
    CHECK(sampled.ok());
  }
}

TEST_CASE("service shortage: what cannot fit says once who has the memory, in every reply") {
  Short f;
  const auto check = [](const Reply& refused) {
    INFO(refused.message);
    CHECK(refused.code == "out_of_memory");
    CHECK(count(refused.message, "2 sessions: ") == 1);
    CHECK(count(refused.message, "a@test holds 33554432 bytes") == 1);
  };
  check(f.other.upload_open(1, "u8", {255 * kMebi}));
  f.other.run(Commands().op("iota", 2, "f32", {5, 7 * kMebi}, {}).op("transpose", 3, "f32", {7 * kMebi, 5}, {2}));
  REQUIRE(f.other.sync({3}).ok());
  check(f.other.download(3, 0, 8));
  f.other.run(Commands().op("add", 4, "f32", {5, 7 * kMebi}, {2, 2}).op("add", 5, "f32", {5, 7 * kMebi}, {4, 4}));
  check(f.other.download(4, 0, 8));
  check(f.other.download(5, 0, 8));  // of old
}

}  // namespace gpu_node::test
