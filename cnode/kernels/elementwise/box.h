// A box of elements and where they lie in each of several places (operands and result): the index space of elementwise
// work. Boxes are merged to as few dimensions as possible, and cut until what they touch fits a storage binding.
#pragma once

#include <vector>

#include "base/small_list.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {

struct Place {
  int64_t offset = 0;  // of the box's first element, in elements of the storage
  Dims strides;        // per dimension of the box
  int element_bytes = 4;
  Binding::Kind kind = Binding::Kind::kOperand;
  uint32_t index = 0;  // of the operand

  // The first and last element that a box of |dims| touches here.
  int64_t first(const Dims& dims) const;
  int64_t last(const Dims& dims) const;
};

struct Box {
  Dims dims;
  SmallList<Place, 9> places;  // kMaxInputs and the result

  int64_t elements() const { return element_count(dims); }
};

// |map| (which broadcasts to |shape| at the last axis) as a place of a box of |shape|.
Place place_of(const IndexMap& map, const Shape& shape, int element_bytes, Binding::Kind kind, uint32_t index);

// Drops dimensions of 1 and merges neighbours that every place walks as one.
void merge_dims(Box& box);

// A binding of exactly the bytes that |box| touches at |place| (from an aligned offset), and the element at which the
// box starts, counted from the binding's.
struct Bound {
  Binding binding;
  uint32_t offset = 0;
};
Bound bind(const Place& place, const Dims& dims, bool written, const vulkan::DeviceInfo& device);

// Whether every place of |box| fits the device's storage range, and its count 32 bits. cut() cuts it until that holds;
// it is kUnsupported when that takes more than kMaxBoxes pieces; |what| names the work.
inline constexpr size_t kMaxBoxes = 16384;
bool fits(const Box& box, const vulkan::DeviceInfo& device);
Result<std::vector<Box>> cut(Box box, const vulkan::DeviceInfo& device, std::string_view what);

}  // namespace gpu_node::kernels
