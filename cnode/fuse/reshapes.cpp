#include "fuse/reshapes.h"

#include <algorithm>

#include "fuse/graph.h"

namespace gpu_node::fuse {
namespace {

class ReshapeLift {
 public:
  explicit ReshapeLift(const Traced& traced) : out_(traced) {}

  Traced run(const Traced& traced) && {
    for (size_t i = 0; i < traced.program.instructions.size(); ++i) {
      const ir::Instruction& instruction = traced.program.instructions[i];
      if (const std::optional<Shape> shape = shape_below(instruction))
        lift(instruction, *shape, traced.origins[i]);
      else
        out_.append(instruction, traced.origins[i]);
    }
    return std::move(out_).finish();
  }

 private:
  bool is_scalar(const ir::Operand& operand) const {
    const auto* name = std::get_if<ir::ValueName>(&operand);
    return name == nullptr || out_.type(*name).shape.empty();
  }

  // What |name| is a reshape of, where that is computed.
  std::optional<ir::ValueName> below(ir::ValueName name) const {
    const ir::Instruction* maker = out_.maker(name);
    if (maker == nullptr || !is_reshape(*maker)) return std::nullopt;
    const auto of = std::get<ir::ValueName>(maker->operands[0]);
    const ir::Instruction* computes = out_.maker(of);
    return computes != nullptr && is_elementwise(*computes) ? std::optional(of) : std::nullopt;
  }

  // The shape that all computed operands of |instruction| have before they are reshaped.
  std::optional<Shape> shape_below(const ir::Instruction& instruction) const {
    std::optional<Shape> shape;
    if (!is_elementwise(instruction)) return shape;
    for (const ir::Operand& operand : instruction.operands) {
      if (is_scalar(operand)) continue;
      const auto name = std::get<ir::ValueName>(operand);
      if (out_.type(name).shape != instruction.results[0].type.shape) return std::nullopt;
      const std::optional<ir::ValueName> of = below(name);
      if (!of && is_row_major(name, out_)) continue;
      if (!of || (shape && *shape != out_.type(*of).shape)) return std::nullopt;
      shape = out_.type(*of).shape;
    }
    return shape;
  }

  ir::ValueName reshape(ir::ValueName of, const ir::Definition& result, uint32_t origin) {
    out_.append(instruction_of("reshape", {of}, result), origin);
    return result.name;
  }

  void lift(ir::Instruction instruction, const Shape& shape, uint32_t origin) {
    for (ir::Operand& operand : instruction.operands) {
      if (is_scalar(operand)) continue;
      const auto name = std::get<ir::ValueName>(operand);
      const std::optional<ir::ValueName> of = below(name);
      operand = of ? *of : reshape(name, out_.define({out_.type(name).dtype, shape}), origin);
    }
    const ir::Definition result = instruction.results[0];
    instruction.results = {out_.define({result.type.dtype, shape})};
    const ir::ValueName flat = instruction.results[0].name;
    out_.append(std::move(instruction), origin);
    reshape(flat, result, origin);
  }

  Rewriter out_;
};

}  // namespace

bool is_row_major(ir::ValueName name, const Rewriter& program) {
  const ir::Instruction* maker = program.maker(name);
  return maker == nullptr || (!is_elementwise(*maker) && maker->op->family != ir::Family::kView);
}

void lift_reshapes(Traced& traced) {
  const std::vector<ir::Instruction>& all = traced.program.instructions;
  if (std::any_of(all.begin(), all.end(), is_reshape)) traced = ReshapeLift(traced).run(traced);
}

}  // namespace gpu_node::fuse
