#include "fuse/limits.h"

#include "scalar/op_code.h"

namespace gpu_node::fuse {

size_t weight_of(const ir::Instruction& instruction) {
  const Dtype type = instruction.results[0].type.dtype;
  if (scalar::is_function(*instruction.op, type) || scalar::is_heavy(*instruction.op, type)) return 16;
  return instruction.op->code == ir::Code::kDivide || is_complex(type) ? 4 : 1;
}

}  // namespace gpu_node::fuse
