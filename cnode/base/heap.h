// The process's heap.
#pragma once

namespace gpu_node {

// Before any other thread. What one thread allocates and others free goes back, whichever of them frees last: mimalloc
// 3.0.1 otherwise gives a full page to the first that frees a block of it, who looks at it no more when the rest is
// freed. MIMALLOC_RECLAIM_ON_FREE in the environment is left as it is.
void prepare_heap();

// Gives what was freed back to the system, as far as the allocator of the process can.
void return_free_heap();

}  // namespace gpu_node
