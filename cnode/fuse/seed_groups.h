// Which reductions of rows, and which products, are computed together with instructions beside them: groups that grow
// around each (grower.h).
#pragma once

#include <cstdint>
#include <vector>

#include "fuse/grower.h"

namespace gpu_node::fuse {

class SeedGroups {
 public:
  SeedGroups(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits);

  const std::vector<SeedGroup>& groups() const { return groups_; }
  // The group of an instruction, or Graph::kNone.
  uint32_t group_of(uint32_t instruction) const { return group_of_[instruction]; }

 private:
  void keep(SeedGroup&& group);
  bool is_apart(const SeedGroup& group) const;

  const ir::Program& program_;
  const Graph& graph_;
  std::vector<SeedGroup> groups_;
  std::vector<uint32_t> group_of_;
};

}  // namespace gpu_node::fuse
