// A kernel with its pipeline. The pipeline belongs to the kernel cache, so that a forgotten reference to the kernel
// outlives the device without harm.
#pragma once

#include "vulkan/api.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/layout_cache.h"

namespace gpu_node::vulkan {

class CompiledKernel final : public Kernel {
 public:
  CompiledKernel(uint32_t buffers, uint32_t push_bytes, const KernelTimes& times, VkPipeline pipeline,
                 const KernelLayout& layout)
      : Kernel(buffers, push_bytes, times), pipeline_(pipeline), layout_(layout) {}

  VkPipeline pipeline() const { return pipeline_; }
  const KernelLayout& layout() const { return layout_; }

 private:
  VkPipeline pipeline_;
  KernelLayout layout_;
};

}  // namespace gpu_node::vulkan
