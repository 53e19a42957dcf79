// Binds what a reduction or a dot reads: a tensor's storage, the part of it that a view covers, or a literal.
#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/reduce_plan.h"

namespace gpu_node::kernels {
namespace {

// A literal as a scratch buffer of one element. Its type is the widest of its kind that the literal's own type needs,
// so that no rounding happens here: consumers convert.
ReduceSource bind_literal(const Scalar& scalar, Plan& plan) {
  const DtypeInfo& info = dtype_info(scalar.dtype);
  ReduceSource source;
  std::vector<std::byte> bytes(8);
  if (is_integer(scalar.dtype)) {
    uint64_t bits = 0;
    std::visit(
        [&bits](auto value) {
          if constexpr (std::is_integral_v<decltype(value)>) bits = static_cast<uint64_t>(value);
        },
        scalar.value);
    const bool is_signed = info.kind == DtypeKind::kSigned;
    const int unused = 64 - info.bits;
    bits <<= unused;
    bits = is_signed ? static_cast<uint64_t>(static_cast<int64_t>(bits) >> unused) : bits >> unused;
    std::memcpy(bytes.data(), &bits, 8);
    if (info.bits == 64) {
      source.dtype = scalar.dtype;
    } else {
      source.dtype = is_signed ? Dtype::s32 : Dtype::u32;
    }
  } else {
    double value = 0;
    std::visit(
        [&value](auto number) {
          if constexpr (std::is_arithmetic_v<decltype(number)>) value = static_cast<double>(number);
        },
        scalar.value);
    if (info.bits == 64) {
      source.dtype = Dtype::f64;
      std::memcpy(bytes.data(), &value, 8);
    } else {
      source.dtype = Dtype::f32;
      const auto narrow = static_cast<float>(value);
      std::memcpy(bytes.data(), &narrow, 4);
    }
  }
  const auto scratch = static_cast<uint32_t>(plan.scratch_bytes.size());
  plan.scratch_bytes.push_back(bytes.size());
  plan.scratch_data.emplace_back(scratch, std::move(bytes));
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

}  // namespace gpu_node::kernels
