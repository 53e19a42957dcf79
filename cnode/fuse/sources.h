// Values that a map need not read: the numbers of an iota, a constant, and views of these.
#pragma once

#include <optional>
#include <vector>

#include "fuse/graph.h"
#include "ir/map.h"

namespace gpu_node::fuse {

class Sources {
 public:
  Sources(const ir::Program& program, const Graph& graph);

  // What stands for |value|, or nothing: then it is read.
  const std::optional<ir::MapSource>& of(uint32_t value) const { return sources_[value]; }

 private:
  std::vector<std::optional<ir::MapSource>> sources_;
};

}  // namespace gpu_node::fuse
