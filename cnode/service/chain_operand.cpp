#include "service/chain_operand.h"

#include <cmath>
#include <cstring>

#include "base/concat.h"
#include "program/storage.h"

namespace gpu_node::service {
namespace {

template <typename Float>
Result<void> check_each(std::span<const std::byte> bytes, bool positive, const std::string& what) {
  for (size_t i = 0; i < bytes.size() / sizeof(Float); ++i) {
    Float number = 0;
    std::memcpy(&number, bytes.data() + i * sizeof(Float), sizeof(Float));
    if (std::isfinite(number) && (number > 0 || !positive)) continue;
    return Error{ErrorCode::kInvalidArgument,
                 concat("number ", i, " of ", what, " is ", static_cast<double>(number), "; what is ",
                        positive ? "above 0 and " : "", "finite is possible")};
  }
  return {};
}

}  // namespace

Result<void> check_numbers(const ChainOperand& operand, Dtype dtype, bool positive, const std::string& what) {
  const auto* bytes = std::get_if<std::vector<std::byte>>(&operand);
  if (bytes == nullptr) return {};
  return dtype == Dtype::f64 ? check_each<double>(*bytes, positive, what) : check_each<float>(*bytes, positive, what);
}

Result<OperandBuffer> operand_buffer(Interpreter& interpreter, Session& session, const ChainOperand& operand,
                                     Dtype dtype, const std::string& what, const vulkan::DeviceInfo& device) {
  const auto size = static_cast<uint64_t>(dtype_size_bytes(dtype));
  program::Tensor tensor;
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&operand)) {
    if (bytes->size() % size != 0)
      return Error{ErrorCode::kInvalidArgument,
                   concat(what, " has ", bytes->size(), " bytes, not numbers of ", dtype_name(dtype))};
    const Shape shape{static_cast<int64_t>(bytes->size() / size)};
    GPU_ASSIGN(tensor, interpreter.make_tensor(session, {dtype, shape}, std::span<const std::byte>(*bytes)));
  } else {
    GPU_ASSIGN(tensor, interpreter.find(session, std::get<int64_t>(operand), what));
    if (tensor.dtype != dtype)
      return Error{ErrorCode::kInvalidArgument, what + " is " + type_text(tensor.dtype, tensor.map.shape) +
                                                    ", the model is of " + std::string(dtype_name(dtype))};
    GPU_ASSIGN(tensor, interpreter.contiguous(session, tensor));
  }
  const int64_t count = element_count(tensor.map.shape);
  if (count == 0) return Error{ErrorCode::kInvalidArgument, what + " has no numbers"};
  GPU_TRY(program::check_one_part(tensor.type(), tensor.storage->size_bytes, device));
  return OperandBuffer{tensor.storage->parts[0], count};
}

}  // namespace gpu_node::service
