// Sizes and limits of tensors' storages.
#pragma once

#include "program/tensor.h"
#include "vulkan/device_info.h"

namespace gpu_node::program {

// Bytes of a row-major tensor. REQUIRES: the shape passed checked_element_count.
uint64_t storage_bytes(const ir::TensorType& type);

// kUnsupported, with the numbers, when |bytes| take more than one allocation: kernels bind one buffer per tensor.
Result<void> check_one_part(const ir::TensorType& type, uint64_t bytes, const vulkan::DeviceInfo& device);

// The row-major tensor of |type| whose bytes lie in |buffer|.
Tensor tensor_in(const ir::TensorType& type, vulkan::BufferRef buffer, Payment payment);

}  // namespace gpu_node::program
