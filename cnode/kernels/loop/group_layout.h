// Where a group's code finds its numbers: which parameters say where arrays lie in shared memory, how reads step
// through them, how reductions are walked. All that follows from shapes is parameters, so one kernel serves them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/loop/group_code.h"
#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// By parameter: a start, then each axis's size and stride. Plain reads have the start alone, numbers nothing.
struct ReadLayout {
  uint32_t at = 0, rank = 0;
};
struct ElementsLayout {
  uint32_t count = 0;  // parameter
  std::vector<ReadLayout> reads;
  std::vector<uint32_t> writes;  // parameter of each: where the array begins
};
// By parameter: outputs, count, log2 of lanes, outputs at a time, where an array for results begins, each source's
// start; axes with their size and a stride for each source, the kept ones first.
struct ReductionLayout {
  static constexpr uint32_t kOutputs = 0, kCount = 1, kLogLanes = 2, kAtOnce = 3, kResults = 4, kStarts = 5;
  uint32_t at = 0, kept_rank = 0, walk_rank = 0;
  bool fours = false;
  size_t accumulator = 0;  // in GroupMemory
};
struct StageLayout {
  std::vector<ElementsLayout> elements;
  std::vector<ReductionLayout> reductions;
};
using GroupLayout = std::vector<StageLayout>;

// Shared memory: arrays of each compute type, and what reductions keep. Lengths are powers of two.
class GroupMemory {
 public:
  struct Array {
    std::string_view type;  // GLSL
    Dtype element = Dtype::f32;
    int64_t length = 0;
  };
  struct Accumulators {
    Accumulator accumulator = Accumulator::kSum;
    Dtype element = Dtype::f32;
    bool products = false;
    int64_t length = 0;
  };

  // Has |elements| of |type| be there.
  void reserve(Dtype type, int64_t elements);
  size_t reserve(Accumulator accumulator, Dtype element, bool products, int64_t lanes);

  const std::vector<Array>& arrays() const { return arrays_; }
  const std::vector<Accumulators>& accumulators() const { return accumulators_; }
  int64_t bytes() const;
  void append_text(std::string& text) const;

 private:
  std::vector<Array> arrays_;
  std::vector<Accumulators> accumulators_;
};

// Lays out codes that follow each other in one kernel, each over what it is given.
class GroupPlanner {
 public:
  explicit GroupPlanner(PlanBuilder& plan);

  uint32_t invocations() const { return invocations_; }
  // Room for an array that stays; 0 for a number.
  uint32_t place(const GroupValue& value);
  uint32_t add_word(int64_t value);
  // |inputs|: where they lie. Nothing where it is no work for a workgroup. Errors: kUnsupported.
  Result<std::optional<GroupLayout>> add(const GroupCode& code, std::span<const uint32_t> inputs);
  // Where outputs of the code that was added last lie.
  uint32_t offset(uint32_t value) const { return offsets_[value]; }

  std::span<const uint32_t> words() const { return words_; }
  const GroupMemory& memory() const { return memory_; }
  // Of all code that was added: steps of all elements, those of an invocation, and how often its loops run.
  double steps() const { return steps_; }
  double steps_in_line() const { return steps_in_line_; }
  double iterations() const { return iterations_; }

 private:
  void find_offsets(const GroupCode& code, std::span<const uint32_t> inputs);
  ReadLayout add_read(const GroupCode& code, const GroupRead& read);
  Result<std::optional<ReductionLayout>> add_reduction(const GroupCode& code, const GroupReduction& one);
  void count(double elements, double steps);

  PlanBuilder& plan_;
  const uint32_t invocations_;
  std::vector<uint32_t> words_;
  GroupMemory memory_;
  std::vector<std::pair<std::string_view, int64_t>> fixed_;  // by type: elements that stay
  std::vector<uint32_t> offsets_;                            // by value of the code at hand
  double steps_ = 0, steps_in_line_ = 0, iterations_ = 0;
};

// What the lines of a block cost, in plain steps.
double steps_of(const scalar::Block& block);

// Appends all ranks and the like, which a kernel's text depends on.
void append_text(const GroupLayout& layout, std::string& text);

}  // namespace gpu_node::kernels
