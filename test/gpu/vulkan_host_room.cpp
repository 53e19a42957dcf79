// Devices in the host's memory: what the host allows, and that none counts on what others have.
#include <doctest/doctest.h>

#include "base/host_memory.h"
#include "gpu/device.h"
#include "gpu/host_bytes.h"
#include "made_up_host.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Device;

constexpr uint64_t kMebi = uint64_t{1} << 20;

std::unique_ptr<Device> open_on(const MadeUpHost& host, uint64_t limit = 0) {
  vulkan::DeviceOptions options = device_options();
  options.host_root = host.root();
  options.memory_limit_bytes = limit;
  auto opened = Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

// Tests of memory that is the host's; on a card they say that they have nothing to test.
bool in_host_memory() {
  if (device().info().software) return true;
  MESSAGE("skipped: " << device().info().name << " has memory of its own");
  return false;
}

}  // namespace

TEST_CASE("vulkan host room: the limit is the least of what is asked and what every bound of the host allows") {
  if (!in_host_memory()) return;
  MadeUpHost host;
  host.memory(8192, 7000).group("/pod/gpu").file("/sys/fs/cgroup/pod/gpu/memory.max", "max\n");
  CHECK(open_on(host, 1024 * kMebi)->memory_limit_bytes() == 1024 * kMebi);
  CHECK(open_on(host, 1024 * kMebi)->memory_limit().source == "as it was set");
  CHECK(open_on(host, 9000 * kMebi)->memory_limit_bytes() == (8192 - 512) * kMebi);  // never above the host

  host.file("/sys/fs/cgroup/pod/memory.max", "734003200\n").file("/sys/fs/cgroup/pod/memory.current", "104857600\n");
  const auto gpu = open_on(host);
  CHECK(gpu->memory_limit_bytes() == 700 * kMebi / 8 * 7);
  CHECK(gpu->memory_limit().source == "memory.max of cgroup /pod less 91750400 bytes kept free");
  // 100 MiB of it are others' now.
  CHECK(gpu->memory_limit_now().bytes == 700 * kMebi / 8 * 7 - 100 * kMebi);
  CHECK(gpu->memory_limit_now().source.find("memory.max of cgroup /pod: 734003200 bytes, 104857600 used") == 0);
}

TEST_CASE("vulkan host room: a group of 700 MiB refuses what would be over it, says why, and what lives is intact") {
  if (!in_host_memory()) return;
  MadeUpHost host;
  const uint64_t before = nameless_file_bytes();
  const auto say = [&] {
    const uint64_t used = 100 * kMebi + nameless_file_bytes() - before;
    host.file("/sys/fs/cgroup/gpu/memory.current", std::to_string(used) + "\n");
  };
  host.memory(8192, 7000).group("/gpu").file("/sys/fs/cgroup/gpu/memory.max", "734003200\n");
  say();
  const auto gpu = open_on(host);
  const BufferRef kept = upload(*gpu, std::vector<float>(1 << 18, 3.0f));
  std::vector<BufferRef> held;
  Result<BufferRef> made = kept;
  while ((made = gpu->pool().allocate(32 * kMebi, BufferUse::kDevice)).ok()) {
    held.push_back(*made);
    REQUIRE(held.size() < 30);
    say();
  }
  CHECK(held.size() >= 14);  // of the 512.5 MiB that 100 used and 87.5 kept free leave
  CHECK(held.size() <= 16);
  CHECK(made.error().code == ErrorCode::kOutOfMemory);
  CHECK(made.error().message.find("memory.max of cgroup /gpu: 734003200 bytes") != std::string::npos);
  CHECK(download_as<float>(*gpu, kept, 1 << 18) == std::vector<float>(1 << 18, 3.0f));

  SUBCASE("what it frees is the host's again, and can be had as buffers of another size") {
    held.clear();
    gpu->pool().trim(0);
    say();
    CHECK(nameless_file_bytes() - before < 8 * kMebi);
    CHECK(gpu->pool().allocate(300 * kMebi, BufferUse::kDevice).ok());
  }
  SUBCASE("idle buffers are given back before anything is refused") {
    held.resize(8);
    const auto refused = gpu->pool().allocate(300 * kMebi, BufferUse::kDevice);
    CHECK_FALSE(refused.ok());  // the made-up host does not see what was given back before it is told
    say();
    CHECK(nameless_file_bytes() - before < 280 * kMebi);
    CHECK(gpu->pool().allocate(200 * kMebi, BufferUse::kDevice).ok());
  }
}

TEST_CASE("vulkan host room: two nodes on one host do not add up to more than it has") {
  if (!in_host_memory()) return;
  MadeUpHost host;
  const uint64_t before = nameless_file_bytes();
  constexpr uint64_t kTotal = 1024, kReserve = kTotal / 8;
  const auto used = [&] { return (nameless_file_bytes() - before) / kMebi; };
  const auto say = [&] { host.memory(kTotal, kTotal - std::min(kTotal, used())); };
  say();
  auto one = open_on(host);
  const auto two = open_on(host);
  CHECK(one->memory_limit_bytes() == (kTotal - kReserve) * kMebi);
  CHECK(two->memory_limit_bytes() == (kTotal - kReserve) * kMebi);
  std::vector<BufferRef> of_one, of_two;
  const auto take = [&](Device& gpu, std::vector<BufferRef>& held) {
    const auto made = gpu.pool().allocate(32 * kMebi, BufferUse::kDevice);  // and nobody writes to it
    say();
    if (made.ok()) held.push_back(*made);
    if (!made.ok()) CHECK(made.error().message.find("MemAvailable: 1073741824 bytes") != std::string::npos);
    return made.ok();
  };
  for (bool any = true; any;) {
    any = take(*one, of_one);
    any = take(*two, of_two) || any;
    REQUIRE(of_one.size() + of_two.size() < 100);
  }
  CHECK(used() <= kTotal - kReserve);
  CHECK(used() >= kTotal - kReserve - 64);
  CHECK(of_one.size() > 10);
  CHECK(of_two.size() > 10);
  // What one gives back the other can have.
  of_one.clear();
  one->pool().trim(0);
  say();
  CHECK(take(*two, of_two));
  MESSAGE((of_two.size() * 32) << " MiB in one node, " << used() << " MiB of the host's " << kTotal << " used");
}

TEST_CASE("vulkan host room: what it costs to look") {
  const HostMemory host;
  constexpr int kRounds = 200;
  const Clock::time_point from = Clock::now();
  for (int i = 0; i < kRounds; ++i) REQUIRE_UNARY(!host.look().empty());
  MESSAGE("a look at the host takes " << in_microseconds(Clock::now() - from) / kRounds << " us");
}

}  // namespace gpu_node::test
