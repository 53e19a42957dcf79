// What a group's code says, for keys, and what it takes.
#include "base/concat.h"
#include "kernels/loop/group_code.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

void append_read(const GroupRead& read, std::string& text) {
  text += read.value ? concat(" ", *read.value) : concat(" c");
  if (read.is_plain()) text += 'p';
}

}  // namespace

void GroupCode::append_text(std::string& text) const {
  for (const GroupValue& value : values) text += concat(dtype_name(value.type), value.is_number() ? "n " : "a ");
  text += concat(inputs);
  for (const GroupStage& stage : stages) {
    text += " |";
    for (const GroupElements& one : stage.elements) {
      text += one.count == 1 ? " n(" : " e(";
      one.block.append_text(text);
      text += ')';
      for (const GroupRead& read : one.reads) append_read(read, text);
      text += " >";
      for (const uint32_t value : one.writes) text += concat(" ", value);
    }
    for (const GroupReduction& one : stage.reductions) {
      text += concat(" ", accumulator_name(one.accumulator), " ", dtype_name(one.element));
      for (const GroupRead& read : one.sources) text += concat(" ", *read.value);
      text += concat(" > ", one.result);
    }
  }
  text += " =";
  for (const uint32_t value : outputs) text += concat(" ", value);
}

uint64_t host_bytes(const GroupCode& code) {
  uint64_t bytes = sizeof(code) + code.values.size() * sizeof(GroupValue);
  for (const GroupStage& stage : code.stages) {
    bytes += sizeof(stage) + stage.reductions.size() * sizeof(GroupReduction);
    for (const GroupElements& one : stage.elements)
      bytes += sizeof(one) + one.block.values().size() * sizeof(scalar::Value) + one.reads.size() * sizeof(GroupRead);
  }
  return bytes;
}

}  // namespace gpu_node::kernels
