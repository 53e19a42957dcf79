// Transforms of lengths of small primes: passes over parts of the length, of one workgroup for a few rows each.
#pragma once

#include <cstdint>
#include <optional>

#include "kernels/fourier/factors.h"
#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

struct Tables {
  std::optional<uint32_t> in, out;  // scratch, of the computing type
};

// What is done with numbers as they come and go.
struct Ends {
  Dtype computing = Dtype::c64;
  Tables tables;
  uint32_t flags = 0;
  double divisor = 1, divisor_2 = 1;
  double eps = -1;
  int64_t mirrored_length = 0;  // 0: they are not
};

// What lies between passes: scratch that each go over some of the rows takes in the same order. The first go is the
// largest.
class Room {
 public:
  explicit Room(PlanBuilder& plan) : plan_(plan) {}

  void begin() { next_ = 0; }
  Place take(Dtype dtype, const Shape& shape) {
    if (next_ == places_.size()) places_.push_back(plan_.add_scratch(dtype, shape));
    Place place = places_[next_++];
    place.map = IndexMap::row_major(shape);
    return place;
  }

 private:
  PlanBuilder& plan_;
  SmallList<Place, 3> places_;
  size_t next_ = 0;
};

// The parts of |length| whose passes |plan|'s device does best, from |from| to |to|; nothing where it has none.
std::optional<Parts> smooth_parts(const Place& from, const Place& to, int64_t length, Dtype computing,
                                  const PlanBuilder& plan);

// Transforms as append_transform's. REQUIRES that there are parts.
Result<void> append_smooth(const Place& from, const Place& to, int64_t length, const Ends& ends, Room& room,
                           PlanBuilder& plan);

}  // namespace gpu_node::kernels
