// Rounds of many chains, cut into dispatches along chains, rounds and the pieces of a round, each of about as much work
// as is asked for. Where it is lies here, so a slice may end between any two of them. Pure planning, no device call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "chain/launch.h"

namespace gpu_node::chain {

// What one dispatch runs: piece |piece| of |count| rounds from |round| on, for |chains| chains from |first| on.
struct Part {
  uint64_t first = 0, chains = 0;
  size_t piece = 0;
  uint64_t round = 0, count = 0;
  double units = 0;  // of work
};

class Walk {
 public:
  Walk() = default;
  Walk(const Rounds& rounds, const RoundCost& cost, uint64_t chains_per_group)
      : pieces_(rounds.pieces.size()), most_in_one_(rounds.most_in_one), cost_(cost), per_group_(chains_per_group) {}

  // |count| rounds from |round| on, of |chains| chains.
  void begin(uint64_t chains, uint64_t round, uint64_t count);
  bool done() const { return left_ == 0; }
  // The first chain of the next dispatch.
  uint64_t chain() const { return chain_; }
  // Of work that is left, at most.
  double units() const { return effective(static_cast<double>(chains_)) * static_cast<double>(left_) * cost_.units; }

  // The next dispatch, of about |units| of work, a group of chains at least and |most_chains| at most. Goes on behind
  // it. REQUIRES !done().
  Part next(double units, uint64_t most_chains);

 private:
  double effective(double chains) const { return chains < cost_.at_once ? cost_.at_once : chains; }

  size_t pieces_ = 1;
  uint64_t most_in_one_ = 1;
  RoundCost cost_;
  uint64_t per_group_ = 1;
  uint64_t chains_ = 0, round_ = 0, left_ = 0;
  // Of the rounds that all chains go through before any goes on: how many; 0: none are begun.
  uint64_t taken_ = 0;
  // The chains that go through the pieces of those together.
  uint64_t chain_ = 0, window_ = 0;
  size_t piece_ = 0;
};

}  // namespace gpu_node::chain
