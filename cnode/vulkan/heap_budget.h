// What of a card's memory this process may have, as VK_EXT_memory_budget says it.
#pragma once

#include <cstdint>
#include <string>

#include "base/concat.h"

namespace gpu_node::vulkan {

struct HeapBudget {
  uint64_t budget_bytes = 0;  // for this process: less where other processes have more
  uint64_t used_bytes = 0;    // by this process
  uint64_t spare_bytes = 0;   // of those, in no buffer: new ones may lie there

  uint64_t room_bytes() const {
    const uint64_t most = budget_bytes + spare_bytes;
    return most > used_bytes ? most - used_bytes : 0;
  }
  std::string text() const {
    return concat("the device's budget for this process: ", budget_bytes, " bytes, ", used_bytes, " used");
  }
};

}  // namespace gpu_node::vulkan
