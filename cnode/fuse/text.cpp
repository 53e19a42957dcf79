#include "fuse/text.h"

#include "base/concat.h"

namespace gpu_node::fuse {
namespace {

std::string number_text(const Scalar& number) {
  const std::string value = std::visit(
      [](const auto& one) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(one)>, std::complex<double>>)
          return concat(one.real(), "+", one.imag(), "i");
        else
          return concat(one);
      },
      number.value);
  return concat(value, ":", dtype_name(number.dtype));
}

// a ... z, a1 ...
std::string value_text(uint32_t value) {
  std::string text(1, static_cast<char>('a' + value % 26));
  if (value >= 26) append_part(text, value / 26);
  return text;
}

std::string map_text(const IndexMap& map) {
  return concat(shape_text(map.shape), "*", shape_text(map.strides), "+", map.offset);
}

std::string source_text(const ir::MapSource& source, const SmallList<ir::ValueName, 4>& operands) {
  if (const auto* number = std::get_if<Scalar>(&source)) return number_text(*number);
  if (const auto* counter = std::get_if<ir::Counter>(&source))
    return concat("count ", map_text(counter->map), ":", dtype_name(counter->type));
  return concat(operands[std::get<uint32_t>(source)]);
}

std::string steps_text(const std::vector<ir::MapStep>& steps, uint32_t value) {
  std::string text;
  for (const ir::MapStep& step : steps) {
    text += concat(" ", value_text(value++), " = ", step.op->name);
    for (const uint32_t operand : step.operands) text += concat(" ", value_text(operand));
    text += concat(" ", dtype_name(step.type), ";");
  }
  return text;
}

std::string part_text(const ir::MapPart& part, const ir::Map& whole) {
  std::string text = concat(" [", shape_text(part.shape), ":");
  uint32_t value = 0;
  for (const ir::MapSource& source : part.sources)
    text += concat(" ", value_text(value++), " = ", source_text(source, whole.operands), ";");
  text += steps_text(part.steps, value);
  for (const ir::MapResult& result : part.results) {
    text += concat(" > ", value_text(result.value));
    const ir::Definition& into = whole.results[result.result];
    if (result.map.is_row_major() && result.map.offset == 0 &&
        element_count(into.type.shape) == element_count(part.shape))
      continue;
    text += concat(" in ", into.name, " ", map_text(result.map));
  }
  return text + "]";
}

std::string results_text(const SmallList<ir::Definition, 1>& results) {
  std::string text;
  for (const ir::Definition& result : results)
    text += concat(text.empty() ? "" : ", ", result.name, " ", ir::text(result.type));
  return text;
}

std::string line(const ir::Instruction& instruction) {
  std::string text = concat(results_text(instruction.results), " = ", instruction.op->name);
  for (size_t k = 0; k < instruction.operands.size(); ++k) {
    text += k == 0 ? " " : ", ";
    text += instruction.is_literal(k) ? number_text(std::get<Scalar>(instruction.operands[k]))
                                      : concat(std::get<ir::ValueName>(instruction.operands[k]));
  }
  return concat(text, ir::attributes_text(instruction.attributes), "\n");
}

std::string line(const ir::Map& map) {
  std::string text = concat(results_text(map.results), " = map");
  for (const ir::ValueName name : map.operands) text += concat(name == map.operands[0] ? " " : ", ", name);
  for (const ir::MapPart& part : map.parts) text += part_text(part, map);
  return text + "\n";
}

std::string line(const ir::Rows& rows) {
  std::string text = concat(results_text(rows.results), " = rows");
  for (const ir::ValueName name : rows.operands) text += concat(name == rows.operands[0] ? " " : ", ", name);
  text += concat(" [", shape_text(rows.shape), " by");
  for (const uint8_t axis : rows.reduced) text += concat(" ", axis);
  text += ":";
  uint32_t value = 0;
  for (const ir::AlignedSource& source : rows.sources) {
    text += concat(" ", value_text(value++), " = ", source_text(source.from, rows.operands));
    if (!source.axes.empty()) text += concat(" at ", shape_text(source.axes));
    text += ";";
  }
  text += steps_text(rows.steps, value);
  for (const ir::RowResult& result : rows.written)
    text += concat(" > ", value_text(result.value), result.of_rows ? " of rows" : "");
  return text + "]\n";
}

std::string line(const ir::Finished& finished) {
  std::string text = concat(results_text(finished.results), " = ", finished.instruction.op->name);
  for (size_t k = 0; k < finished.operands.size(); ++k) text += concat(k == 0 ? " " : ", ", finished.operands[k]);
  text += concat(ir::attributes_text(finished.instruction.attributes), " [a ",
                 dtype_name(finished.instruction.results[0].type.dtype), ";");
  uint32_t value = 1;
  for (const ir::AlignedSource& source : finished.sources) {
    text += concat(" ", value_text(value++), " = ", source_text(source.from, finished.operands));
    if (!source.axes.empty()) text += concat(" at ", shape_text(source.axes));
    text += ";";
  }
  text += steps_text(finished.steps, value);
  for (const ir::FinishedResult& result : finished.written)
    text += concat(" > ", value_text(result.value), " at ", shape_text(result.axes));
  return text + "]\n";
}

std::string outputs_line(const std::vector<ir::ValueName>& outputs) {
  std::string text = "out";
  for (const ir::ValueName name : outputs) text += concat(" ", name);
  return text + "\n";
}

}  // namespace

std::string text(const ir::Program& program) {
  std::string text;
  for (const ir::Instruction& instruction : program.instructions) text += line(instruction);
  return text + outputs_line(program.outputs);
}

std::string text(const Steps& steps) {
  std::string text;
  for (const Step& step : steps.steps) text += std::visit([](const auto& work) { return line(work); }, step.work);
  return text + outputs_line(steps.outputs);
}

}  // namespace gpu_node::fuse
