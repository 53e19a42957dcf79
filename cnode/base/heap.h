// The process's heap.
#pragma once

namespace gpu_node {

// Gives what was freed back to the system, as far as the allocator of the process can.
void return_free_heap();

}  // namespace gpu_node
