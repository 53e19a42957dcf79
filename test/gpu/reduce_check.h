// The oracle of sum, product, reduce_max, reduce_min, all and any: exact integers and long doubles.
#pragma once

#include <random>
#include <string_view>

#include "gpu/host_tensor.h"
#include "gpu/layouts.h"
#include "gpu/plan_runner.h"
#include "ir/program.h"

namespace gpu_node::test {

// The type of |op|'s result for an operand of |dtype|, as Nx has it.
Dtype result_type(std::string_view op, Dtype dtype);

// Attributes of a reduction over |axes|.
ir::ReduceAttributes over(const Dims& axes, bool keep_axes = false);

// Runs |op| on |operand| and compares every result.
void check_reduction(std::string_view op, const HostTensor& operand, const ir::ReduceAttributes& attributes);

// Fills |tensor| with numbers fit for |op|: those of a product have one that stays in range, whatever the order.
void fill_for(std::string_view op, HostTensor& tensor, std::mt19937& random);

}  // namespace gpu_node::test
