// The main of a kernel of rows: walk by walk, one element or one four at a step, in a loop or each step written out.
#pragma once

#include "kernels/glsl/shader_builder.h"
#include "kernels/reduce/row_shader.h"

namespace gpu_node::kernels {

// |walks| are those of |rows|' code. REQUIRES: buffers, parameters, the accumulators 0, 1... (accumulators_of), the
// functions of places and what is kept in shared memory are declared.
void write_row_text(const RowShader& rows, const RowWalks& walks, ShaderBuilder& shader);

}  // namespace gpu_node::kernels
