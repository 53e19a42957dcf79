// A box of elements and the places in which it lies (operands and result): the index space of elementwise work. Boxes
// are merged to as few axes as possible, and cut until what they touch fits a storage binding.
#pragma once

#include <vector>

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

struct Box {
  Axes axes;
  SmallList<Origin, 4> origins;  // of the places that the axes walk, in their order

  Box() = default;
  explicit Box(const Shape& shape) : axes(axes_of(shape)) {}

  // Adds a place, whose shape broadcasts to the box's at the last axis.
  void add(const Place& place) {
    add_place(axes, place.map);
    origins.push_back(place.origin());
  }
  int64_t elements() const { return count_of(axes); }
  Reach reach(size_t place) const { return reach_of(origins[place].offset, axes, place); }
};

// Whether every place of |box| fits the device's storage range, and its count 32 bits. cut() cuts it until that holds;
// it is kUnsupported when that takes more than kMaxBoxes pieces.
inline constexpr size_t kMaxBoxes = 16384;
bool fits(const Box& box, const PlanBuilder& plan);
Result<std::vector<Box>> cut(Box box, const PlanBuilder& plan);

}  // namespace gpu_node::kernels
