// Large buffers on a software device: their pages are taken and given back beside the device thread, and count from the
// beginning.
#include <doctest/doctest.h>

#include "gpu/device.h"
#include "gpu/host_bytes.h"
#include "gpu/service_client.h"
#include "made_up_host.h"
#include "vulkan/reserved_buffers.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Device;
using vulkan::ReservedBuffers;

constexpr uint64_t kMebi = uint64_t{1} << 20;

std::unique_ptr<Device> open_on(const std::string& host_root, uint64_t limit = 0) {
  vulkan::DeviceOptions options = device_options();
  options.host_root = host_root;
  options.memory_limit_bytes = limit;
  auto opened = Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

bool takes_pages() {
  if (device().info().software) return true;
  MESSAGE("skipped: " << device().info().name << " has memory of its own");
  return false;
}

Result<BufferRef> attempt(Device& gpu, ReservedBuffers& reserved, uint64_t mebi) {
  gpu.pool().reserve_in(&reserved);
  auto made = gpu.pool().allocate(mebi * kMebi, BufferUse::kDevice);
  gpu.pool().reserve_in(nullptr);
  return made;
}

uint64_t total_bytes(Device& gpu) { return gpu.counters().live_bytes + gpu.counters().pooled_bytes; }

}  // namespace

TEST_CASE("vulkan large buffers: one that is being made counts at once, and is there for who tries again") {
  if (!takes_pages()) return;
  const auto gpu = open_on("");
  const uint64_t before = nameless_file_bytes();
  ReservedBuffers reserved;
  const auto first = attempt(*gpu, reserved, 512);
  REQUIRE_FALSE(first.ok());
  CHECK(first.error().code == ErrorCode::kBusy);
  REQUIRE(reserved.lacking().valid());
  CHECK(gpu->counters().live_bytes == 512 * kMebi);
  CHECK(reserved.bytes() == 512 * kMebi);
  // Who tries too early finds it as it is; another that is small is had at once.
  if (!reserved.lacking().ready()) CHECK(attempt(*gpu, reserved, 512).error().code == ErrorCode::kBusy);
  CHECK(attempt(*gpu, reserved, 1).ok());
  reserved.clear();
  CHECK_FALSE(reserved.lacking().valid());

  ReservedBuffers again;
  REQUIRE_FALSE(attempt(*gpu, again, 256).ok());
  const vulkan::Pending<void> lacking = again.lacking();
  CHECK(lacking.get().ok());
  gpu->pool().reserve_in(&again);
  const BufferRef one = *gpu->pool().allocate(256 * kMebi, BufferUse::kDevice);
  CHECK_FALSE(again.lacking().valid());
  // What this try was given already is not given twice.
  const auto two = gpu->pool().allocate(256 * kMebi, BufferUse::kDevice);
  gpu->pool().reserve_in(nullptr);
  CHECK_FALSE(two.ok());
  CHECK(nameless_file_bytes() - before >= 256 * kMebi);
  again.clear();
  CHECK(eventually([&] {
    gpu->pool().trim(0);
    return total_bytes(*gpu) == 256 * kMebi;
  }));
}

TEST_CASE("vulkan large buffers: what nobody waits for any more gives back what it has") {
  if (!takes_pages()) return;
  const auto gpu = open_on("");
  const uint64_t before = nameless_file_bytes();
  {
    ReservedBuffers reserved;
    REQUIRE_FALSE(attempt(*gpu, reserved, 1024).ok());
    CHECK(gpu->counters().live_bytes == 1024 * kMebi);
  }
  CHECK(eventually([&] {
    gpu->pool().trim(0);
    return total_bytes(*gpu) == 0;
  }));
  CHECK(nameless_file_bytes() - before < 8 * kMebi);
  // Nor does a device wait for it that is closed.
  ReservedBuffers reserved;
  REQUIRE_FALSE(attempt(*gpu, reserved, 1024).ok());
}

TEST_CASE("vulkan large buffers: a host that has no more room while pages are taken ends it, with what is in the way") {
  if (!takes_pages()) return;
  MadeUpHost host;
  host.memory(8192, 7000);
  const auto gpu = open_on(host.root());
  const uint64_t before = nameless_file_bytes();
  ReservedBuffers reserved;
  REQUIRE(attempt(*gpu, reserved, 1024).error().code == ErrorCode::kBusy);
  host.memory(8192, 800);  // others took it
  const vulkan::Pending<void> lacking = reserved.lacking();
  const Result<void>& taken = lacking.get();
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == ErrorCode::kOutOfMemory);
  const auto second = attempt(*gpu, reserved, 1024);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::kOutOfMemory);
  CHECK(second.error().message.find("MemAvailable: 8589934592 bytes") != std::string::npos);
  CHECK(total_bytes(*gpu) == 0);
  CHECK(nameless_file_bytes() - before < 8 * kMebi);
  // There again, it is had.
  host.memory(8192, 7000);
  reserved.clear();
  CHECK(gpu->pool().allocate(1024 * kMebi, BufferUse::kDevice).ok());
}

TEST_CASE("vulkan large buffers: what is promised to one is not promised to another") {
  if (!takes_pages()) return;
  MadeUpHost host;
  host.memory(8192, 2512);  // 2000 MiB of room, and it never says that they are taken
  const auto gpu = open_on(host.root());
  ReservedBuffers one, other;
  REQUIRE(attempt(*gpu, one, 1536).error().code == ErrorCode::kBusy);
  const auto refused = attempt(*gpu, other, 1800);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kOutOfMemory);
  CHECK(gpu->memory_limit_now().bytes >= 2000 * kMebi);
  CHECK(one.lacking().get().ok());
  CHECK(attempt(*gpu, one, 1536).ok());
}

}  // namespace gpu_node::test
