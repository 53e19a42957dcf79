// What an elementwise kernel computes for one element: a list of steps over inputs, in SSA form. One instruction today;
// fusion makes longer lists of the same steps.
#pragma once

#include <cstdint>

#include "base/small_list.h"
#include "ir/op.h"
#include "tensor/dtype.h"

namespace gpu_node::kernels {

struct ScalarProgram {
  struct Step {
    const ir::Op* op = nullptr;
    Dtype type = Dtype::f32;       // of the result
    SmallList<uint8_t, 3> values;  // operands: below inputs.size() an input, then the results of earlier steps
  };
  SmallList<Dtype, 4> inputs;
  SmallList<Step, 2> steps;  // the last one is the result
};

// How a kernel finds its elements.
enum class InputMode : uint8_t {
  kFlat,      // element i of the operand for element i of the result
  kSingle,    // one element for all
  kStrided,   // by coordinates and strides
  kLiteral,   // eight bytes of the push constants
  kRepeated,  // with vectors: by coordinates and strides, one element for all of a vector
};

inline bool is_strided(InputMode mode) { return mode == InputMode::kStrided || mode == InputMode::kRepeated; }

struct Layout {
  static constexpr int kMaxPushRank = 4;

  SmallList<InputMode, 4> inputs;
  int rank = 0;              // of the coordinates; 0: no operand is strided
  bool in_buffer = false;    // rank, sizes and strides lie in a parameter buffer: any rank (|rank| is 0 then)
  bool out_strided = false;  // the result's elements lie at strides too: a part of a larger result

  bool vectors = false;  // four elements per invocation, moved as one: neighbours in the last coordinate

  bool strided() const { return rank > 0 || in_buffer; }
};

}  // namespace gpu_node::kernels
