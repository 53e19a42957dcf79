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

Accumulator arg_accumulator(ir::Code code, ir::TieBreak tie_break) {
  const bool high = tie_break == ir::TieBreak::kHigh;
  if (code == ir::Code::kArgmax) return high ? Accumulator::kArgMaxHigh : Accumulator::kArgMax;
  return high ? Accumulator::kArgMinHigh : Accumulator::kArgMin;
}

}  // namespace gpu_node::kernels
