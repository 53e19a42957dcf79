// What a program comes to: instructions as they were sent, and maps, rows and finished ones in the place of others.
#pragma once

#include <variant>
#include <vector>

#include "ir/epilogue.h"
#include "ir/map.h"
#include "ir/program.h"
#include "ir/rows.h"

namespace gpu_node::fuse {

struct Step {
  std::variant<ir::Instruction, ir::Map, ir::Rows, ir::Finished> work;
  uint32_t origin = 0;  // the instruction of the program that was sent which its errors are told of

  const ir::Instruction* instruction() const { return std::get_if<ir::Instruction>(&work); }
  // The operands of what is no instruction: tensors, all of them.
  const SmallList<ir::ValueName, 4>* fused_operands() const {
    if (const auto* map = std::get_if<ir::Map>(&work)) return &map->operands;
    if (const auto* finished = std::get_if<ir::Finished>(&work)) return &finished->operands;
    const auto* rows = std::get_if<ir::Rows>(&work);
    return rows != nullptr ? &rows->operands : nullptr;
  }
  const SmallList<ir::Definition, 1>& results() const {
    return std::visit([](const auto& one) -> const SmallList<ir::Definition, 1>& { return one.results; }, work);
  }
  // Calls |use| with the name of each operand that has one, in order.
  template <typename Use>
  void each_operand(Use use) const {
    if (const auto* fused = fused_operands()) {
      for (const ir::ValueName name : *fused) use(name);
      return;
    }
    for (const ir::Operand& operand : instruction()->operands)
      if (const auto* name = std::get_if<ir::ValueName>(&operand)) use(*name);
  }
  // Calls |use| with the instructions of the program that was sent which something fused computes.
  template <typename Use>
  void each_origin(Use use) const {
    if (const auto* map = std::get_if<ir::Map>(&work))
      for (const ir::MapPart& part : map->parts)
        for (const ir::MapStep& one : part.steps) use(one.origin);
    if (const auto* rows = std::get_if<ir::Rows>(&work))
      for (const ir::MapStep& one : rows->steps) use(one.origin);
    if (const auto* finished = std::get_if<ir::Finished>(&work)) {
      use(finished->origin);
      for (const ir::MapStep& one : finished->steps) use(one.origin);
    }
  }
};

struct Steps {
  std::vector<Step> steps;
  std::vector<ir::ValueName> outputs;  // one may stand several times
};

// A program on its way: by instruction the one of the program that was sent.
struct Traced {
  ir::Program program;
  std::vector<uint32_t> origins;
};

}  // namespace gpu_node::fuse
