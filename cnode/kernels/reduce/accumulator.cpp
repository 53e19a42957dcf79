#include "kernels/reduce/accumulator.h"

namespace gpu_node::kernels {

std::optional<Accumulator> accumulator_of(ir::Code code) {
  switch (code) {
    case ir::Code::kSum:
      return Accumulator::kSum;
    case ir::Code::kProduct:
      return Accumulator::kProduct;
    case ir::Code::kReduceMax:
      return Accumulator::kMax;
    case ir::Code::kReduceMin:
      return Accumulator::kMin;
    case ir::Code::kAll:
      return Accumulator::kAll;
    case ir::Code::kAny:
      return Accumulator::kAny;
    default:
      return std::nullopt;
  }
}

}  // namespace gpu_node::kernels
