#include "ir/layout_key.h"

#include <bit>

namespace gpu_node::ir {

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

void LayoutKey::add(const Function& function) {
  words_.push_back(function.steps.size());
  for (const FunctionStep& step : function.steps) {
    words_.push_back(uint64_t{step.op->index} << 16 | step.operands.size() << 8 | static_cast<uint64_t>(step.type));
    for (const FunctionStep::Operand& operand : step.operands) {
      if (const auto* literal = std::get_if<Scalar>(&operand))
        add(*literal);
      else
        add(std::get<int64_t>(operand));
    }
  }
}

void LayoutKey::add(const MapSource& source) {
  words_.push_back(source.index());
  if (const auto* operand = std::get_if<uint32_t>(&source))
    words_.push_back(*operand);
  else if (const auto* number = std::get_if<Scalar>(&source))
    add(*number);
  else
    add(std::get<Counter>(source).type, std::get<Counter>(source).map);
}

void LayoutKey::add(const std::vector<AlignedSource>& sources) {
  words_.push_back(sources.size());
  for (const AlignedSource& source : sources) {
    add(source.from);
    add(source.shape);
    add(source.axes);
  }
}

void LayoutKey::add(const std::vector<MapStep>& steps) {
  words_.push_back(steps.size());
  for (const MapStep& step : steps) {
    words_.push_back(uint64_t{step.op->index} << 16 | step.operands.size() << 8 | static_cast<uint64_t>(step.type));
    for (const uint32_t operand : step.operands) words_.push_back(operand);
  }
}

void LayoutKey::add(const std::vector<MapPart>& parts) {
  words_.push_back(parts.size());
  for (const MapPart& part : parts) {
    add(part.shape);
    words_.push_back(part.sources.size());
    for (const MapSource& source : part.sources) add(source);
    add(part.steps);
    words_.push_back(part.results.size());
    for (const MapResult& result : part.results) {
      words_.push_back(uint64_t{result.value} << 32 | result.result);
      add(result.map.shape);
      add(result.map.strides);
      add(result.map.offset);
    }
  }
}

void LayoutKey::add(const Rows& rows) {
  add(rows.shape);
  add(rows.reduced);
  add(rows.sources);
  add(rows.steps);
  words_.push_back(rows.written.size());
  for (const RowResult& result : rows.written) words_.push_back(uint64_t{result.value} << 1 | (result.of_rows ? 1 : 0));
}

void LayoutKey::add(const Instruction& instruction) {
  add(uint64_t{instruction.op->index});
  for (const Definition& result : instruction.results) add(result.type);
  instruction.attributes.visit([this](std::string_view, const auto& field) { add(field); });
}

void LayoutKey::add(const Finished& finished) {
  add(finished.instruction);
  add(finished.sources);
  add(finished.steps);
  words_.push_back(finished.written.size());
  for (const FinishedResult& result : finished.written) {
    words_.push_back(result.value);
    add(result.axes);
  }
}

}  // namespace gpu_node::ir
