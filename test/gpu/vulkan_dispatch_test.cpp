// Dispatching kernels: results, hazards, ranges.
#include <doctest/doctest.h>

#include <array>
#include <chrono>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRange;
using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Counters;
using vulkan::Device;

TEST_CASE("vulkan dispatch: a kernel adds two buffers") {
  Device& gpu = device();
  std::vector<float> left(1000);
  std::vector<float> right(1000);
  for (size_t i = 0; i < left.size(); ++i) {
    left[i] = static_cast<float>(i);
    right[i] = 0.25f;
  }
  const BufferRef a = upload(gpu, left);
  const BufferRef b = upload(gpu, right);
  const BufferRef sum = *gpu.pool().allocate(4000, BufferUse::kDevice);
  run_add(gpu, a, b, sum, 1000);
  const auto values = download_as<float>(gpu, sum, 1000);
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == left[i] + right[i]);
}

}  // namespace
}  // namespace gpu_node::test
