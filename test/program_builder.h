// Programs written by hand, an op a call.
#pragma once

#include <initializer_list>
#include <string_view>

#include "ir/program.h"

namespace gpu_node::test {

struct ProgramBuilder {
  ir::Program program;

  ir::ValueName input(Dtype dtype, const Shape& shape) {
    program.inputs.push_back({dtype, shape});
    return static_cast<ir::ValueName>(program.inputs.size()) - 1;
  }
  // Appends |op|, whose result is |dtype| of |shape|.
  ir::ValueName op(std::string_view op, Dtype dtype, const Shape& shape, std::initializer_list<ir::Operand> operands,
                   ir::Attributes attributes = {}) {
    ir::Instruction made;
    made.op = &ir::op_called(op);
    made.operands.append(operands.begin(), operands.end());
    made.results.push_back({--last, {dtype, shape}});
    made.attributes = std::move(attributes);
    program.instructions.push_back(std::move(made));
    return last;
  }
  ir::Program with_outputs(std::initializer_list<ir::ValueName> outputs) {
    program.outputs = outputs;
    return std::move(program);
  }

 private:
  ir::ValueName last = 0;
};

}  // namespace gpu_node::test
