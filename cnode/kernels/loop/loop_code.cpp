// From the instructions of bodies to blocks.
#include <algorithm>

#include "base/flat_map.h"
#include "kernels/literal.h"
#include "kernels/loop/loop.h"

namespace gpu_node::kernels {
namespace {

// A kernel that has more takes long to compile, and longer than its rounds save.
constexpr size_t kMostValues = 512;
// Elements that each go through all rounds by themselves.
constexpr int64_t kMostElements = 16'384;

using scalar::ValueNumber;

class BlockWriter {
 public:
  BlockWriter(const ir::Program& program, const Shape& shape, scalar::Block& block)
      : program_(program), shape_(shape), block_(block) {}

  // False where the program is something else too.
  bool write() {
    for (size_t i = 0; i < program_.inputs.size(); ++i)
      define(static_cast<ir::ValueName>(i), program_.inputs[i].shape, block_.input(program_.inputs[i].dtype));
    for (const ir::Instruction& instruction : program_.instructions)
      if (block_.values().size() > kMostValues || !write(instruction)) return false;
    for (const ir::ValueName name : program_.outputs) block_.result(numbers_.find(name)->number);
    return true;
  }

 private:
  struct Known {
    ValueNumber number;
    const Shape* shape;
  };

  void define(ir::ValueName name, const Shape& shape, ValueNumber number) { numbers_.insert(name, {number, &shape}); }
  bool fits(const Shape& shape) const { return shape.empty() || shape == shape_; }

  bool write(const ir::Instruction& instruction) {
    const ir::Definition& result = instruction.results[0];
    if (instruction.results.size() != 1 || !fits(result.type.shape)) return false;
    if (instruction.op->code == ir::Code::kConstant) {
      const Scalar& value = instruction.attributes.as<ir::ConstantAttributes>().value;
      define(result.name, result.type.shape,
             block_.constant(converted(converted(value, value.dtype), result.type.dtype)));
      return true;
    }
    if (ir::is_elementwise(instruction.op->family)) return write_step(instruction);
    return write_view(instruction);
  }

  bool write_step(const ir::Instruction& instruction) {
    const Dtype type = instruction.results[0].type.dtype;
    SmallList<ValueNumber, 3> operands;
    for (size_t k = 0; k < instruction.operands.size(); ++k) {
      if (instruction.is_literal(k)) {
        operands.push_back(block_.constant(literal_operand(
            instruction, k, [this](ir::ValueName name) { return block_[numbers_.find(name)->number].type; })));
        continue;
      }
      const Known& known = *numbers_.find(std::get<ir::ValueName>(instruction.operands[k]));
      operands.push_back(known.number);
    }
    define(instruction.results[0].name, instruction.results[0].type.shape,
           block_.step(*instruction.op, type, operands.span()));
    return true;
  }

  // The same element at every place.
  bool write_view(const ir::Instruction& instruction) {
    const ir::Code code = instruction.op->code;
    if ((code != ir::Code::kReshape && code != ir::Code::kBroadcast) || instruction.is_literal(0)) return false;
    const Known known = *numbers_.find(std::get<ir::ValueName>(instruction.operands[0]));
    const Shape& shape = instruction.results[0].type.shape;
    if (!known.shape->empty() && (code == ir::Code::kBroadcast || *known.shape != shape)) return false;
    define(instruction.results[0].name, shape, known.number);
    return true;
  }

  const ir::Program& program_;
  const Shape& shape_;
  scalar::Block& block_;
  FlatMap<Known> numbers_;
};

std::optional<ElementLoop> element_loop(const ir::Program& condition, const ir::Program& body) {
  ElementLoop code;
  for (const ir::TensorType& type : body.inputs) {
    if (!type.shape.empty() && !code.shape.empty() && type.shape != code.shape) return std::nullopt;
    if (!type.shape.empty()) code.shape = type.shape;
    code.state.push_back({type.dtype, type.shape.empty()});
  }
  const int64_t elements = element_count(code.shape);
  if (elements == 0 || elements > kMostElements) return std::nullopt;
  if (!BlockWriter(condition, code.shape, code.condition).write()) return std::nullopt;
  if (!BlockWriter(body, code.shape, code.body).write()) return std::nullopt;
  return code;
}

std::optional<GroupLoop> group_loop(const ir::Program& condition, const ir::Program& body) {
  std::optional<GroupCode> first = group_code(condition), then = group_code(body);
  if (!first || !then) return std::nullopt;
  return GroupLoop{*std::move(first), *std::move(then)};
}

uint64_t bytes_of(const ElementLoop& loop) {
  return loop.state.size() * sizeof(ElementLoop::Value) +
         (loop.condition.values().size() + loop.body.values().size()) * sizeof(scalar::Value);
}
uint64_t bytes_of(const GroupLoop& loop) { return host_bytes(loop.condition) + host_bytes(loop.body); }

size_t changed_by(const ElementLoop& loop) { return loop.body.results().size(); }
size_t changed_by(const GroupLoop& loop) { return loop.body.outputs.size(); }

}  // namespace

size_t LoopCode::changed() const {
  return std::visit([](const auto& loop) { return changed_by(loop); }, code);
}

uint64_t LoopCode::host_bytes() const {
  return sizeof(*this) + std::visit([](const auto& loop) { return bytes_of(loop); }, code);
}

std::optional<LoopCode> loop_code(const ir::Program& condition, const ir::Program& body) {
  if (std::optional<ElementLoop> loop = element_loop(condition, body)) return LoopCode{*std::move(loop)};
  if (std::optional<GroupLoop> loop = group_loop(condition, body)) return LoopCode{*std::move(loop)};
  return std::nullopt;
}

}  // namespace gpu_node::kernels
