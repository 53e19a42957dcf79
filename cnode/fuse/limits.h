// How much is computed together at most.
#pragma once

#include <cstddef>

#include "ir/program.h"

namespace gpu_node::fuse {

struct Limits {
  size_t weight = 256;   // of a part: what its steps cost, where a plain one costs 1
  size_t epilogue = 64;  // the same of what is computed where a product is stored
  size_t reads = 12;     // tensors that a part reads
  size_t results = 4;    // and writes
  size_t buffers = 17;   // both and one of parameters: what the device binds
};

// What a step costs a compiler and the device, where a plain one costs 1.
size_t weight_of(const ir::Instruction& instruction);

}  // namespace gpu_node::fuse
