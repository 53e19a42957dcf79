#include "kernels/reduce/accumulator_parts.h"

#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {

Result<AccParts> add_acc_parts(Accumulator accumulator, Dtype element, int64_t parts, int64_t outputs,
                               PlanBuilder& plan) {
  AccParts accs;
  for (const uint32_t bytes : {acc_value_bytes(accumulator, element), acc_extra_bytes(accumulator, element)}) {
    if (bytes == 0) continue;
    GPU_ASSIGN(const uint32_t scratch, plan.add_parts(parts, outputs, bytes));
    accs.push_back(scratch);
  }
  return accs;
}

std::vector<Binding> bound(const AccParts& accs, bool written) {
  std::vector<Binding> bindings;
  for (const uint32_t scratch : accs) bindings.push_back(of_scratch(scratch, written));
  return bindings;
}

}  // namespace gpu_node::kernels
