#include "fuse/numbers.h"

#include <optional>

#include "kernels/literal.h"

namespace gpu_node::fuse {
namespace {

// The type of the other of two operands, where it is a tensor.
std::optional<Dtype> other_type(const ir::Instruction& instruction, size_t k, const Graph& graph) {
  if (instruction.operands.size() != 2) return std::nullopt;
  const auto* name = std::get_if<ir::ValueName>(&instruction.operands[1 - k]);
  return name == nullptr ? std::nullopt : std::optional(graph.value(*name).type->dtype);
}

}  // namespace

Scalar literal_of(const ir::Instruction& instruction, size_t k, const Graph& graph) {
  return kernels::literal_operand(*instruction.op, k, std::get<Scalar>(instruction.operands[k]),
                                  instruction.results[0].type.dtype, other_type(instruction, k, graph));
}

uint32_t Numbers::source(const Scalar& value, uint32_t next) {
  const Number one{value.dtype, scalar::compute_bits(value)};
  for (const auto& [number, source] : known_)
    if (number == one) return source;
  known_.emplace_back(one, next);
  return next;
}

}  // namespace gpu_node::fuse
