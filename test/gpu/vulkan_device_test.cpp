// Choosing and opening devices, bounded waits, faults on demand.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "vulkan/fault.h"
#include "vulkan/physical_device.h"
#include "vulkan/spirv_module.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Device;
using vulkan::DeviceInfo;
using vulkan::Fault;
using Clock = std::chrono::steady_clock;

// Sets an environment variable for as long as it lives.
class WithEnvironment {
 public:
  WithEnvironment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name); old != nullptr) old_ = old;
    ::setenv(name, value, 1);
  }
  ~WithEnvironment() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

std::unique_ptr<Device> open_with_fault(const char* fault) {
  const WithEnvironment environment("GPU_NODE_FAULT", fault);
  auto opened = Device::create(device_options());
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

DeviceInfo info_of(uint32_t index, const char* name, bool discrete, bool software, const char* unusable = "") {
  DeviceInfo info;
  info.index = index;
  info.name = name;
  info.discrete = discrete;
  info.software = software;
  info.unusable = unusable;
  return info;
}

TEST_CASE("vulkan device: real GPUs come before software, cards before the processor's own") {
  const DeviceInfo software = info_of(0, "llvmpipe (LLVM 19)", false, true);
  const DeviceInfo integrated = info_of(1, "Intel UHD 630", false, false);
  const DeviceInfo old_card = info_of(2, "GeForce 600", true, false, "its driver offers Vulkan 1.1");
  const DeviceInfo card = info_of(3, "NVIDIA H200", true, false);
  const DeviceInfo card2 = info_of(4, "NVIDIA H200 NVL", true, false);
  const std::vector<DeviceInfo> all = {software, integrated, old_card, card, card2};
  const auto choose = [](const std::vector<DeviceInfo>& devices, const char* selector) {
    const auto chosen = vulkan::choose_device(devices, selector);
    return chosen.ok() ? static_cast<int>(*chosen) : -1;
  };
  CHECK(choose(all, "") == 3);
  CHECK(choose({software, integrated, old_card}, "") == 1);
  CHECK(choose({software, old_card}, "") == 0);
  CHECK(choose(all, "0") == 0);
  CHECK(choose(all, "llvm") == 0);
  CHECK(choose(all, "nvidia") == 3);
  CHECK(choose(all, "NVL") == 4);
  CHECK(choose(all, "630") == -1);  // a number is an index
  CHECK(choose({}, "") == -1);
  const auto missing = vulkan::choose_device(all, "radeon");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK(missing.error().message.find("3 \"NVIDIA H200\"") != std::string::npos);
  const auto unusable = vulkan::choose_device(all, "geforce");
  REQUIRE_FALSE(unusable.ok());
  CHECK(unusable.error().code == ErrorCode::kUnsupported);
  CHECK(unusable.error().message.find("Vulkan 1.1") != std::string::npos);
  CHECK_FALSE(vulkan::choose_device({{old_card}}, "").ok());
}

TEST_CASE("vulkan device: what a device says of itself") {
  const auto devices = Device::list();
  REQUIRE(devices.ok());
  REQUIRE_FALSE(devices->empty());
  for (size_t i = 0; i < devices->size(); ++i) CHECK((*devices)[i].index == i);
  const DeviceInfo& info = device().info();
  CHECK_FALSE(info.name.empty());
  CHECK(info.unusable.empty());
  CHECK(info.uuid.size() == 32);
  CHECK(info.api_version >= "1.2");
  CHECK(info.memory_bytes > 0);
  CHECK(info.max_storage_range >= 1 << 27);
  CHECK(info.max_allocation_bytes >= 1 << 30);
  CHECK(info.max_push_bytes >= 128);
  CHECK(info.max_buffers >= 16);
  CHECK(info.subgroup_size >= 1);
  const vulkan::MemoryLimit& limit = device().memory_limit();
  CHECK(limit.bytes > 0);
  CHECK(limit.bytes <= info.memory_bytes / 4 * 3);
  if (!info.unified_memory) CHECK(limit.bytes == info.memory_bytes / 4 * 3);
  CHECK((limit.bytes == info.memory_bytes / 4 * 3) == (limit.source == "three quarters of the device's memory"));
  CHECK(device().memory_limit_now().bytes <= limit.bytes);
  MESSAGE(info.name << ", " << info.driver << ", Vulkan " << info.api_version << ", "
                    << std::string(info.unified_memory ? "unified" : "own") << " memory");
}

TEST_CASE("vulkan device: a host without a driver says what to install") {
  const WithEnvironment old_name("VK_ICD_FILENAMES", "/nonexistent.json");
  const WithEnvironment new_name("VK_DRIVER_FILES", "/nonexistent.json");
  const auto devices = Device::list();
  REQUIRE_FALSE(devices.ok());
  CHECK(devices.error().code == ErrorCode::kNotFound);
  CHECK(devices.error().message.find("mesa-vulkan-drivers") != std::string::npos);
  CHECK_FALSE(Device::create({}).ok());
}

TEST_CASE("vulkan device: a missing validation layer says what to install") {
  if (!device_options().validation) return;
  const WithEnvironment path("VK_LAYER_PATH", "/nonexistent");
  const auto opened = Device::create(device_options());
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::kNotFound);
  CHECK(opened.error().message.find("vulkan-validationlayers") != std::string::npos);
}

TEST_CASE("vulkan timeline: waits end by their deadline") {
  const auto gpu = open_with_fault("hang:2");
  const BufferRef a = *gpu->pool().allocate(256, BufferUse::kDevice);
  REQUIRE(gpu->recorder().fill(a, 0, 256, 0).ok());
  const uint64_t good = *gpu->recorder().submit();
  REQUIRE(gpu->recorder().wait(good, Deadline::after_ms(10'000)).ok());
  CHECK_FALSE(gpu->recorder().in_flight_since().has_value());

  REQUIRE(gpu->recorder().fill(a, 0, 256, 1).ok());
  const auto submitted_at = Clock::now();
  const uint64_t hung = *gpu->recorder().submit();
  const auto since = gpu->recorder().in_flight_since();
  REQUIRE(since.has_value());
  CHECK(*since >= submitted_at);
  const auto from = Clock::now();
  const auto late = gpu->recorder().wait(hung, Deadline::after_ms(200));
  const auto waited = Clock::now() - from;
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ErrorCode::kDeadline);
  CHECK(waited >= std::chrono::milliseconds(199));
  CHECK(waited < std::chrono::seconds(5));
  CHECK(gpu->recorder().completed() == good);
  CHECK(gpu->recorder().in_flight_since() == since);

  const auto never = gpu->recorder().wait(hung + 1, Deadline::never());
  REQUIRE_FALSE(never.ok());
  CHECK(never.error().code == ErrorCode::kInternal);
}

TEST_CASE("vulkan timeline: a watchdog may look on from its own thread") {
  Device& gpu = device();
  const BufferRef a = *gpu.pool().allocate(256, BufferUse::kDevice);
  std::atomic<bool> stop{false};
  std::atomic<bool> orderly{true};
  std::thread watchdog([&] {
    uint64_t last = 0;
    while (!stop) {
      const uint64_t done = gpu.recorder().completed();
      const auto since = gpu.recorder().in_flight_since();
      if (done < last || done > gpu.recorder().submitted() || (since && *since > Clock::now())) orderly = false;
      last = done;
      if (gpu.counters().submits + 1 < done) orderly = false;
    }
  });
  for (int i = 0; i < 300; ++i) {
    REQUIRE_UNARY(gpu.recorder().fill(a, 0, 256, 0).ok());
    REQUIRE_UNARY(gpu.recorder().submit().ok());
    gpu.recorder().collect();
  }
  finish(gpu);
  stop = true;
  watchdog.join();
  CHECK(orderly);
  CHECK(gpu.recorder().completed() == gpu.recorder().submitted());
}

TEST_CASE("vulkan faults: a lost device fails from the Nth submission on, and closes") {
  const auto gpu = open_with_fault("device_lost:3");
  const BufferRef a = *gpu->pool().allocate(256, BufferUse::kDevice);
  for (int i = 1; i <= 5; ++i) {
    CAPTURE(i);
    REQUIRE(gpu->recorder().fill(a, 0, 256, 0).ok());
    const auto submitted = gpu->recorder().submit();
    CHECK(submitted.ok() == (i < 3));
    if (!submitted.ok()) CHECK(submitted.error().code == ErrorCode::kDeviceLost);
    CHECK(gpu->recorder().pending() == 0);
  }
}

TEST_CASE("vulkan faults: the Nth allocation is refused, the next is not") {
  const auto gpu = open_with_fault("out_of_memory:2");
  CHECK(gpu->pool().allocate(64, BufferUse::kDevice).ok());
  const auto refused = gpu->pool().allocate(64, BufferUse::kDevice);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kOutOfMemory);
  CHECK(gpu->pool().allocate(64, BufferUse::kDevice).ok());
}

TEST_CASE("vulkan faults: the variable's spelling") {
  CHECK(vulkan::parse_fault("")->kind == Fault::Kind::kNone);
  CHECK(vulkan::parse_fault("device_lost:7")->kind == Fault::Kind::kDeviceLost);
  CHECK(vulkan::parse_fault("device_lost:7")->at == 7);
  CHECK(vulkan::parse_fault("out_of_memory:1")->kind == Fault::Kind::kOutOfMemory);
  CHECK(vulkan::parse_fault("hang:1")->kind == Fault::Kind::kHang);
  for (const char* wrong : {"hang", "hang:", "hang:0", "hang:x", "hang:1x", "hang:-1", "melt:1", ":1"}) {
    CAPTURE(wrong);
    const auto fault = vulkan::parse_fault(wrong);
    REQUIRE_FALSE(fault.ok());
    CHECK(fault.error().message.find(wrong) != std::string::npos);
  }
  const WithEnvironment environment("GPU_NODE_FAULT", "melt:1");
  CHECK_FALSE(Device::create(device_options()).ok());
}

TEST_CASE("vulkan SPIR-V: what is no module is refused, never read past its end") {
  const vulkan::FloatModes modes{{true, true, true}, {true, true, true}};
  const std::vector<uint32_t> header = {0x07230203, 0x00010500, 0, 10, 0};
  const std::vector<std::vector<uint32_t>> tails = {
      {}, {0}, {0x00020011}, {0xffff0011}, {0x0001000f}, {0x0003000f, 5}, {0x00010016, 0x00000001}};
  CHECK_FALSE(vulkan::add_float_modes({}, modes).ok());
  CHECK_FALSE(vulkan::add_float_modes(std::vector<uint32_t>(5, 7), modes).ok());
  for (const auto& tail : tails) {
    std::vector<uint32_t> words = header;
    words.insert(words.end(), tail.begin(), tail.end());
    CHECK_FALSE(vulkan::add_float_modes(words, modes).ok());
    CHECK_FALSE(vulkan::validate_spirv(words, true).ok());
  }
}

}  // namespace
}  // namespace gpu_node::test
