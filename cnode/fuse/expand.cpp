#include "fuse/expand.h"

#include <algorithm>

#include "fuse/rewriter.h"
#include "scalar/computing.h"

namespace gpu_node::fuse {
namespace {

bool is_expanded(const ir::Instruction& instruction) {
  return instruction.op->code == ir::Code::kLogsumexp && !instruction.is_literal(0);
}

class Expander {
 public:
  explicit Expander(const Traced& traced) : traced_(traced), out_(traced) {}

  Traced run() && {
    for (size_t i = 0; i < traced_.program.instructions.size(); ++i) {
      const ir::Instruction& instruction = traced_.program.instructions[i];
      origin_ = traced_.origins[i];
      if (!is_expanded(instruction) || !expand(instruction)) out_.append(instruction, origin_);
    }
    return std::move(out_).finish();
  }

 private:
  ir::ValueName add(std::string_view op, const ir::TensorType& type, std::initializer_list<ir::Operand> operands,
                    ir::Attributes attributes = {}, ir::ValueName name = 0) {
    const ir::ValueName result = name == 0 ? out_.next_name() : name;
    out_.append(instruction_of(op, operands, {result, type}, std::move(attributes)), origin_);
    return result;
  }

  bool expand(const ir::Instruction& instruction) {
    const auto x = std::get<ir::ValueName>(instruction.operands[0]);
    const ir::Definition& result = instruction.results[0];
    const ir::TensorType from = out_.type(x);
    if (element_count(from.shape) == 0) return false;
    const Dtype own = computing_type(result.type.dtype);
    const Dtype computed = scalar::holds(own, from.dtype) ? own : Dtype::f64;
    const auto& axes = instruction.attributes.as<ir::ReduceAttributes>().axes;
    ir::TensorType rows{computed, from.shape};
    const ir::TensorType elements{computed, from.shape};
    for (int d = 0; d < rows.shape.size(); ++d)
      if (!axes || std::find(axes->begin(), axes->end(), d) != axes->end()) rows.shape[d] = 1;
    const ir::ReduceAttributes over{axes, true};
    const ir::ValueName greatest = add("reduce_max", rows, {x}, over);
    const ir::ValueName infinite = add("is_infinity", {Dtype::u8, rows.shape}, {greatest});
    const ir::ValueName shift = add("select", rows, {infinite, Scalar{computed, 0.0}, greatest});
    const ir::ValueName terms = add("exp", elements, {add("subtract", elements, {x, shift})});
    const ir::ValueName logarithm = add("log", rows, {add("sum", rows, {terms}, over)});
    const ir::TensorType last{result.type.dtype, rows.shape};
    if (last.shape == result.type.shape) {
      add("add", last, {logarithm, shift}, {}, result.name);
    } else {
      const ir::ValueName total = add("add", last, {logarithm, shift});
      add("reshape", result.type, {total}, {}, result.name);
    }
    return true;
  }

  const Traced& traced_;
  Rewriter out_;
  uint32_t origin_ = 0;
};

}  // namespace

void expand_reductions(Traced& traced) {
  const std::vector<ir::Instruction>& all = traced.program.instructions;
  if (std::any_of(all.begin(), all.end(), is_expanded)) traced = Expander(traced).run();
}

}  // namespace gpu_node::fuse
