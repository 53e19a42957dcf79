// One op on the device and its oracle: operands as host numbers, results compared element by element.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gpu/device.h"
#include "gpu/host_tensor.h"
#include "program/executor.h"

namespace gpu_node::test {

// How an operand reaches the device.
enum class Placement : uint8_t {
  kPlain,       // row-major
  kTransposed,  // a transposed view: the storage holds the transpose
  kLiteral,     // a number folded into the instruction (shape {})
};

struct Operand {
  HostTensor tensor;
  Placement placement = Placement::kPlain;
};

// The exact result of one element, given one number per operand; rounded to the result's type by the caller.
using Oracle = std::function<Number(std::span<const Number> operands, std::span<const Dtype> types, Dtype result)>;

struct OpCase {
  std::string op;
  std::vector<Operand> operands;
  ir::TensorType result;
  Oracle oracle;
  double bound = 0;  // ulps that a float may be off; 0: the nearest number, to the sign of 0
  ir::Attributes attributes;
};

// Records, runs and compares all of |cases|; adds their number to the count below. Kernels compile side by side.
void check_cases(std::span<const OpCase> cases);

// Cases and elements checked in this process so far.
struct CaseCount {
  uint64_t cases = 0, elements = 0;
};
CaseCount& case_count();

program::Executor& executor();
program::Tensor to_device(const HostTensor& tensor, Placement placement = Placement::kPlain);
HostTensor from_device(const program::Tensor& tensor);

// |op| with attributes on |operands|; fails the test on an error.
program::Tensor run_op(const std::string& op, std::span<const program::Value> operands, const ir::TensorType& result,
                       const ir::Attributes& attributes = {});
// The error of the same, or of an op with several results.
Error op_error(const std::string& op, std::span<const program::Value> operands,
               const std::vector<ir::TensorType>& results, const ir::Attributes& attributes);
Error op_error(const std::string& op, std::span<const program::Value> operands, const ir::TensorType& result,
               const ir::Attributes& attributes = {});

// |count| numbers of |dtype|: its special values first (ends, -0, infinities, NaN), then a fixed pseudo-random mixture
// of small, large and in-between ones.
std::vector<Number> sample(Dtype dtype, size_t count, uint32_t seed);

}  // namespace gpu_node::test
