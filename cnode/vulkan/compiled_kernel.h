// A kernel with its pipeline. REQUIRES: destroyed before the device; who keeps one longer than the kernel cache keeps a
// reference without a pipeline (release()).
#pragma once

#include <utility>

#include "vulkan/handle.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/layout_cache.h"
#include "vulkan/spirv_interface.h"

namespace gpu_node::vulkan {

class CompiledKernel final : public Kernel {
 public:
  CompiledKernel(const ShaderInterface& interface, const KernelTimes& times, Handle<VkPipeline> pipeline,
                 const KernelLayout& layout)
      : Kernel(interface.buffers, interface.push_bytes, interface.written, times),
        pipeline_(std::move(pipeline)),
        layout_(layout) {}

  VkPipeline pipeline() const { return pipeline_.get(); }
  const KernelLayout& layout() const { return layout_; }
  // Destroys the pipeline.
  void release() const { pipeline_ = {}; }

 private:
  mutable Handle<VkPipeline> pipeline_;
  KernelLayout layout_;
};

}  // namespace gpu_node::vulkan
