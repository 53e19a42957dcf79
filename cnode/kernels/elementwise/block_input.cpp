#include "kernels/elementwise/block_input.h"

namespace gpu_node::kernels {

BlockInput block_input(const ir::MapSource& source, std::span<const Arg> operands) {
  if (const auto* number = std::get_if<Scalar>(&source)) return *number;
  if (const auto* counter = std::get_if<ir::Counter>(&source)) return *counter;
  const uint32_t operand = std::get<uint32_t>(source);
  // One that is a number in this run is one of its own type, as a tensor's element is.
  return std::visit([](const auto& one) -> BlockInput { return one; }, source_of(operands[operand], operand));
}

Dtype type_of(const BlockInput& input) {
  if (const auto* counter = std::get_if<ir::Counter>(&input)) return counter->type;
  if (const auto* place = std::get_if<Place>(&input)) return place->dtype;
  return std::get<Scalar>(input).dtype;
}

}  // namespace gpu_node::kernels
