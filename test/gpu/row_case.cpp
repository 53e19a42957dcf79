#include "gpu/row_case.h"

#include <doctest/doctest.h>

#include <cstring>

#include "gpu/index_case.h"
#include "gpu/op_case.h"
#include "ir/infer.h"

namespace gpu_node::test {
namespace {

// What a call is made of; the first operand's shape is given.
struct Parts {
  std::vector<HostTensor> operands;
  ir::Attributes attributes;
  Dtype dtype = Dtype::f32;
  Shape declared;  // of the result, where the row leaves a choice
};

uint32_t seed_of(const ir::Op& op, Dtype dtype) { return op.index * 64U + static_cast<uint32_t>(dtype); }

Shape shape_of(Extent extent) {
  switch (extent) {
    case Extent::kScalar:
      return {};
    case Extent::kEmpty:
      return {3, 0, 5};
    case Extent::kSmall:
      return {4, 6, 5};
    case Extent::kLarge:
      return {17, 33, 31};
  }
  return {};
}

// Numbers of every kind, special ones first; of a complex type in both parts.
HostTensor any_numbers(Dtype dtype, const Shape& shape, uint32_t seed) {
  const Dtype part = component_type(dtype);
  const auto count = static_cast<size_t>(element_count(shape)) * (is_complex(dtype) ? 2 : 1);
  const std::vector<Number> numbers = sample(part, count, seed);
  HostTensor tensor(dtype, shape);
  for (size_t i = 0; i < count; ++i)
    encode(part, numbers[i], tensor.bytes.data() + i * static_cast<size_t>(dtype_size_bytes(part)));
  return tensor;
}

// Ones, of both signs where the type has them, and at most two twos: their product is exact, whatever comes first.
HostTensor factors(Dtype dtype, const Shape& shape, uint32_t seed) {
  HostTensor tensor(dtype, shape);
  const Dtype part = component_type(dtype);
  std::mt19937 random(seed);
  for (int64_t i = 0; i < tensor.count(); ++i)
    encode(part, Number::of(i < 2 ? 2 : random() % 2 == 0 ? 1 : -1), tensor.element(i));
  return tensor;
}

// Square matrices, or others, whose diagonals outweigh the rest.
HostTensor matrices(Dtype dtype, const Shape& shape, uint32_t seed) {
  HostTensor tensor(dtype, shape);
  const Dtype part = component_type(dtype);
  const int64_t rows = shape[shape.size() - 2], columns = shape[shape.size() - 1];
  const int64_t heavy = is_integer(part) ? 1 : rows + 2;
  std::mt19937 random(seed);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const bool diagonal = i / columns % rows == i % columns;
    encode(part, Number::of(diagonal ? heavy + static_cast<int64_t>(random() % 2) : random() % 2), tensor.element(i));
  }
  return tensor;
}

HostTensor scalar_of(Dtype dtype, int number) {
  HostTensor tensor(dtype, {});
  encode(component_type(dtype), Number::of(number), tensor.element(0));
  return tensor;
}

ir::Function sum_of_two(Dtype dtype) { return {{{&ir::op_called("add"), dtype, {int64_t{0}, int64_t{1}}}}}; }

Shape with(Shape shape, int axis, int64_t extent) {
  shape[axis] = extent;
  return shape;
}

// The rows whose operands all have the shape that is given, or are numbers.
bool add_plain(const ir::Op& op, const Shape& shape, Parts& parts) {
  const Dtype dtype = parts.dtype;
  const auto add = [&](const Shape& own) {
    parts.operands.push_back(
        any_numbers(dtype, own, seed_of(op, dtype) + static_cast<uint32_t>(parts.operands.size())));
  };
  switch (op.shape_rule) {
    case ir::ShapeRule::kElementwise:
      for (size_t i = 0; i < op.operands(); ++i) add(shape);
      return true;
    case ir::ShapeRule::kClip:
      add(shape);
      parts.operands.push_back(scalar_of(dtype, 0));
      parts.operands.push_back(scalar_of(dtype, 1));
      return true;
    case ir::ShapeRule::kReshape:
      parts.declared = {element_count(shape)};
      break;
    case ir::ShapeRule::kSqueeze:
      add(shape.empty() ? shape : Shape{shape[0], 1, shape[1], shape[2]});
      return true;
    case ir::ShapeRule::kTranspose:
      break;
    case ir::ShapeRule::kBroadcast: {
      ir::Axes axes;
      parts.declared = {2};
      for (int d = 0; d < shape.size(); ++d) {
        parts.declared.push_back(shape[d]);
        axes.push_back(static_cast<uint8_t>(d + 1));
      }
      parts.attributes = ir::AxesAttributes{axes};
      break;
    }
    case ir::ShapeRule::kReverse:
      parts.attributes = ir::AxesAttributes{shape.empty() ? ir::Axes{} : ir::Axes{0, 2}};
      break;
    case ir::ShapeRule::kReduce:
      // How a tensor lies says which elements are multiplied first.
      if (op.code == ir::Code::kProduct) {
        parts.operands.push_back(factors(dtype, shape, seed_of(op, dtype)));
        if (!shape.empty()) parts.attributes = ir::ReduceAttributes{ir::Axes{0, 1}, false};
        return true;
      }
      if (!shape.empty()) parts.attributes = ir::ReduceAttributes{ir::Axes{0, 1}, false};
      break;
    case ir::ShapeRule::kArgReduce:
      if (!shape.empty()) parts.attributes = ir::ArgReduceAttributes{1, ir::TieBreak::kHigh, true};
      break;
    case ir::ShapeRule::kFold: {
      const std::optional<ir::Axes> axes = shape.empty() ? std::optional<ir::Axes>() : ir::Axes{1};
      parts.attributes = ir::FoldAttributes{axes, false, sum_of_two(dtype)};
      add(shape);
      parts.operands.push_back(scalar_of(dtype, 1));
      return true;
    }
    case ir::ShapeRule::kFourier:
    case ir::ShapeRule::kFourierHalf:
    case ir::ShapeRule::kFourierWhole:
    case ir::ShapeRule::kFourier2:
      break;
    case ir::ShapeRule::kTopK:
      parts.attributes = ir::TopKAttributes{{3}};
      break;
    case ir::ShapeRule::kAlongAxis:
      if (op.family == ir::Family::kOrder) parts.attributes = ir::OrderAttributes{1};
      if (op.family == ir::Family::kCumulative) parts.attributes = ir::CumulativeAttributes{1, true};
      break;
    case ir::ShapeRule::kConcatenate:
    case ir::ShapeRule::kStack:
      parts.attributes = ir::AxisAttributes{shape.empty() ? 0 : 1};
      add(shape);
      break;
    default:
      return false;
  }
  add(shape);
  return true;
}

// The rows that go by matrices: a batch of two.
bool add_matrices(const ir::Op& op, Extent extent, Parts& parts) {
  const int64_t n = extent == Extent::kEmpty ? 0 : extent == Extent::kSmall ? 4 : 35;
  const auto add = [&](const Shape& shape) {
    parts.operands.push_back(matrices(parts.dtype, shape, seed_of(op, parts.dtype)));
  };
  switch (op.shape_rule) {
    case ir::ShapeRule::kTriangularSolve:
      add({2, n, n});
      add({2, n, 3});
      return true;
    case ir::ShapeRule::kSquare:
    case ir::ShapeRule::kEigh:
      add({2, n, n});
      return true;
    case ir::ShapeRule::kQr:
    case ir::ShapeRule::kSvd:
      add({2, n + 1, n});
      return true;
    default:
      return false;
  }
}

// The rows that know where their operands' elements go: of three axes.
bool add_placed(const ir::Op& op, const Shape& shape, Parts& parts) {
  const Dtype dtype = parts.dtype;
  const uint32_t seed = seed_of(op, dtype);
  const auto add = [&](const Shape& own) {
    parts.operands.push_back(any_numbers(dtype, own, seed + static_cast<uint32_t>(parts.operands.size())));
  };
  // From one below the axis to one beyond it.
  const auto add_indices = [&](const Shape& own, int64_t last) {
    parts.operands.push_back(indices_of(Dtype::s32, own, Layout::kRowMajor, -1, last + 1, seed));
  };
  add(shape);
  switch (op.shape_rule) {
    case ir::ShapeRule::kDot:
      add({shape[0], shape[2], shape[1]});
      parts.attributes = ir::DotAttributes{{2}, {0}, {1}, {0}};
      return true;
    case ir::ShapeRule::kSlice:
      parts.attributes = ir::SliceAttributes{{{1, 0, 1}}, {shape[0] - 1, shape[1], shape[2] - 1}, Dims{1, 1, 2}};
      return true;
    case ir::ShapeRule::kPutSlice:
      add({shape[0] - 1, shape[1], shape[2] - 2});
      parts.attributes = ir::PutSliceAttributes{{{1, 0, 1}}};
      return true;
    case ir::ShapeRule::kPad:
      parts.operands.push_back(scalar_of(dtype, 1));
      parts.attributes = ir::PadAttributes{{{1, 0, 0}, {0, 2, 1}, {-1, 1, 0}}};
      return true;
    case ir::ShapeRule::kGather:
      add_indices({7, 2}, shape[0]);
      parts.attributes = ir::AxesAttributes{ir::Axes{0, 2}};
      return true;
    case ir::ShapeRule::kTake:
      add_indices({2, 3}, shape[1]);
      parts.attributes = ir::AxisAttributes{1};
      return true;
    case ir::ShapeRule::kTakeAlongAxis:
      add_indices(with(shape, 1, 3), shape[1]);
      parts.attributes = ir::AxisAttributes{1};
      return true;
    case ir::ShapeRule::kIndexed:
      add_indices({5, 1}, shape[0]);
      add({5, shape[1], shape[2]});
      parts.attributes = ir::AxesAttributes{ir::Axes{0}};
      return true;
    case ir::ShapeRule::kWindow:
      parts.attributes = ir::WindowAttributes{{1, 3, 2}, {{0, 0, 0}, {1, 1, 0}, {0, 0, 0}}, Dims{1, 2, 1}, {}};
      return true;
    case ir::ShapeRule::kWindowFold:
      parts.operands.push_back(scalar_of(dtype, 1));
      parts.attributes =
          ir::WindowFoldAttributes{{1, 3, 2}, {{0, 0, 0}, {1, 1, 0}, {0, 0, 0}}, Dims{1, 2, 1}, {}, sum_of_two(dtype)};
      return true;
    case ir::ShapeRule::kWindowScatter:
      add({shape[0], shape[1] / 2, shape[2] / 2});
      parts.operands.push_back(scalar_of(dtype, 0));
      parts.attributes = ir::WindowScatterAttributes{{1, 2, 2}, {{}, {}, {}}, Dims{1, 2, 2}};
      return true;
    case ir::ShapeRule::kConv:
      add({3, shape[1], 3});
      parts.attributes = ir::ConvAttributes{{}, {{1, 1, 0}}, {}, {}, {1}, {1}, {}, {}, {}};
      return true;
    default:
      return false;
  }
}

Dtype declared_of(const ir::Op& op, Dtype dtype) {
  switch (op.type_rule) {
    case ir::TypeRule::kDeclared:
      return dtype == Dtype::f32 ? Dtype::s16 : Dtype::f32;
    case ir::TypeRule::kIndex:
    case ir::TypeRule::kSameAndIndex:
      return Dtype::s64;
    case ir::TypeRule::kSameWidth:
      switch (dtype_size_bytes(dtype)) {
        case 1:
          return dtype_info(dtype).bits == 8 ? Dtype::u8 : dtype_info(dtype).bits == 4 ? Dtype::u4 : Dtype::u2;
        case 2:
          return Dtype::u16;
        case 4:
          return Dtype::u32;
        default:
          return Dtype::u64;
      }
    default:
      return dtype;
  }
}

// |test| with the results that its operands give: inference says which is another than it was told.
std::variant<RowCase, NoCase> inferred(RowCase test) {
  const std::vector<ir::OperandType> types = types_of(test);
  for (size_t left = test.results.size();; --left) {
    const ir::Instruction instruction = instruction_of(test);
    ir::TensorTypes results;
    const Result<void> valid = ir::infer(instruction, types, results);
    if (valid.ok()) return test;
    if (left == 0) return NoCase{valid.error().message};
    size_t other = 0;
    while (other + 1 < test.results.size() && results[other] == test.results[other]) ++other;
    test.results[other] = results[other];
  }
}

}  // namespace

ir::Instruction instruction_of(const RowCase& test) {
  ir::Instruction instruction;
  instruction.op = test.op;
  instruction.attributes = test.attributes;
  for (size_t i = 0; i < test.operands.size(); ++i) instruction.operands.emplace_back(static_cast<ir::ValueName>(i));
  for (const ir::TensorType& type : test.results)
    instruction.results.push_back({-1 - static_cast<ir::ValueName>(instruction.results.size()), type});
  return instruction;
}

std::vector<ir::OperandType> types_of(const RowCase& test) {
  std::vector<ir::OperandType> types;
  for (const HostTensor& operand : test.operands) types.push_back({operand.dtype, &operand.map.shape});
  return types;
}

std::string text_of(const RowCase& test) { return ir::instruction_text(instruction_of(test), types_of(test)); }

HostTensor repeated(const HostTensor& tensor) {
  HostTensor other = tensor;
  if (tensor.map.shape.empty() || tensor.count() == 0) return other;
  const size_t row = other.bytes.size() / static_cast<size_t>(tensor.map.shape[0]);
  for (size_t at = row; at < other.bytes.size(); at += row)
    std::memcpy(other.bytes.data() + at, other.bytes.data(), row);
  return other;
}

std::variant<RowCase, NoCase> row_case(const ir::Op& op, Dtype dtype, Extent extent) {
  const bool takes =
      op.takes == ir::Takes::kAny || (op.takes == ir::Takes::kOrdered && !is_complex(dtype)) || is_integer(dtype);
  if (!takes) return NoCase{"the op does not take the type"};
  if (op.operands() == 0) return NoCase{"an op without operands"};
  const Shape shape = shape_of(extent);
  Parts parts;
  parts.dtype = dtype;
  parts.declared = shape;
  if (!add_plain(op, shape, parts)) {
    if (extent == Extent::kScalar) return NoCase{"the op is about axes"};
    if (!add_matrices(op, extent, parts) && !add_placed(op, shape, parts))
      FAIL("nobody has said what operands of the shape rule " << ir::word(op.shape_rule) << " are");
  }
  RowCase test{&op, std::move(parts.operands), std::move(parts.attributes), {}};
  test.results.assign(op.results, {declared_of(op, dtype), parts.declared});
  return inferred(std::move(test));
}

}  // namespace gpu_node::test
