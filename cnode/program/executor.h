// Runs instructions on the device: resolves views, plans kernels, allocates results and scratch, records dispatches.
// Owned by the device thread. Nothing here submits or waits: the caller decides when (Recorder::submit).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/small_list.h"
#include "ir/program.h"
#include "kernels/plan.h"
#include "program/plan_cache.h"
#include "tensor/shape.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/device.h"

namespace gpu_node::program {

// Whoever pays for bytes. Any thread.
class Payer {
 public:
  virtual ~Payer() = default;
  virtual void give_back(uint64_t bytes) = 0;
};

// Bytes that are paid for until this is dropped. A class and no closure: every tensor has one.
class Payment {
 public:
  Payment() = default;
  Payment(std::shared_ptr<Payer> payer, uint64_t bytes) : payer_(std::move(payer)), bytes_(bytes) {}
  Payment(Payment&&) noexcept = default;
  Payment& operator=(Payment&& other) noexcept {
    std::swap(payer_, other.payer_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Payment() {
    if (payer_ != nullptr) payer_->give_back(bytes_);
  }
  const Payer* payer() const { return payer_.get(); }

 private:
  std::shared_ptr<Payer> payer_;
  uint64_t bytes_ = 0;
};

// The memory of one or more tensors (views share it). Larger than the device's largest allocation it lies in several
// parts of |part_bytes| each; such a tensor can be uploaded and downloaded, and computing on it is unsupported.
struct Storage {
  SmallList<vulkan::BufferRef, 1> parts;
  uint64_t part_bytes = 0;
  uint64_t size_bytes = 0;
  Payment payment;
};

// A tensor: a typed, strided view of a storage. A tensor without elements has no storage.
struct Tensor {
  Dtype dtype = Dtype::f32;
  IndexMap map;
  std::shared_ptr<const Storage> storage;

  ir::TensorType type() const { return {dtype, map.shape}; }
};

using Value = std::variant<Tensor, Scalar>;

class Executor {
 public:
  explicit Executor(vulkan::Device& device);

  // Called before an allocation of |bytes|: returns what pays for it, or an error (a quota).
  using Charge = std::function<Result<Payment>(uint64_t bytes)>;

  // A tensor whose bytes are undefined (|zeroed| false) or zero. With |host_write| its memory may be written by the
  // host at once where it is mapped.
  Result<Tensor> allocate(Dtype dtype, const Shape& shape, bool zeroed, bool host_write, const Charge& charge);

  // Asks for the kernels of |instruction| without waiting, so that those of one message compile side by side.
  void prefetch(const ir::Instruction& instruction, std::span<const ir::TensorType> operand_types);

  // Validates |instruction| against |operands| and records it; returns its result. Waits for kernels that are still
  // compiling. Errors name op, shapes and types.
  Result<Tensor> record(const ir::Instruction& instruction, std::span<const Value> operands, const Charge& charge);

  // |tensor| in row-major order from offset 0 of its own storage: itself when it is so already, else a recorded copy.
  Result<Tensor> contiguous(const Tensor& tensor, const Charge& charge);

  struct Counters {
    uint64_t instructions = 0, failed = 0, validate_ns = 0, record_ns = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  Result<Tensor> record_valid(const ir::Instruction& instruction, std::span<const Value> operands,
                              const Charge& charge);
  // The result of a view instruction, without a dispatch where strides can express it.
  Result<Tensor> record_view(const ir::Instruction& instruction, const Tensor& operand, const Charge& charge);
  // The plan of |instruction|, made or remembered.
  Result<CachedPlan*> plan_of(const ir::Instruction& instruction, std::span<const Value> operands);
  // Allocates the result of |plan| and records its dispatches.
  Result<Tensor> run(CachedPlan& plan, const ir::TensorType& type, std::span<const Value> operands,
                     const Charge& charge);
  Result<std::vector<vulkan::BufferRef>> make_scratch(const kernels::Plan& plan);
  // |kernel|: of |dispatch|, found when it is nullptr.
  Result<void> dispatch(const kernels::Dispatch& dispatch, const vulkan::Kernel*& kernel,
                        std::span<const Value> operands, const Tensor& result,
                        std::span<const vulkan::BufferRef> scratch);

  vulkan::Device& device_;
  PlanCache plans_;
  Counters counters_;
};

}  // namespace gpu_node::program
