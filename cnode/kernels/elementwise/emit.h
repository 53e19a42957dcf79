// The emitter of elementwise kernels: a block and a layout become one compute shader.
//
// Buffers: the tensor inputs in order, the results, then the parameter buffer where the layout has one. Push constants:
// see declare_parameters. One invocation computes one element of each result, its number being
// x + y * (invocations in x), or several; the grid may be larger than |count|.
#pragma once

#include <span>
#include <string>

#include "kernels/glsl/shader_builder.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

// How a kernel finds its elements.
enum class InputMode : uint8_t {
  kFlat,            // element i of the operand for element i of the result
  kSingle,          // one element for all
  kStrided,         // by coordinates and strides
  kLiteral,         // a number of the push constants or of the parameter buffer
  kRepeated,        // with vectors: by coordinates and strides, one element for all of a vector
  kCounted,         // the number of the place where kFlat would read
  kCountedStrided,  // the number of the place where kStrided would
};

inline bool is_strided(InputMode mode) {
  return mode == InputMode::kStrided || mode == InputMode::kRepeated || mode == InputMode::kCountedStrided;
}
// Whether it reads a buffer.
inline bool is_read(InputMode mode) { return mode < InputMode::kCounted && mode != InputMode::kLiteral; }

// The words of a number among the parameters: those of its compute type.
uint32_t number_words(Dtype dtype);
// Those of all numbers among the inputs of |block|.
uint32_t number_words(const scalar::Block& block, const SmallList<InputMode, 4>& inputs);

struct Layout {
  static constexpr int kMaxPushRank = 4;

  SmallList<InputMode, 4> inputs;
  int rank = 0;                    // of the coordinates; 0: no operand is strided
  bool in_buffer = false;          // rank, sizes and strides lie in a parameter buffer: any rank (|rank| is 0 then)
  bool numbers_in_buffer = false;  // numbers lie in that buffer, before them
  bool out_strided = false;        // the elements of the results lie at strides too: parts of larger results

  bool vectors = false;  // four elements per invocation, moved as one: neighbours in the last coordinate

  // How many elements an invocation computes, one after the other and a workgroup's width apart, what is the same for
  // all of them once; or how many vectors, all of which it reads first.
  uint32_t turns = 1;

  bool strided() const { return rank > 0 || in_buffer; }
  bool has_buffer() const { return in_buffer || numbers_in_buffer; }
};

// The key of the kernel that emit_elementwise makes, on every device alike: the block's text, each input marked by how
// it is found, and the layout.
std::string elementwise_key(const scalar::Block& block, const Layout& layout);

// REQUIRES: |block| has results.
Result<vulkan::KernelSource> emit_elementwise(const scalar::Block& block, const Layout& layout,
                                              const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
