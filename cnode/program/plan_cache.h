// Plans by what they were made from, so that an instruction like one before it is not planned again: an eager op is
// mostly one that has just been done with other tensors.
//
// A plan is a function of the op, its attributes, the types and layouts of its operands, its literals and its result's
// type; all of that is the key, so that a hit is exact. Bounded: a new plan takes the place of an old one. Device
// thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ir/program.h"
#include "kernels/plan.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::program {

// A plan and, by dispatch, the kernel once it is known. Kernels live as long as their cache.
struct CachedPlan {
  explicit CachedPlan(kernels::Plan&& made) : plan(std::move(made)), kernels(plan.dispatches.size()) {}

  kernels::Plan plan;
  std::vector<const vulkan::Kernel*> kernels;
};

class PlanCache {
 public:
  PlanCache();

  // Begins a look-up: operands follow in order, then find().
  void begin(const ir::Instruction& instruction);
  void add(Dtype dtype, const IndexMap& map, uint64_t storage_bytes);
  void add(const Scalar& literal);
  // The plan of what was begun, or nullptr.
  CachedPlan* find();

  // Keeps |plan| for what was begun last; valid until the next keep().
  CachedPlan& keep(kernels::Plan&& plan);

 private:
  struct Entry {
    uint64_t hash = 0;
    std::vector<uint64_t> key;
    std::unique_ptr<CachedPlan> plan;
  };

  void add(const Dims& dims);

  std::vector<Entry> entries_;  // by hash; each has one place
  std::vector<uint64_t> key_;   // of what was begun
  uint64_t hash_ = 0;
  std::unique_ptr<CachedPlan> unkept_;  // a plan too large to be kept
};

}  // namespace gpu_node::program
