// The GLSL of one stage of a schedule: the body of a function of shaders/chain.glsl's evaluate(). Private to this
// folder.
#pragma once

#include <string>

#include "base/concat.h"
#include "chain/emit_program.h"

namespace gpu_node::chain {

inline std::string number(uint64_t value) { return concat(value, "u"); }

// The word at |at| (see Words): read from the buffer, or known.
std::string word_text(const KernelShape& shape, uint32_t at);

std::string stage_text(const Program& program, const Schedule& schedule, const KernelShape& shape,
                       uint32_t sums_at_once, const Stage& stage, kernels::ShaderBuilder& builder);

}  // namespace gpu_node::chain
