// Tensors that several BEAM nodes know: attach, release with its grace, and who pays.
#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "gpu/device.h"
#include "gpu/service_client.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::test {
namespace {

constexpr int64_t kMebi = 1 << 20;

struct Two {
  explicit Two(int64_t grace_ms = 60'000, int64_t quota_bytes = -1, const vulkan::DeviceOptions* device = nullptr)
      : service(make_service({}, device)) {
    REQUIRE(a.open(30'000, quota_bytes, grace_ms).ok());
    REQUIRE(b.open(30'000, -1, grace_ms).ok());
  }
  int64_t kept_bytes() { return a.stats().numbers["memory.kept_bytes"]; }

  std::unique_ptr<service::Service> service;
  Client a{*service, std::make_shared<Peer>("a@test")};
  Client b{*service, std::make_shared<Peer>("b@test")};
};

const std::vector<float> kValues = {5, 6};

Commands make_two(int64_t id) { return Commands().alloc(id, "f32", {2}, std::as_bytes(std::span(kValues))); }

int64_t of_session(Client& client, const std::string& what) {
  auto numbers = client.stats().numbers;
  for (int64_t i = 0; i < numbers["sessions"]; ++i) {
    const std::string at = "sessions." + std::to_string(i) + ".";
    if (static_cast<uint64_t>(numbers[at + "session"]) == client.session) return numbers[at + what];
  }
  return -1;
}

}  // namespace

TEST_CASE("service: an attached tensor is the same one, and lives until the last of its names goes") {
  Two two;
  const int64_t baseline = two.a.live_bytes();
  two.a.run(make_two(1));
  REQUIRE(two.a.sync().ok());
  CHECK(two.b.attach(7, two.a, 1).ok());
  CHECK(two.b.floats(7) == kValues);
  CHECK(of_session(two.a, "bytes") == 8);
  CHECK(of_session(two.b, "bytes") == 0);
  CHECK(of_session(two.b, "attached_bytes") == 8);
  two.a.run(Commands().free({1}));
  REQUIRE(two.a.sync().ok());
  CHECK(two.a.download(1).ok());  // b has it still
  CHECK(two.b.floats(7) == kValues);
  CHECK(of_session(two.a, "bytes") == 8);
  two.b.run(Commands().op("add", 8, "f32", {2}, {7, 7}).free({7}));
  CHECK(two.b.floats(8) == std::vector<float>{10, 12});
  CHECK(of_session(two.b, "attached_bytes") == 0);
  two.b.run(Commands().free({8}));
  CHECK(eventually([&] { return two.a.live_bytes() == baseline; }));
  CHECK(two.a.download(1).code == "not_found");
}

TEST_CASE("service: what cannot be attached, and why") {
  Two two;
  CHECK(two.b.attach(1, two.a, 1).code == "not_found");
  two.a.run(make_two(1).free({1}));
  const Reply freed = two.b.attach(1, two.a, 1);
  CHECK(freed.code == "not_found");
  CHECK(freed.message.find("was freed by a@test") != std::string::npos);
  two.a.run(Commands().op("add", 2, "f32", {3}, {1, 1}));
  REQUIRE(two.a.sync().ok());
  CHECK(two.b.attach(2, two.a, 2).ok());
  CHECK(two.b.download(2).code == two.a.download(2).code);
  REQUIRE(two.a.upload_open(3, "u8", {10}).ok());
  const Reply incomplete = two.b.attach(3, two.a, 3);
  CHECK(incomplete.code == "invalid_argument");
  CHECK(incomplete.message.find("misses 10 uploaded bytes") != std::string::npos);
  two.a.run(make_two(4));
  REQUIRE(two.a.sync().ok());
  CHECK(two.b.attach(4, two.a, 4).ok());
  CHECK(two.b.attach(4, two.a, 4).code == "invalid_argument");
  CHECK(two.a.attach(5, two.a, 4).ok());
  CHECK(two.a.floats(5) == kValues);
  two.service->on_link_down(two.a.peer());
  CHECK(two.b.floats(4) == kValues);
  CHECK(two.b.attach(6, two.a, 4).ok());  // by b's own name of it
  two.b.run(Commands().free({4, 6}));
  CHECK(two.b.attach(8, two.a, 4).code == "stale");
  Client other_process(*two.service, two.b.peer(), 9);
  other_process.session = two.a.session ^ (uint64_t{1} << 50);
  CHECK(two.b.attach(9, other_process, 1).code == "stale");
}

TEST_CASE("service: a released tensor can be attached during its grace, and by nobody afterwards") {
  Two two(200);
  const int64_t baseline = two.a.live_bytes();
  two.a.run(make_two(1).alloc(2, "u8", {kMebi}).op("add", 3, "f32", {3}, {99, 99}).release({1, 2, 3, 98}));
  REQUIRE(two.a.sync().ok());
  CHECK(two.kept_bytes() == kMebi + 8);
  CHECK(of_session(two.a, "tensors") == 0);
  CHECK(two.a.stats().numbers["counters.unknown_frees"] == 1);
  CHECK(two.a.floats(1) == kValues);  // a handle that came back
  CHECK(two.b.attach(1, two.a, 1).ok());
  CHECK(two.b.attach(3, two.a, 3).ok());
  CHECK(two.b.download(3).code == "not_found");
  CHECK(eventually([&] { return two.kept_bytes() == 0; }, 5000));
  CHECK(two.b.floats(1) == kValues);
  two.b.run(Commands().release({1}));  // found by its first name
  CHECK(two.b.attach(11, two.a, 1).ok());
  two.b.run(Commands().free({11}));
  CHECK(two.b.attach(2, two.a, 2).code == "not_found");
  two.b.run(Commands().free({3}));
  CHECK(eventually([&] { return two.a.live_bytes() == baseline; }));
  CHECK(two.a.stats().numbers["counters.kept_given_up"] == 0);
}

TEST_CASE("service: release is free where no other node could have been sent the tensor") {
  Two two;
  const int64_t baseline = two.a.live_bytes();
  two.service->on_link_down(two.b.peer());
  two.a.run(make_two(1).release({1}));
  CHECK(eventually([&] { return two.a.live_bytes() == baseline; }));
  CHECK(two.kept_bytes() == 0);
  Client same_node(*two.service, two.a.peer(), 2);
  REQUIRE(same_node.open().ok());
  two.a.run(make_two(2).release({2}));
  CHECK(eventually([&] { return two.a.live_bytes() == baseline; }));
}

TEST_CASE("service: a session's kept tensors go with it, and a freed one at once") {
  Two two;
  const int64_t baseline = two.b.live_bytes();
  two.a.run(make_two(1).alloc(2, "u8", {kMebi}).release({1, 2}).free({2}));
  REQUIRE(two.a.sync().ok());
  CHECK(two.kept_bytes() == 8);
  two.service->on_link_down(two.a.peer());
  CHECK(eventually([&] { return two.b.live_bytes() == baseline; }));
  CHECK(two.b.stats().numbers["memory.kept_bytes"] == 0);
}

TEST_CASE("service: kept tensors are bounded, and stand in nobody's way") {
  vulkan::DeviceOptions options;
  options.memory_limit_bytes = 64 * kMebi;
  Two two(60'000, 20 * kMebi, &options);
  Commands cycles;
  for (int64_t id = 1; id <= 8; ++id) cycles.alloc(id, "u8", {kMebi}).release({id});
  two.a.run(cycles);
  REQUIRE(two.a.sync().ok());
  CHECK(two.kept_bytes() == 4 * kMebi);
  CHECK(two.a.stats().numbers["counters.kept_given_up"] == 4);
  CHECK(two.b.attach(1, two.a, 4).code == "not_found");
  CHECK(two.b.attach(1, two.a, 5).ok());
  two.b.run(Commands().free({1}));
  SUBCASE("of a quota") {
    two.a.run(Commands().alloc(20, "u8", {18 * kMebi}));
    CHECK(two.a.sync({20}).ok());
    CHECK(two.kept_bytes() == 0);
  }
  SUBCASE("of the memory") {
    two.b.run(Commands().alloc(20, "u8", {62 * kMebi}));
    CHECK(two.b.sync({20}).ok());
    CHECK(two.kept_bytes() == 0);
  }
  SUBCASE("what another pays for is kept when a quota is reached") {
    Client small(*two.service, two.b.peer(), 5);
    REQUIRE(small.open(30'000, kMebi).ok());
    small.run(Commands().alloc(1, "u8", {2 * kMebi}));
    CHECK(small.sync({1}).code == "quota");
    CHECK(two.kept_bytes() == 4 * kMebi);
  }
}

TEST_CASE("service: an attached name that is made twice is no longer the tensor that it was attached from") {
  Two two;
  two.a.run(make_two(1));
  REQUIRE(two.a.sync().ok());
  REQUIRE(two.b.attach(7, two.a, 1).ok());
  two.a.run(Commands().free({1}));
  REQUIRE(two.a.sync().ok());
  two.b.run(make_two(7));
  CHECK(two.b.download(7).message.find("made twice") != std::string::npos);
  CHECK(of_session(two.b, "attached_bytes") == 0);
  Client third(*two.service, std::make_shared<Peer>("c@test"));
  REQUIRE(third.open().ok());
  CHECK(third.attach(9, two.a, 1).code == "not_found");  // and not what b did wrong
}

TEST_CASE("service: a read of a tensor that was let go of waits for its kernel, and holds up nobody else") {
  vulkan::DeviceOptions options = device_options();
  options.compile_threads = 1;
  auto opened = vulkan::Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  vulkan::Device& gpu = **opened;
  service::ServiceOptions named;
  named.identity = {"gpu0@test", "gpu0_bulk@test", "0.0.0", 1};
  service::Service service(std::move(opened).value(), std::move(named));
  Client mine(service, std::make_shared<Peer>("a@test")), other(service, std::make_shared<Peer>("b@test"));
  REQUIRE(mine.open(30'000, -1, 60'000).ok());
  REQUIRE(other.open().ok());
  mine.run(Commands().op("iota", 1, "f32", {2, 3}, {}).op("transpose", 2, "f32", {3, 2}, {1}).release({2}));
  REQUIRE(mine.sync({1}).ok());
  // The only compiler: the copy of what is not row-major has no kernel until this ends.
  std::promise<void> end;
  const auto blocked = [ended = end.get_future().share()]() -> Result<vulkan::KernelSource> {
    ended.wait();
    return Error{ErrorCode::kCompileFailed, "for the test"};
  };
  const auto blocks = gpu.kernels().request("test/blocks", blocked);
  const uint64_t read = mine.send_call(mine.download_request(2, 0, -1));
  CHECK(other.sync().ok());
  CHECK_FALSE(mine.await(read, 0).answered);
  end.set_value();
  const Reply got = mine.await(read);
  INFO(got.message);
  CHECK(got.bytes.size() == 24);
}

TEST_CASE("service: 200 tensors that pass from one node to another leave nothing") {
  Two two(50);
  const int64_t baseline = two.a.live_bytes();
  for (int64_t id = 1; id <= 200; ++id) {
    two.a.run(Commands().alloc(id, "u8", {kMebi}));
    REQUIRE(two.a.sync().ok());
    REQUIRE(two.b.attach(id, two.a, id).ok());
    two.a.run(Commands().release({id}));
    two.b.run(Commands().free({id}));
  }
  CHECK(eventually([&] { return two.a.live_bytes() == baseline; }));
  CHECK(two.kept_bytes() == 0);
}

}  // namespace gpu_node::test
