// The GLSL of the two walks of a window scatter.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

struct ScatterKernel {
  enum class Kind : uint8_t {
    kChoose,  // chosen[window] = the place, in the window, of the last of its greatest (least) elements
    kGather,  // to[element] = init and the sources of the windows that chose it
  };
  Kind kind = Kind::kChoose;
  bool greatest = true;
  Dtype element = Dtype::f32;                                         // of the tensor with its padding
  Dtype source = Dtype::f32, init = Dtype::f32, result = Dtype::f32;  // of kGather
  uint32_t rank = 1;

  // The parameters lie in a buffer. kChoose: windows, elements of one; by axis how many windows, how long one is; the
  // tensor's offset and strides by window; 0 and its strides by element. kGather: elements, where init is; by axis how
  // many elements, windows, how long a window, its stride, what is padded before; the source's offset and strides.
  std::string key() const;
  // Bindings: the tensor, chosen; or the source, init, chosen, the result. Then the parameters.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
