// The buffer pool: size classes, reuse, deferred frees, limits.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "vulkan/size_class.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Counters;
using vulkan::Device;

std::unique_ptr<Device> open_device(uint64_t memory_limit_bytes = 0, bool validation = true) {
  vulkan::DeviceOptions options = device_options();
  options.memory_limit_bytes = memory_limit_bytes;
  options.validation = options.validation && validation;
  auto opened = Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

TEST_CASE("vulkan pool: size classes hold what is asked and waste at most an eighth") {
  uint32_t last_index = 0;
  uint64_t last_bytes = 0;
  for (uint64_t size = 1; size < uint64_t{1} << 40; size += 1 + size / 97) {
    for (const uint64_t asked : {size, size + 1}) {
      const vulkan::SizeClass found = vulkan::size_class_of(asked);
      const bool fits = found.bytes >= asked && found.bytes % 16 == 0 && found.index < vulkan::kSizeClasses;
      const bool tight = found.bytes - asked < 256 || (found.bytes - asked) * 8 <= asked;
      const bool ordered = found.index >= last_index && found.bytes >= last_bytes &&
                           (found.index == last_index) == (found.bytes == last_bytes || last_bytes == 0);
      const bool itself = vulkan::size_class_of(found.bytes).index == found.index;
      CAPTURE(asked);
      if (!(fits && tight && ordered && itself)) FAIL_CHECK("class " << found.index << " of " << found.bytes);
      last_index = found.index;
      last_bytes = found.bytes;
    }
  }
}

TEST_CASE("vulkan pool: 6000 rounds of allocate and free stay at the high-water mark of one") {
  const auto gpu = open_device();
  const auto round = [&] {
    const BufferRef a = *gpu->pool().allocate(1 << 20, BufferUse::kDevice);
    const BufferRef b = *gpu->pool().allocate(1 << 20, BufferUse::kDevice);
    REQUIRE_UNARY(gpu->recorder().copy(a, 0, b, 0, 1 << 20).ok());
  };
  round();
  const Counters one = gpu->counters();
  for (int i = 1; i < 6000; ++i) {
    round();
    if (i % 500 == 0) finish(*gpu);
  }
  finish(*gpu);
  gpu->recorder().collect();
  const Counters all = gpu->counters();
  CHECK(all.peak_bytes == one.peak_bytes);
  CHECK(all.allocations == one.allocations);
  CHECK(all.buffers_reused == 2 * 5999);
  CHECK(all.live_bytes == 0);
  CHECK(all.pooled_bytes == one.peak_bytes);
  gpu->pool().trim(0);
  CHECK(gpu->counters().pooled_bytes == 0);
}

TEST_CASE("vulkan pool: the host never gets memory that the GPU still uses") {
  const auto gpu = open_device();
  BufferRef buffer = *gpu->pool().allocate(4096, BufferUse::kUpload, true);
  const std::byte* const first = buffer->mapped();
  const BufferRef target = *gpu->pool().allocate(4096, BufferUse::kDevice);
  REQUIRE(gpu->recorder().copy(buffer, 0, target, 0, 4096).ok());
  buffer.reset();  // recorded, not even submitted
  BufferRef for_host = *gpu->pool().allocate(4096, BufferUse::kUpload, true);
  CHECK(for_host->mapped() != first);
  BufferRef for_device = *gpu->pool().allocate(4096, BufferUse::kUpload, false);
  CHECK(for_device->mapped() == first);  // the recorder orders commands, so this needs no wait
  for_device.reset();
  gpu->pool().trim(0);  // must not give back what is recorded
  finish(*gpu);
  for_device = *gpu->pool().allocate(4096, BufferUse::kUpload, true);
  CHECK(for_device->mapped() == first);
}

TEST_CASE("vulkan pool: a buffer freed while recorded commands use it keeps their result right") {
  Device& gpu = device();
  BufferRef sum = upload(gpu, std::vector<float>(64, 0.0f));
  const BufferRef one = upload(gpu, std::vector<float>(64, 1.0f));
  for (int i = 0; i < 200; ++i) {
    const BufferRef next = *gpu.pool().allocate(256, BufferUse::kDevice);  // often the one freed a round ago
    run_add(gpu, sum, one, next, 64);
    sum = next;
    if (i % 50 == 0) REQUIRE(gpu.recorder().submit().ok());
  }
  CHECK(download_as<float>(gpu, sum, 64) == std::vector<float>(64, 200.0f));
}

TEST_CASE("vulkan pool: of freed buffers it prefers one that needs no barrier") {
  const auto gpu = open_device();
  const BufferRef a = upload(*gpu, std::vector<float>(64, 1.0f));
  {
    std::vector<BufferRef> spare;
    for (int i = 0; i < 8; ++i) spare.push_back(*gpu->pool().allocate(256, BufferUse::kDevice));
  }
  const uint64_t before = gpu->counters().barriers;
  for (int i = 0; i < 40; ++i) {
    const BufferRef unused_result = *gpu->pool().allocate(256, BufferUse::kDevice);
    run_add(*gpu, a, a, unused_result, 64);
  }
  CHECK(gpu->counters().barriers - before <= 10);
  CHECK(gpu->counters().buffers_reused == 40);
  finish(*gpu);
}

TEST_CASE("vulkan pool: over the limit is out_of_memory with the numbers, and earlier buffers stay") {
  const auto gpu = open_device(8 << 20);
  CHECK(gpu->memory_limit_bytes() == 8 << 20);
  std::vector<BufferRef> held;
  for (int i = 0; i < 7; ++i) held.push_back(*gpu->pool().allocate(1 << 20, BufferUse::kDevice));
  held.push_back(upload(*gpu, std::vector<float>(1 << 18, 3.0f)));
  const auto refused = gpu->pool().allocate(1 << 20, BufferUse::kDevice);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kOutOfMemory);
  for (const char* part : {"1048576", "8388608", gpu->info().name.c_str(), "limit"})
    CHECK(refused.error().message.find(part) != std::string::npos);
  CHECK_FALSE(gpu->pool().allocate(9 << 20, BufferUse::kDevice).ok());
  CHECK(download_as<float>(*gpu, held.back(), 1 << 18) == std::vector<float>(1 << 18, 3.0f));

  SUBCASE("pooled buffers of other sizes make room") {
    held.clear();
    CHECK(gpu->pool().allocate(8 << 20, BufferUse::kDevice).ok());
    CHECK(gpu->counters().peak_bytes <= 8 << 20);
  }
  SUBCASE("buffers of recorded commands make room once the GPU is done") {
    REQUIRE(gpu->recorder().copy(held[0], 0, held[1], 0, 1 << 20).ok());
    held.resize(2);
    held.clear();
    const auto large = gpu->pool().allocate(8 << 20, BufferUse::kDevice);
    CHECK(large.ok());
    CHECK(gpu->recorder().pending() == 0);
  }
}

TEST_CASE("vulkan pool: above the device's largest allocation is unsupported") {
  Device& gpu = device();
  const uint64_t too_large = gpu.info().max_allocation_bytes + 1;
  const auto refused = gpu.pool().allocate(too_large, BufferUse::kDevice);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
  CHECK(refused.error().message.find(std::to_string(gpu.info().max_allocation_bytes)) != std::string::npos);
  CHECK(gpu.pool().allocate(0, BufferUse::kDevice).ok());
}

TEST_CASE("vulkan pool: unified memory is mapped, staging always") {
  Device& gpu = device();
  CHECK(((*gpu.pool().allocate(64, BufferUse::kDevice))->mapped() != nullptr) == gpu.info().unified_memory);
  CHECK((*gpu.pool().allocate(64, BufferUse::kUpload))->mapped() != nullptr);
  CHECK((*gpu.pool().allocate(64, BufferUse::kDownload))->mapped() != nullptr);
}

TEST_CASE("vulkan pool: refs dropped by many threads all come back") {
  const auto gpu = open_device();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<BufferRef>> shares(4);
    for (int i = 0; i < 400; ++i) shares[i % 4].push_back(*gpu->pool().allocate(64 + i, BufferUse::kDevice));
    std::vector<std::thread> threads;
    for (auto& share : shares) threads.emplace_back([held = std::move(share)]() mutable { held.clear(); });
    // Meanwhile the device thread goes on allocating.
    for (int i = 0; i < 100; ++i) REQUIRE_UNARY(gpu->pool().allocate(128, BufferUse::kDevice).ok());
    for (std::thread& thread : threads) thread.join();
  }
  gpu->recorder().collect();
  CHECK(gpu->counters().live_bytes == 0);
  CHECK(gpu->counters().peak_bytes < 1 << 20);
}

TEST_CASE("vulkan pool: a ref may outlive its device") {
  auto gpu = open_device();
  BufferRef survivor = *gpu->pool().allocate(1024, BufferUse::kUpload, true);
  gpu.reset();
  CHECK(survivor->mapped() == nullptr);
  CHECK(survivor->size_bytes() == 1024);
  survivor.reset();
}

TEST_CASE("vulkan pool: the cost of a warm allocation") {
  const auto gpu = open_device(0, false);
  const auto measure = [&](bool host_write) {
    constexpr int kRounds = 200'000;
    const auto from = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) REQUIRE_UNARY(gpu->pool().allocate(64, BufferUse::kDevice, host_write).ok());
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - from).count() / kRounds;
  };
  measure(false);
  MESSAGE("allocating and freeing a small buffer takes " << measure(false) << " ns, for the host " << measure(true)
                                                         << " ns");
  CHECK(gpu->counters().allocations <= 1);
}

}  // namespace
}  // namespace gpu_node::test
