// The kernels of matrices: each a function of a text in shaders/linalg, with the buffers and parameters that a row
// says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/glsl/shader_builder.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Pairs of rows that a workgroup of Jacobi's method turns side by side.
inline constexpr uint32_t kMostPairs = 32;

struct LinalgBuffer {
  enum class Holds : uint8_t {
    kNumbers,  // what the matrices are computed in
    kRounded,  // floats of the width of what results are rounded to
    kParts,    // real ones of the same width
    kIndices,  // unsigned integers of 32 bits
  };
  std::string_view name;
  Holds holds = Holds::kNumbers;
  bool written = true;
};

// A number that is part of a kernel's text.
struct LinalgConstant {
  std::string_view name;
  uint32_t value = 0;
};

struct LinalgKernel {
  std::string_view function;  // also the macro by which its text is chosen
  std::string_view file;      // of shaders/linalg
  std::span<const LinalgBuffer> buffers;
  std::span<const std::string_view> parameters;  // P_*, of 32 bits
  std::span<const LinalgConstant> constants;
  bool gathers = false;       // invocations of a workgroup work together on one matrix, not each on its own
  bool knows_result = false;  // its text is another where results have less digits
  bool adds_up = false;       // uses sum_of_all or largest_of_all
};

// A kernel for numbers of |number|, a float or complex type of 32 or 64 bits a part.
struct LinalgShader {
  const LinalgKernel* kernel = nullptr;
  Dtype number = Dtype::f64;
  bool rounds_to_f32 = false;  // what is computed in double is of a result in f32
  uint32_t invocations = 64;

  std::string key() const;
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
