#include "gpu/device.h"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace gpu_node::test {
namespace {

std::unique_ptr<vulkan::Device> g_device;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}

void must(const Result<void>& result) {
  if (!result.ok()) FAIL(result.error().message);
}

int add_driver(dl_phdr_info* library, size_t, void* paths) {
  const std::string path = library->dlpi_name;
  if (path.find("libvulkan_") != std::string::npos) static_cast<std::vector<std::string>*>(paths)->push_back(path);
  return 0;
}

// Keeps the driver's library in the process when the last instance goes: what it holds in statics would count as
// leaked, and LeakSanitizer can neither name nor suppress what lies in a library that is gone.
void keep_driver_loaded() {
  std::vector<std::string> paths;
  ::dl_iterate_phdr(add_driver, &paths);
  for (const std::string& path : paths)
    static_cast<void>(::dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE));
}

}  // namespace

vulkan::DeviceOptions device_options() {
  vulkan::DeviceOptions options;
  const char* selector = std::getenv("GPU_NODE_TEST_DEVICE");
  options.selector = selector == nullptr ? "" : selector;
  options.validation = std::getenv("GPU_NODE_TEST_WITHOUT_VALIDATION") == nullptr;
  return options;
}

vulkan::Device& device() {
  if (g_device == nullptr) {
    auto opened = vulkan::Device::create(device_options());
    if (!opened.ok()) {
      std::fprintf(stderr, "no device to test on: %s\n", opened.error().message.c_str());
      std::exit(69);
    }
    g_device = std::move(opened).value();
    keep_driver_loaded();
  }
  return *g_device;
}

void close_device() { g_device.reset(); }

void finish(vulkan::Device& device) {
  const uint64_t value = must(device.recorder().submit());
  must(device.recorder().wait(value, Deadline::after_ms(60'000)));
}

vulkan::BufferRef upload(vulkan::Device& device, std::span<const std::byte> bytes) {
  vulkan::BufferRef buffer = must(device.pool().allocate(bytes.size(), vulkan::BufferUse::kDevice, true));
  if (buffer->mapped() != nullptr) {
    if (!bytes.empty()) std::memcpy(buffer->mapped(), bytes.data(), bytes.size());
    return buffer;
  }
  const vulkan::BufferRef staging = must(device.pool().allocate(bytes.size(), vulkan::BufferUse::kUpload, true));
  if (!bytes.empty()) {
    std::memcpy(staging->mapped(), bytes.data(), bytes.size());
    must(device.recorder().copy(staging, 0, buffer, 0, bytes.size()));
    finish(device);
  }
  return buffer;
}

std::vector<std::byte> download(vulkan::Device& device, const vulkan::BufferRef& buffer, uint64_t size_bytes) {
  if (size_bytes == 0) return {};
  vulkan::BufferRef readable = buffer;
  if (buffer->mapped() == nullptr) {
    readable = must(device.pool().allocate(size_bytes, vulkan::BufferUse::kDownload));
    must(device.recorder().copy(buffer, 0, readable, 0, size_bytes));
  }
  must(device.recorder().make_host_visible());
  finish(device);
  return {readable->mapped(), readable->mapped() + size_bytes};
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "gpu_node_test.XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace gpu_node::test
