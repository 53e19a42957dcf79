#include "fuse/simplify.h"

#include <unordered_map>

#include "base/flat_map.h"
#include "base/hash.h"
#include "ir/layout_key.h"

namespace gpu_node::fuse {
namespace {

struct Hash {
  size_t operator()(const std::vector<uint64_t>& words) const { return hash_of(words); }
};

// All that an instruction's results depend on.
std::vector<uint64_t> key_of(const ir::Instruction& instruction) {
  ir::LayoutKey key;
  key.add(instruction);
  for (const ir::Operand& operand : instruction.operands) {
    key.add(uint64_t{operand.index()});
    std::visit([&key](const auto& one) { key.add(one); }, operand);
  }
  return key.words();
}

}  // namespace

void drop_unused(Traced& traced) {
  ir::Program& program = traced.program;
  FlatMap<bool> used;
  const auto use = [&used](ir::ValueName name) {
    if (used.find(name) == nullptr) used.insert(name, true);
  };
  for (const ir::ValueName name : program.outputs) use(name);
  std::vector<ir::Instruction> kept;
  std::vector<uint32_t> origins;
  for (size_t i = program.instructions.size(); i-- > 0;) {
    ir::Instruction& instruction = program.instructions[i];
    bool wanted = false;
    for (const ir::Definition& result : instruction.results) wanted = wanted || used.find(result.name) != nullptr;
    if (!wanted) continue;
    for (const ir::Operand& operand : instruction.operands)
      if (const auto* name = std::get_if<ir::ValueName>(&operand)) use(*name);
    kept.push_back(std::move(instruction));
    origins.push_back(traced.origins[i]);
  }
  traced.origins.assign(origins.rbegin(), origins.rend());
  program.instructions.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

void share_equal(Traced& traced) {
  ir::Program& program = traced.program;
  std::unordered_map<std::vector<uint64_t>, size_t, Hash> known;  // to its place in |kept|
  FlatMap<ir::ValueName> same;                                    // what a name is called from now on
  const auto rename = [&same](ir::ValueName& name) {
    if (const ir::ValueName* other = same.find(name)) name = *other;
  };
  std::vector<ir::Instruction> kept;
  std::vector<uint32_t> origins;
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    ir::Instruction& instruction = program.instructions[i];
    for (ir::Operand& operand : instruction.operands)
      if (auto* name = std::get_if<ir::ValueName>(&operand)) rename(*name);
    const auto [found, is_new] = known.emplace(key_of(instruction), kept.size());
    if (is_new) {
      kept.push_back(std::move(instruction));
      origins.push_back(traced.origins[i]);
      continue;
    }
    const ir::Instruction& first = kept[found->second];
    for (size_t k = 0; k < instruction.results.size(); ++k)
      same.insert(instruction.results[k].name, first.results[k].name);
  }
  program.instructions = std::move(kept);
  traced.origins = std::move(origins);
  for (ir::ValueName& name : program.outputs) rename(name);
}

}  // namespace gpu_node::fuse
