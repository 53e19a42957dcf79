// How each element type looks in GLSL: what a storage buffer holds, what computes it, and the expressions between.
//
// A "value of type T" in emitted code is an expression of T's compute type (int, uint, int64_t, uint64_t, float,
// double, of complex numbers vec2 and dvec2) that holds a number of T exactly: after every op the result is rounded (or
// wrapped) to T, once.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"

namespace gpu_node::kernels {

// The GLSL type of an element in a storage buffer: "uint16_t" for bf16.
std::string_view storage_type(Dtype dtype);
// The GLSL type that computes it: "float" for bf16.
std::string_view compute_type(Dtype dtype);

// What arithmetic may hold a storage element in: "uint" for bf16. Storage types below 32 bits only move.
std::string_view word_type(Dtype dtype);
// Four of a GLSL type of elements: "vec4" for "float", "u16vec4" for "uint16_t"; of "vec2", which computes complex
// numbers, a matrix whose columns they are.
std::string_view vector_type(std::string_view scalar);

// kUnsupported when the device cannot hold or compute one of |dtypes|, naming |op|, the type and the missing feature.
Result<void> check_types(std::string_view op, std::span<const Dtype> dtypes, const vulkan::DeviceInfo& device);

// GLSL literals of |dtype|'s compute type.
std::string zero_literal(Dtype dtype);
std::string one_literal(Dtype dtype);
// The ends of the type's range: -inf and inf for floats that have them, +-448 for f8_e4m3fn. They start reduce_max and
// reduce_min, and are what float infinities become as integers.
std::string lowest_literal(Dtype dtype);
std::string highest_literal(Dtype dtype);

}  // namespace gpu_node::kernels
