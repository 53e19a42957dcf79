// A call of any row of the op table: operands, attributes and results that go together, by what the row says of shapes.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "gpu/host_tensor.h"
#include "ir/infer.h"

namespace gpu_node::test {

// How much the first operand has: nothing along an axis, no axes, a few elements, some thousands.
enum class Extent : uint8_t { kScalar, kEmpty, kSmall, kLarge };
inline constexpr Extent kExtents[] = {Extent::kScalar, Extent::kEmpty, Extent::kSmall, Extent::kLarge};

struct RowCase {
  const ir::Op* op = nullptr;
  std::vector<HostTensor> operands;  // row-major
  ir::Attributes attributes;
  std::vector<ir::TensorType> results;  // as they are inferred
};

// Why there is no call of a row, in words.
struct NoCase {
  std::string reason;
};

// |op| of operands of |dtype|, special values among them. A shape rule that is not known here is a failed test.
std::variant<RowCase, NoCase> row_case(const ir::Op& op, Dtype dtype, Extent extent);

ir::Instruction instruction_of(const RowCase& test);
// They point into |test|.
std::vector<ir::OperandType> types_of(const RowCase& test);
// "sort f32{4, 6, 5}, axis 1 -> f32{4, 6, 5}".
std::string text_of(const RowCase& test);

// |tensor| with what it has at the beginning of its first axis all along it, as a view that is broadcast has.
HostTensor repeated(const HostTensor& tensor);

}  // namespace gpu_node::test
