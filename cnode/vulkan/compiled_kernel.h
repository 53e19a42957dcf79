// A kernel with its pipeline. The pipeline belongs to the kernel cache, so that a forgotten reference to the kernel
// outlives the device without harm.
#pragma once

#include "vulkan/api.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/layout_cache.h"
#include "vulkan/spirv_interface.h"

namespace gpu_node::vulkan {

class CompiledKernel final : public Kernel {
 public:
  CompiledKernel(const ShaderInterface& interface, const KernelTimes& times, VkPipeline pipeline,
                 const KernelLayout& layout)
      : Kernel(interface.buffers, interface.push_bytes, interface.written, times),
        pipeline_(pipeline),
        layout_(layout) {}

  VkPipeline pipeline() const { return pipeline_; }
  const KernelLayout& layout() const { return layout_; }

 private:
  VkPipeline pipeline_;
  KernelLayout layout_;
};

}  // namespace gpu_node::vulkan
