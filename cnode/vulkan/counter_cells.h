// The cells behind Counters. Cells of one writing thread use bump(), which costs no locked instruction.
#pragma once

#include <atomic>
#include <cstdint>

namespace gpu_node::vulkan {

using CounterCell = std::atomic<uint64_t>;

// REQUIRES: only one thread ever writes |cell|.
inline void bump(CounterCell& cell, uint64_t by = 1) {
  cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

struct CounterCells {
  CounterCell submits{0}, dispatches{0}, barriers{0}, copies{0};              // device thread
  CounterCell allocations{0}, buffers_reused{0}, peak_bytes{0};               // device thread
  CounterCell shader_compiles{0}, spirv_cache_hits{0}, pipelines_created{0};  // compile threads
};

}  // namespace gpu_node::vulkan
