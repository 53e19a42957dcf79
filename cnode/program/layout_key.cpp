#include "program/layout_key.h"

#include <bit>

namespace gpu_node::program {

void LayoutKey::add(const Scalar& literal) {
  words_.push_back(kLiteral | static_cast<uint64_t>(literal.dtype) |
                   static_cast<uint64_t>(literal.value.index()) << 16);
  if (const auto* integer = std::get_if<int64_t>(&literal.value)) {
    words_.push_back(static_cast<uint64_t>(*integer));
  } else if (const auto* natural = std::get_if<uint64_t>(&literal.value)) {
    words_.push_back(*natural);
  } else if (const auto* real = std::get_if<double>(&literal.value)) {
    words_.push_back(std::bit_cast<uint64_t>(*real));
  } else {
    const auto& value = std::get<std::complex<double>>(literal.value);
    words_.push_back(std::bit_cast<uint64_t>(value.real()));
    words_.push_back(std::bit_cast<uint64_t>(value.imag()));
  }
}

void LayoutKey::add(const ir::Function& function) {
  words_.push_back(function.steps.size());
  for (const ir::FunctionStep& step : function.steps) {
    words_.push_back(uint64_t{step.op->index} << 16 | step.operands.size() << 8 | static_cast<uint64_t>(step.type));
    for (const ir::FunctionStep::Operand& operand : step.operands) {
      if (const auto* literal = std::get_if<Scalar>(&operand))
        add(*literal);
      else
        add(std::get<int64_t>(operand));
    }
  }
}

}  // namespace gpu_node::program
