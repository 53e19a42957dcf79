// The GLSL of an epilogue: what is computed of each element of a result where a kernel stores it.
//
// The kernel knows an element by its number in row-major order, and by an index for each group of the result's axes: a
// reduction has one group, a product has its batch, its row and its column.
#pragma once

#include <string>

#include "kernels/glsl/shader_builder.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

struct EpilogueCode {
  enum class Read : uint8_t { kTensor, kNumber, kCounter };
  struct Input {
    Read read = Read::kTensor;
    bool flat = false;  // of the element's number; else of the groups' indices
  };
  scalar::Block block;             // its first input is the element
  SmallList<Input, 4> inputs;      // behind the first
  SmallList<bool, 4> flat_result;  // by result of the block
  SmallList<uint32_t, 3> ranks;    // by group: axes after merging, of what is not flat

  // Places: the inputs that are no numbers, then the results.
  uint32_t places() const;
  uint32_t number_words() const;

  // The parameters: words of the numbers, offsets of the places, then by group and axis its size and the stride of each
  // place that is not flat.
  uint32_t words() const;

  // Its part of a kernel's key.
  std::string text() const;
  // The next bindings: the tensors, the results.
  void declare_buffers(ShaderBuilder& shader) const;
  // `void finish(uint element, uint g0 ..., T value)`, |value| not yet rounded. Its parameters are those from |first|
  // on of the kernel's |words|.
  void declare(ShaderBuilder& shader, uint32_t first, uint32_t words) const;
  // Whether it is so little that it may be written out for many elements.
  bool is_light() const;

 private:
  bool is_flat(uint32_t place) const;
  uint32_t strided() const;
};

}  // namespace gpu_node::kernels
