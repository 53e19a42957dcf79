// Tensors and bytes that requests about chains name, as buffers. Device thread only.
#pragma once

#include "service/interpreter.h"

namespace gpu_node::service {

struct OperandBuffer {
  vulkan::BufferRef buffer;
  int64_t count = 0;  // of numbers
};

// The numbers of |operand|, row-major and of |dtype|. Errors: as Interpreter::find, kInvalidArgument for another type
// or none at all, kUnsupported for what no kernel can bind.
Result<OperandBuffer> operand_buffer(Interpreter& interpreter, Session& session, const ChainOperand& operand,
                                     Dtype dtype, const std::string& what, const vulkan::DeviceInfo& device);

// That all numbers of |operand| are finite, and above 0 where they are to be |positive|, as far as they came in the
// message. Those of a tensor may not be known yet: whoever makes them answers for them. Error: kInvalidArgument, with
// the first that is not.
Result<void> check_numbers(const ChainOperand& operand, Dtype dtype, bool positive, const std::string& what);

}  // namespace gpu_node::service
