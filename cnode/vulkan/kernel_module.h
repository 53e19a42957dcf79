// A shader module on its way to a pipeline.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vulkan/context.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/layout_cache.h"
#include "vulkan/spirv_interface.h"

namespace gpu_node::vulkan {

struct KernelModule {
  std::string hash;  // of what it was compiled from; empty for a client's module
  std::vector<uint32_t> words;
  ShaderInterface interface;
  bool compiled_here = false;
  bool full_subgroups = false;
  KernelTimes times;
};

// The compute pipeline of |module| on |context|'s device. Errors: the driver's.
Result<Handle<VkPipeline>> make_pipeline(Context& context, const KernelModule& module, const KernelLayout& layout,
                                         VkPipelineCache cache);

}  // namespace gpu_node::vulkan
