// Elements that only move: as bits of whatever type.
#pragma once

#include <initializer_list>

#include "kernels/box.h"

namespace gpu_node::kernels {

// How an element moves: as |words| numbers of |type|, side by side.
struct Bits {
  Dtype type = Dtype::u32;
  int words = 1;
};

// kUnsupported where the device has no type for elements of |dtype|.
Result<Bits> bits_of(Dtype dtype, const PlanBuilder& plan);

// Lets |box| count words where it counted elements, along a new last axis where an element has several. They are those
// of |places|; what lies in others belongs to all words of an element. kUnsupported where no axis is left.
Result<void> move_bits(Box& box, Bits bits, std::initializer_list<size_t> places, const PlanBuilder& plan);

}  // namespace gpu_node::kernels
