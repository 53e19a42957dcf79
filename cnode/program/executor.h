// Runs instructions on the device: resolves views, plans kernels, allocates results and scratch, records dispatches.
// Owned by the device thread. Nothing here submits or waits: the caller decides when (Recorder::submit).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ir/program.h"
#include "kernels/plan.h"
#include "tensor/shape.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/device.h"

namespace gpu_node::program {

// The memory of one or more tensors (views share it). Larger than the device's largest allocation it lies in several
// parts of |part_bytes| each; such a tensor can be uploaded and downloaded, and computing on it is unsupported.
struct Storage {
  std::vector<vulkan::BufferRef> parts;
  uint64_t part_bytes = 0;
  uint64_t size_bytes = 0;
  std::shared_ptr<void> charge;  // whoever pays for the bytes; dropped with the storage
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

  // Called before an allocation of |bytes|: returns the charge to store with it, or an error (a quota).
  using Charge = std::function<Result<std::shared_ptr<void>>(uint64_t bytes)>;

  // A tensor whose bytes are undefined (|zeroed| false) or zero. With |host_write| its memory may be written by the
  // host at once where it is mapped.
  Result<Tensor> allocate(Dtype dtype, const Shape& shape, bool zeroed, bool host_write, const Charge& charge);

  // Asks for the kernels of |instruction| without waiting, so that those of one message compile side by side.
  void prefetch(const ir::Instruction& instruction, std::span<const ir::TensorType> operand_types);

  // Validates |instruction| against |operands| and records it; one tensor per declared result. Waits for kernels that
  // are still compiling. Errors name op, shapes and types.
  Result<std::vector<Tensor>> record(const ir::Instruction& instruction, std::span<const Value> operands,
                                     const Charge& charge);

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
  // Allocates the result of |plan| and records its dispatches.
  Result<Tensor> run(const kernels::Plan& plan, const ir::TensorType& type, std::span<const Value> operands,
                     const Charge& charge);
  Result<std::vector<vulkan::BufferRef>> make_scratch(const kernels::Plan& plan);
  Result<void> dispatch(const kernels::Dispatch& dispatch, std::span<const Value> operands, const Tensor& result,
                        std::span<const vulkan::BufferRef> scratch);

  vulkan::Device& device_;
  Counters counters_;
};

}  // namespace gpu_node::program
