// What a card's budget leaves.
#include "vulkan/heap_budget.h"

#include <doctest/doctest.h>

namespace gpu_node::vulkan {

TEST_CASE("heap budget: what is left is the budget less what is used, and what lies in no buffer") {
  CHECK(HeapBudget{1000, 300, 0}.room_bytes() == 700);
  CHECK(HeapBudget{1000, 300, 50}.room_bytes() == 750);
  // Others took more than they had: what this process has stays, and blocks can be used up.
  CHECK(HeapBudget{200, 300, 50}.room_bytes() == 0);
  CHECK(HeapBudget{280, 300, 50}.room_bytes() == 30);
  CHECK(HeapBudget{200, 300, 0}.room_bytes() == 0);
  CHECK(HeapBudget{1000, 300, 50}.text() == "the device's budget for this process: 1000 bytes, 300 used");
}

}  // namespace gpu_node::vulkan
