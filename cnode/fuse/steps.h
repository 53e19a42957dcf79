// What a program comes to: instructions as they were sent, and maps in the place of others.
#pragma once

#include <variant>
#include <vector>

#include "ir/map.h"
#include "ir/program.h"

namespace gpu_node::fuse {

struct Step {
  std::variant<ir::Instruction, ir::Map> work;
  uint32_t origin = 0;  // the instruction of the program that was sent which its errors are told of

  const ir::Instruction* instruction() const { return std::get_if<ir::Instruction>(&work); }
  const ir::Map* map() const { return std::get_if<ir::Map>(&work); }
  const SmallList<ir::Definition, 1>& results() const {
    return std::visit([](const auto& one) -> const SmallList<ir::Definition, 1>& { return one.results; }, work);
  }
  // Calls |use| with the name of each operand that has one, in order.
  template <typename Use>
  void each_operand(Use use) const {
    if (const ir::Map* of = map()) {
      for (const ir::ValueName name : of->operands) use(name);
      return;
    }
    for (const ir::Operand& operand : instruction()->operands)
      if (const auto* name = std::get_if<ir::ValueName>(&operand)) use(*name);
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
