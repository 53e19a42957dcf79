// Which names went of late, and how: for the errors of those who ask for one. Device thread only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "service/request.h"

namespace gpu_node::service {

enum class Departure : uint8_t { kFreed, kCollected };

// A ring: noting costs a store, and finding, which only errors do, a walk.
class Departed {
 public:
  static constexpr size_t kKept = 16'384;

  void note(const TensorName& name, Departure how) {
    if (ring_.size() < kKept) {
      ring_.push_back({name, how});
    } else {
      ring_[next_] = {name, how};
      next_ = (next_ + 1) % kKept;
    }
  }

  std::optional<Departure> find(const TensorName& name) const {
    for (const Entry& entry : ring_)
      if (entry.name == name) return entry.how;
    return std::nullopt;
  }

 private:
  struct Entry {
    TensorName name;
    Departure how = Departure::kFreed;
  };
  std::vector<Entry> ring_;
  size_t next_ = 0;
};

}  // namespace gpu_node::service
