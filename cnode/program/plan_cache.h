// Plans by what they were made from, so that an instruction like one before it is not planned again: an eager op is
// mostly one that has just been done with other tensors.
//
// A plan is a function of the op, its attributes, the types and layouts of its operands, its literals and its results'
// types; all of that is the key, so that a hit is exact. Bounded: a new plan takes the place of an old one. Device
// thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ir/infer.h"
#include "ir/layout_key.h"
#include "ir/program.h"
#include "kernels/plan.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::program {

// A plan and, by dispatch, the kernel once it is known. Kernels live as long as their cache. Shared with those who keep
// a plan beyond its place in the cache.
struct CachedPlan : std::enable_shared_from_this<CachedPlan> {
  explicit CachedPlan(kernels::Plan&& made) : plan(std::move(made)), kernels(plan.dispatches.size()) {}

  // Of this process's memory; about so many.
  uint64_t host_bytes() const;

  kernels::Plan plan;
  std::vector<const vulkan::Kernel*> kernels;
};

// What an instruction comes to for operands of certain types and layouts. The same for all tensors that lie alike.
struct Resolved {
  ir::TensorTypes types;         // of the results
  CachedPlan* plan = nullptr;    // nothing is dispatched without one; valid until the next is resolved
  std::optional<IndexMap> view;  // the result is a view: of the first operand, or of the copy of it that |plan| makes
};

class PlanCache {
 public:
  PlanCache();

  // Begins a look-up: operands follow in order, then find().
  void begin(const ir::Instruction& instruction);
  void begin(const ir::Map& map);
  void begin(const ir::Rows& rows);
  void begin(const ir::Finished& finished);
  // The same for a row-major copy of one tensor.
  void begin_copy();
  void add(Dtype dtype, const IndexMap& map) { key_.add(dtype, map); }
  void add(const Scalar& literal) { key_.add(literal); }
  // The plan of what was begun, or nullptr.
  CachedPlan* find();
  // Whether the last find() found nothing.
  bool missed() const { return missed_; }

  // Keeps |plan| for what was begun last; valid until the next keep().
  CachedPlan& keep(kernels::Plan&& plan);

 private:
  struct Entry {
    uint64_t hash = 0;
    std::vector<uint64_t> key;
    std::shared_ptr<CachedPlan> plan;
  };

  std::vector<Entry> entries_;  // by hash; each has one place
  ir::LayoutKey key_;           // of what was begun
  uint64_t hash_ = 0;
  bool missed_ = false;
  std::shared_ptr<CachedPlan> unkept_;  // a plan too large to be kept
};

}  // namespace gpu_node::program
