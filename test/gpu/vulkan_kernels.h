// Small kernels that the tests of vulkan/ dispatch.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "gpu/device.h"

namespace gpu_node::test {

// out[i] = a[i] + b[i] for i < count, f32.
inline constexpr char kAddGlsl[] = R"(#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push { uint count; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < count) result[i] = a[i] + b[i];
}
)";

// Waits at most a minute for the kernel of |key|.
inline const vulkan::Kernel& kernel(vulkan::Device& device, std::string_view key, std::string glsl, uint32_t buffers,
                                    uint32_t push_bytes) {
  const vulkan::KernelCache::Pending pending = device.kernels().request(
      key, [=]() -> Result<vulkan::KernelSource> { return vulkan::KernelSource{glsl, buffers, push_bytes}; });
  REQUIRE(pending.wait_for(std::chrono::minutes(1)));
  const auto& outcome = pending.get();
  if (!outcome.ok()) FAIL(outcome.error().message);
  return **outcome;
}

// Records out = a + b over |count| floats.
inline void run_add(vulkan::Device& device, const vulkan::BufferRef& a, const vulkan::BufferRef& b,
                    const vulkan::BufferRef& out, uint32_t count) {
  const uint64_t bytes = uint64_t{count} * sizeof(float);
  const vulkan::BufferRange ranges[] = {{&a, 0, bytes}, {&b, 0, bytes}, {&out, 0, bytes, true}};
  const auto recorded = device.recorder().dispatch(kernel(device, "test/add", kAddGlsl, 3, 4), ranges,
                                                   std::as_bytes(std::span(&count, 1)), {{(count + 63) / 64, 1, 1}});
  if (!recorded.ok()) FAIL(recorded.error().message);
}

}  // namespace gpu_node::test
