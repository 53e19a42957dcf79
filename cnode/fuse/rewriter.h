// A program that is written anew, an instruction after the other, of which what was written last may be taken back.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "fuse/graph.h"
#include "fuse/steps.h"

namespace gpu_node::fuse {

class Rewriter {
 public:
  explicit Rewriter(const Traced& traced);

  // Appends |instruction|; one that is new has a result called next_name(). Of what uses a value counts each
  // instruction once.
  void append(ir::Instruction instruction, uint32_t origin);
  ir::ValueName next_name() { return fresh_.next(); }
  // A result of a new name that one instruction will use.
  ir::Definition define(ir::TensorType type);
  // Takes back what makes |name|.
  ir::Instruction take(ir::ValueName name);

  // The instruction that makes |name|; nullptr for an input. Valid until the next append().
  const ir::Instruction* maker(ir::ValueName name) const;
  uint32_t origin(ir::ValueName name) const { return origins_[*makers_.find(name)]; }
  const ir::TensorType& type(ir::ValueName name) const;
  // How often |name| is used in the program as it was, outputs included; of what is new how often in what was appended.
  size_t uses(ir::ValueName name) const;
  // Counts one more instruction that uses |name| (of what was there, one in the place of another counts nothing).
  void add_use(ir::ValueName name) { count(name); }

  Traced finish() &&;

 private:
  void count(ir::ValueName name);

  const ir::Program& program_;
  FreshNames fresh_;
  std::vector<std::optional<ir::Instruction>> instructions_;
  std::vector<uint32_t> origins_;
  FlatMap<uint32_t> makers_;  // by name, the place of its instruction
  FlatMap<uint32_t> uses_;
};

// One of |op|, with one result.
ir::Instruction instruction_of(std::string_view op, std::initializer_list<ir::Operand> operands, ir::Definition result,
                               ir::Attributes attributes = {});

// Whether |instruction| is made by an op that looks at the elements of its first operand in another way.
bool is_view(const ir::Instruction& instruction);
// Whether it has all of them in the same order.
bool is_reshape(const ir::Instruction& instruction);

}  // namespace gpu_node::fuse
