#include "fuse/numbers.h"

#include "kernels/literal.h"

namespace gpu_node::fuse {
Scalar literal_of(const ir::Instruction& instruction, size_t k, const Graph& graph) {
  return kernels::literal_operand(instruction, k, [&](ir::ValueName name) { return graph.value(name).type->dtype; });
}

uint32_t Numbers::source(const Scalar& value, uint32_t next) {
  const Number one{value.dtype, scalar::compute_bits(value)};
  for (const auto& [number, source] : known_)
    if (number == one) return source;
  known_.emplace_back(one, next);
  return next;
}

}  // namespace gpu_node::fuse
