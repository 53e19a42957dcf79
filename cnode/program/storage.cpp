#include "program/storage.h"

#include <limits>

#include "base/concat.h"
#include "program/executor.h"

namespace gpu_node::program {
namespace {

// Parts are cut at multiples of this, so that no element spans two and copies stay aligned.
constexpr uint64_t kPartGrain = 65536;

}  // namespace

uint64_t storage_bytes(const ir::TensorType& type) {
  const auto count = static_cast<uint64_t>(element_count(type.shape));
  const auto element = static_cast<uint64_t>(dtype_size_bytes(type.dtype));
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  return count > kMost / element ? kMost : count * element;
}

Result<void> check_one_part(const ir::TensorType& type, uint64_t bytes, const vulkan::DeviceInfo& device) {
  if (bytes <= device.max_allocation_bytes) return {};
  return Error{ErrorCode::kUnsupported,
               concat(type_text(type.dtype, type.shape), " has ", bytes,
                      " bytes; the device computes on tensors of at most ", device.max_allocation_bytes, " bytes")};
}

Tensor tensor_in(const ir::TensorType& type, vulkan::BufferRef buffer, Payment payment) {
  auto storage = std::make_shared<Storage>();
  storage->size_bytes = storage->part_bytes = storage_bytes(type);
  storage->parts.push_back(std::move(buffer));
  storage->payment = std::move(payment);
  return {type.dtype, IndexMap::row_major(type.shape), std::move(storage)};
}

Result<Tensor> Executor::allocate(Dtype dtype, const Shape& shape, bool zeroed, bool host_write, const Charge& charge) {
  thread_.check("an executor");
  GPU_ASSIGN(const int64_t count, checked_element_count(shape));
  Tensor tensor{dtype, IndexMap::row_major(shape), nullptr};
  if (count == 0) return tensor;
  auto storage = std::make_shared<Storage>();
  storage->size_bytes = storage_bytes({dtype, shape});
  if (storage->size_bytes > device_.memory_limit_bytes())
    return Error{ErrorCode::kOutOfMemory,
                 concat(type_text(dtype, shape), " has ", storage->size_bytes,
                        " bytes, more than the device's limit of ", device_.memory_limit_bytes())};
  if (charge) {
    GPU_ASSIGN(storage->payment, charge(storage->size_bytes));
  }
  const uint64_t limit = device_.info().max_allocation_bytes / kPartGrain * kPartGrain;
  storage->part_bytes = std::min(storage->size_bytes, limit);
  for (uint64_t at = 0; at < storage->size_bytes; at += storage->part_bytes) {
    const uint64_t bytes = std::min(storage->part_bytes, storage->size_bytes - at);
    Result<vulkan::BufferRef> part = device_.pool().allocate(bytes, vulkan::BufferUse::kDevice, host_write);
    if (!part.ok()) return with_context(std::move(part).error(), type_text(dtype, shape));
    storage->parts.push_back(std::move(part).value());
  }
  for (size_t i = 0; zeroed && i < storage->parts.size(); ++i) {
    // Fills are of whole words; a size class has room for the last one.
    const uint64_t bytes = storage->parts[i]->size_bytes();
    GPU_TRY(device_.recorder().fill(storage->parts[i], 0, (bytes + 3) / 4 * 4, 0));
  }
  tensor.storage = std::move(storage);
  return tensor;
}

}  // namespace gpu_node::program
