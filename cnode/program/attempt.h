// A try to do a piece of work without waiting: where it fails because something is being made, the work is tried again
// when that is there. Device thread.
#pragma once

#include "vulkan/kernel_cache.h"
#include "vulkan/reserved_buffers.h"

namespace gpu_node::program {

struct Attempt {
  vulkan::ReservedBuffers buffers;
  // What the last try failed for the lack of; not valid where it did not.
  vulkan::KernelCache::Pending kernel;

  bool lacks() const { return kernel.valid() || buffers.lacking().valid(); }
};

}  // namespace gpu_node::program
