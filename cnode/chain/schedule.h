// In which loops the skeleton computes a program: what is known before it starts, what is kept between loops, and what
// is computed inside of one. Depends on the program alone, not on sizes.
//
// A value that does not vary with the coordinates is known: the host computes it. Of those that vary, the sums, the
// results, and what a loop over more indices needs of one over fewer are kept, in memory of the chain; the rest is
// computed where it is used. Kept values that run over the same indices and do not need each other share a loop.
#pragma once

#include <optional>
#include <vector>

#include "chain/program.h"

namespace gpu_node::chain {

// Numbers of a chain between loops: one for each place of |free|, in row-major order.
struct Slot {
  IndexSet free = 0;
  std::optional<uint16_t> gradient_of;  // the derivative with respect to this variable
};

// |value|, computed at each place of the loop, goes to |slot|.
struct Store {
  ValueId value = 0;
  uint32_t slot = 0;
};

// One loop over the places of |outer|, and inside of it one over |inner|. Sums run over |inner|. Stores stand in stages
// without |inner|, or without |outer|: then one for each place of |inner|.
struct Stage {
  IndexSet outer = 0;
  std::optional<IndexId> inner;
  std::vector<Store> stores;
  std::vector<Store> sums;  // of the value's body

  IndexSet loops() const { return outer | (inner ? index_bit(*inner) : 0); }
};

struct Schedule {
  std::vector<Index> indices;  // the program's, and those that only results need
  std::vector<ValueId> known;  // do not vary and are read by what does; in the host's order
  std::vector<Slot> slots;
  std::vector<Stage> stages;  // in order; one needs what earlier ones stored
  uint32_t logp_slot = 0;

  std::vector<int32_t> known_at;  // by value: its place in |known|, or -1
  std::vector<int32_t> slot_of;   // by value: where it is kept, or -1
};

Schedule make_schedule(const Program& program);

// The members of |set|, ascending: the order of row-major places.
std::vector<IndexId> members(IndexSet set);

}  // namespace gpu_node::chain
