// Blocks on the device: a flat elementwise kernel of one, without a planner.
#pragma once

#include <string_view>
#include <vector>

#include "gpu/host_tensor.h"
#include "scalar/block.h"

namespace gpu_node::test {

// The block of |text| (block_text.h). A text that is of no block is a failed test.
scalar::Block block_of(std::string_view text);

// The results of |block| on the device for vectors of equal lengths, one for each input. |vectors|: four elements for
// each invocation; REQUIRES a multiple of four. |turns|: so many for each, one after the other. An error anywhere is a
// failed test.
std::vector<HostTensor> run_block(const scalar::Block& block, const std::vector<HostTensor>& inputs,
                                  bool vectors = false, uint32_t turns = 1);

// The same on the host, by the evaluator.
std::vector<HostTensor> evaluate_block(const scalar::Block& block, const std::vector<HostTensor>& inputs);

Number to_number(const Scalar& scalar);

}  // namespace gpu_node::test
