// The device of this folder's tests: opened once, with the validation layer on. GPU_NODE_TEST_DEVICE selects it.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vulkan/buffer_pool.h"
#include "vulkan/device.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::test {

// Ends the process with a message when there is no device: tests that need one cannot be skipped.
vulkan::Device& device();

// What device() is opened with; for tests that open one of their own.
vulkan::DeviceOptions device_options();

// Closes device(). main() calls it last, so that the validation layer can report what was left open.
void close_device();

// Copies |bytes| into a new device buffer, or a buffer's bytes back, through staging where memory is not unified.
// Submits and waits.
vulkan::BufferRef upload(vulkan::Device& device, std::span<const std::byte> bytes);
std::vector<std::byte> download(vulkan::Device& device, const vulkan::BufferRef& buffer, uint64_t size_bytes);

template <typename T>
vulkan::BufferRef upload(vulkan::Device& device, const std::vector<T>& values) {
  return upload(device, std::as_bytes(std::span(values)));
}

template <typename T>
std::vector<T> download_as(vulkan::Device& device, const vulkan::BufferRef& buffer, size_t count) {
  const std::vector<std::byte> bytes = download(device, buffer, count * sizeof(T));
  std::vector<T> values(count);
  if (count != 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Submits what is recorded and waits for it, a minute at most.
void finish(vulkan::Device& device);

// A folder of its own under the system's temporary one, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace gpu_node::test
