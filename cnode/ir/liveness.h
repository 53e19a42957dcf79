// Where the values of a list of instructions end: after the last instruction that uses them, so that their memory is
// free for those that follow. The same for what a message runs once and for what is compiled.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/flat_map.h"
#include "ir/program.h"

namespace gpu_node::ir {

// Calls |use| with each operand that has a name, and each result.
template <typename Use>
void each_name(const Instruction& instruction, Use use) {
  for (const Operand& operand : instruction.operands)
    if (const ValueName* name = std::get_if<ValueName>(&operand)) use(*name);
  for (const Definition& result : instruction.results) use(result.name);
}

class Liveness {
 public:
  // |names|(i, use) calls use with each name that stands in command i of |count|. Only local names, below 0, end; those
  // in |kept| never do.
  template <typename Names>
  void find(size_t count, Names names, std::span<const ValueName> kept = {}) {
    names_.clear();
    ends_.assign(count, 0);
    seen_.clear();
    for (const ValueName name : kept)
      if (seen_.find(name) == nullptr) seen_.insert(name, true);
    // From the end, so that the first use that is seen is the last.
    for (size_t i = count; i-- > 0;) {
      names(i, [this](ValueName name) { end(name); });
      ends_[i] = static_cast<uint32_t>(names_.size());
    }
  }

  // The names that nothing uses after command |i|: its operands' and, where nobody wants them, its results'.
  std::span<const ValueName> dying(size_t i) const {
    const size_t from = i + 1 < ends_.size() ? ends_[i + 1] : 0;
    return std::span(names_).subspan(from, ends_[i] - from);
  }

 private:
  void end(ValueName name) {
    if (name >= 0 || seen_.find(name) != nullptr) return;
    seen_.insert(name, true);
    names_.push_back(name);
  }

  std::vector<ValueName> names_;  // of the last instruction first
  std::vector<uint32_t> ends_;    // where those of each instruction end in names_
  FlatMap<bool> seen_;
};

}  // namespace gpu_node::ir
