// Which kernel serves a box of elementwise work: flat, strided, by vectors.
#pragma once

#include "kernels/box.h"
#include "kernels/elementwise/emit.h"

namespace gpu_node::kernels {

// An input's place in the box, -1 for a number; whether nothing is read there, but its index is the value. The last
// places of a box are the results of its block.
struct InputPlace {
  int at = -1;
  bool counted = false;
};
using InputPlaces = SmallList<InputPlace, 4>;
using Bounds = SmallList<Bound, 4>;  // by place of a box

Layout choose_layout(const scalar::Block& block, const Box& box, const InputPlaces& inputs);

// Whether an invocation may compute four neighbours that it moves as one: |box| is large, |block| costs less than its
// memory on |device|, and all rows start and end at multiples of four. REQUIRES merged axes.
bool takes_vectors(const scalar::Block& block, const Box& box, const Bounds& bounds, const InputPlaces& inputs,
                   const vulkan::DeviceInfo& device);

// Makes |layout| one of vectors: |box| and |bounds| then count in units of four where the layout moves four.
void make_vectors(Layout& layout, Box& box, Bounds& bounds, const InputPlaces& inputs);

// How many elements, or vectors, of |box| an invocation computes.
uint32_t turns_of(const scalar::Block& block, const Layout& layout, const Box& box, const vulkan::DeviceInfo& device);

// How many elements at the end of a large row are to be cut off, so that the rest takes vectors.
int64_t vector_tail(const scalar::Block& block, const Box& box, const InputPlaces& inputs,
                    const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
