// Tensors on the device: typed, strided views of storages, and who pays for their bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <variant>

#include "base/result.h"
#include "base/small_list.h"
#include "ir/infer.h"
#include "tensor/shape.h"
#include "vulkan/buffer_pool.h"

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

// Called before an allocation of |bytes|: returns what pays for it, or an error (a quota).
using Charge = std::function<Result<Payment>(uint64_t bytes)>;

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
using Tensors = SmallList<Tensor, 1>;

using Value = std::variant<Tensor, Scalar>;

// A value that lies elsewhere, for as long as an instruction is recorded: exactly one of the two is set.
struct Operand {
  const Tensor* tensor = nullptr;
  const Scalar* literal = nullptr;

  Operand() = default;
  Operand(const Tensor& value) : tensor(&value) {}   // NOLINT: converts on purpose
  Operand(const Scalar& value) : literal(&value) {}  // NOLINT: converts on purpose
  Operand(const Value& value)                        // NOLINT: converts on purpose
      : tensor(std::get_if<Tensor>(&value)), literal(std::get_if<Scalar>(&value)) {}

  Value value() const { return tensor != nullptr ? Value(*tensor) : Value(*literal); }
  // Refers to the tensor's shape.
  ir::OperandType type() const {
    return tensor != nullptr ? ir::OperandType{tensor->dtype, &tensor->map.shape} : ir::OperandType::of(*literal);
  }
};

}  // namespace gpu_node::program
