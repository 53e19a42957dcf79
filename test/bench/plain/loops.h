// What ops of each family are as plain loops: one thread, f32, row-major, nothing that a reader of a textbook would not
// write. They are what test/bench/families.exs holds the node's kernels against, and its oracle.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gpu_node::bench {

// Elements of four bytes: f32, or s32 where an op has such operands or results.
union Element {
  float real;
  int32_t integer;
};
using Elements = std::vector<Element>;

// What a loop works on: operands, the sizes that the op is about, and results, which the loop makes as long as they
// are.
struct Job {
  std::vector<Elements> operands;
  std::vector<int64_t> sizes;
  std::vector<Elements> results;

  const Element* operand(size_t i) const { return operands[i].data(); }
  int64_t count(size_t i = 0) const { return static_cast<int64_t>(operands[i].size()); }
  // Result |i|, of |count| elements: memory of an earlier round again.
  Element* result(int64_t count, size_t i = 0) {
    if (results.size() <= i) results.resize(i + 1);
    results[i].resize(static_cast<size_t>(count));
    return results[i].data();
  }
};

// The function that folds have: the greater of x and of what was kept, a little less.
inline float kept(float x, float acc) { return acc * 0.999F > x ? acc * 0.999F : x; }

struct Loop {
  std::string_view name;
  void (*run)(Job&);
};

std::span<const Loop> element_loops();
std::span<const Loop> move_loops();
std::span<const Loop> window_loops();
std::span<const Loop> matrix_loops();
std::span<const Loop> factor_loops();

}  // namespace gpu_node::bench
