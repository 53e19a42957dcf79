// Whether what comes of a session later needs ids that are being made, or lets go of them all before that.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "service/work.h"

namespace gpu_node::service {

class LaterUse {
 public:
  explicit LaterUse(std::span<const int64_t> ids) : left_(ids.begin(), ids.end()) {}

  // Looks at what comes next: whether it needs one of those that nothing before it let go of.
  bool needs(const Command& command);
  bool needs(const Work& work);
  // Nothing has let go of these.
  bool any_left() const { return !left_.empty(); }

 private:
  bool is_left(int64_t id) const;
  void forget(std::span<const int64_t> ids);

  std::vector<int64_t> left_;
};

}  // namespace gpu_node::service
