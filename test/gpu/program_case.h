// Programs on the device without a service: as they are and fused, compared to the bit.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "gpu/op_case.h"
#include "program/program_run.h"

namespace gpu_node::test {

struct ProgramOutcome {
  std::vector<HostTensor> outputs;
  uint64_t dispatches = 0;
  size_t steps = 0;
  std::string error;  // of compiling or running it; no outputs then
};

// Compiles and runs |program|, fused or not.
ProgramOutcome run_program(const ir::Program& program, std::span<const program::Value> inputs, bool fused);

// Where the bits of |left| and |right| differ first: "output 1, element 3: ...", or nothing.
std::string difference(const ProgramOutcome& left, const ProgramOutcome& right);

// Numbers of |dtype|, special ones among them.
HostTensor any_tensor(Dtype dtype, const Shape& shape, uint32_t seed);

// Runs |program| both ways and fails the test where they differ; what the fused one came to.
ProgramOutcome check_fused(const ir::Program& program, std::span<const program::Value> inputs);

}  // namespace gpu_node::test
