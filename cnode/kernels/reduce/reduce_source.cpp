// Binds what a reduction or a dot reads: a tensor's storage, the part of it that a view covers, or a literal.
#include <array>
#include <cstring>
#include <string>

#include "kernels/literal.h"
#include "kernels/reduce/reduce_plan.h"

namespace gpu_node::kernels {
namespace {

// A literal as a scratch buffer of one element of its computing type.
ReduceSource bind_literal(const Scalar& scalar, Plan& plan) {
  const std::array<uint32_t, 2> bits = literal_bits(scalar);
  std::vector<std::byte> bytes(sizeof bits);
  std::memcpy(bytes.data(), bits.data(), sizeof bits);
  const auto scratch = static_cast<uint32_t>(plan.scratch_bytes.size());
  plan.scratch_bytes.push_back(bytes.size());
  plan.scratch_data.emplace_back(scratch, std::move(bytes));
  ReduceSource source;
  source.dtype = computing_type(scalar.dtype);
  source.binding = {Binding::Kind::kScratch, scratch};
  return source;
}

// The bytes of the storage that |tensor|'s view touches: [first, last + 1 element).
std::pair<uint64_t, uint64_t> touched_bytes(const TensorArg& tensor) {
  int64_t first = tensor.map.offset, last = tensor.map.offset;
  for (int d = 0; d < tensor.map.shape.size(); ++d) {
    const int64_t reach = tensor.map.strides[d] * (tensor.map.shape[d] - 1);
    (reach < 0 ? first : last) += reach;
  }
  const auto size = static_cast<uint64_t>(dtype_size_bytes(tensor.dtype));
  return {static_cast<uint64_t>(first) * size, static_cast<uint64_t>(last + 1) * size};
}

}  // namespace

Dtype computing_type(Dtype dtype) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
      return Dtype::s32;
    case ComputeType::kU32:
      return Dtype::u32;
    case ComputeType::kF32:
      return Dtype::f32;
    default:
      return dtype;
  }
}

Result<ReduceSource> bind_source(std::string_view op, uint32_t index, const Arg& arg, const vulkan::DeviceInfo& device,
                                 Plan& plan) {
  if (const Scalar* scalar = std::get_if<Scalar>(&arg)) return bind_literal(*scalar, plan);
  const auto& tensor = std::get<TensorArg>(arg);
  ReduceSource source;
  source.binding = {Binding::Kind::kOperand, index};
  source.dtype = tensor.dtype;
  source.offset = tensor.map.offset;
  for (int d = 0; d < tensor.map.shape.size(); ++d)
    if (tensor.map.strides[d] != 0) source.elements *= tensor.map.shape[d];
  if (tensor.storage_bytes <= device.max_storage_range) return source;

  const auto [begin, end] = touched_bytes(tensor);
  const uint64_t aligned = begin / device.storage_alignment * device.storage_alignment;
  if (end - aligned > device.max_storage_range)
    return Error{ErrorCode::kUnsupported, std::string(op) + ": operand " + std::to_string(index) + ", " +
                                              type_text(tensor.dtype, tensor.map.shape) + ", spans " +
                                              std::to_string(end - aligned) +
                                              " bytes, above the device's storage range of " +
                                              std::to_string(device.max_storage_range) + " bytes"};
  source.binding.offset_bytes = aligned;
  source.binding.size_bytes = end - aligned;
  source.offset -= static_cast<int64_t>(aligned / static_cast<uint64_t>(dtype_size_bytes(tensor.dtype)));
  return source;
}

Result<void> check_result_range(std::string_view op, Dtype dtype, int64_t elements, const vulkan::DeviceInfo& device) {
  const uint64_t bytes = static_cast<uint64_t>(elements) * static_cast<uint64_t>(dtype_size_bytes(dtype));
  if (bytes <= device.max_storage_range) return {};
  return Error{ErrorCode::kUnsupported, std::string(op) + ": a result of " + std::to_string(elements) + " " +
                                            std::string(dtype_name(dtype)) + " elements takes " +
                                            std::to_string(bytes) + " bytes, above the device's storage range of " +
                                            std::to_string(device.max_storage_range) + " bytes"};
}

}  // namespace gpu_node::kernels
