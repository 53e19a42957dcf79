// The numbers that a step starts from.
#pragma once

#include <utility>
#include <vector>

#include "fuse/graph.h"
#include "scalar/block.h"

namespace gpu_node::fuse {

// Literal |k| of |instruction| as its op takes it.
Scalar literal_of(const ir::Instruction& instruction, size_t k, const Graph& graph);

// The numbers among the sources of a step, each once.
class Numbers {
 public:
  // The source that |value| is: |next| where it was none, which it is from then on.
  uint32_t source(const Scalar& value, uint32_t next);
  void clear() { known_.clear(); }

 private:
  using Number = std::pair<Dtype, scalar::NumberBits>;
  std::vector<std::pair<Number, uint32_t>> known_;
};

}  // namespace gpu_node::fuse
