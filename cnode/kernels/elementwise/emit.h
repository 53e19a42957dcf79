// The emitter of elementwise kernels: a scalar program and a layout become one compute shader.
//
// Buffers: the tensor inputs in order, the result, then the parameter buffer where the layout has one. Push constants:
// see declare_parameters. One invocation computes one element of the result, its number being
// x + y * (invocations in x); the grid may be larger than |count|.
#pragma once

#include <span>
#include <string>

#include "kernels/elementwise/scalar_program.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {

// The key of the kernel that emit_elementwise makes, on every device alike.
std::string elementwise_key(const ScalarProgram& program, const Layout& layout);

Result<vulkan::KernelSource> emit_elementwise(const ScalarProgram& program, const Layout& layout,
                                              const vulkan::DeviceInfo& device);

// Invocations of a workgroup of elementwise kernels.
uint32_t elementwise_local_size(const vulkan::DeviceInfo& device);

// The opening of main: `uint i`, the element's number; returns when it is beyond |count|.
std::string element_prologue();

}  // namespace gpu_node::kernels
