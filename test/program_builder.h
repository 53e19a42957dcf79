// Programs written by hand, an op a call.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

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
  // Appends a loop over |state|; |body| gives as many values anew as it has outputs, of these |types|.
  std::vector<ir::ValueName> loop(const std::vector<ir::ValueName>& state, std::vector<ir::TensorType> types,
                                  ir::Program condition, ir::Program body) {
    ir::Instruction made;
    made.op = &ir::op_called("while");
    for (const ir::ValueName name : state) made.operands.emplace_back(name);
    std::vector<ir::ValueName> names;
    for (ir::TensorType& type : types) made.results.push_back({names.emplace_back(--last), std::move(type)});
    const auto first = static_cast<int64_t>(program.bodies.size());
    made.attributes = ir::WhileAttributes{{first}, {first + 1}};
    program.bodies.push_back(std::move(condition));
    program.bodies.push_back(std::move(body));
    program.instructions.push_back(std::move(made));
    return names;
  }
  ir::Program with_outputs(std::initializer_list<ir::ValueName> outputs) {
    program.outputs = outputs;
    return std::move(program);
  }

 private:
  ir::ValueName last = 0;
};

}  // namespace gpu_node::test
