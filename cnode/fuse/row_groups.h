// Which reductions of rows are computed together, and with which elementwise instructions.
//
// Around a reduction everything grows that is of the same rows: what takes its result, or that of what joined before,
// and waits for nobody outside who does; what only such instructions take. So a group is computed at once: nothing goes
// out of it and comes back. Views of numbers of rows (keeping an axis or not, broadcasting to the elements) are seen
// through.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "fuse/limits.h"
#include "fuse/row_domain.h"
#include "fuse/sources.h"

namespace gpu_node::fuse {

struct RowGroup {
  RowDomain domain;
  std::vector<uint32_t> members;  // instructions, ascending
  std::vector<bool> of_rows;      // by member: a number of each row, not of each element
  std::vector<uint32_t> results;  // values of members that others want
  // What members may take for which value of a member: views of numbers of rows.
  std::unordered_map<uint32_t, uint32_t> views;
};

class RowGroups {
 public:
  RowGroups(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits);

  const std::vector<RowGroup>& groups() const { return groups_; }
  // The group of an instruction, or Graph::kNone.
  uint32_t group_of(uint32_t instruction) const { return group_of_[instruction]; }

 private:
  bool is_apart(const RowGroup& group) const;

  const ir::Program& program_;
  const Graph& graph_;
  std::vector<RowGroup> groups_;
  std::vector<uint32_t> group_of_;
};

}  // namespace gpu_node::fuse
