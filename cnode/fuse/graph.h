// A program's values by number, with who makes and who uses each: what the passes ask.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/flat_map.h"
#include "ir/program.h"

namespace gpu_node::fuse {

// Whether |instruction| is computed element by element: one result, from elements of its operands at the same place.
bool is_elementwise(const ir::Instruction& instruction);

// Whether |instruction| puts its operands together along an axis, and which.
bool is_concatenation(const ir::Instruction& instruction);
int axis_of(const ir::Instruction& concatenation);

// Of short lists of values.
bool contains(std::span<const uint32_t> list, uint32_t value);

class Graph {
 public:
  // Of an input there is no maker.
  static constexpr uint32_t kNone = ~uint32_t{0};

  struct Value {
    ir::ValueName name = 0;
    const ir::TensorType* type = nullptr;
    uint32_t maker = kNone;  // an instruction
    bool is_output = false;
    std::vector<uint32_t> users;  // instructions, in order; one that takes it twice stands twice
  };

  // REQUIRES a checked program, which outlives the graph unchanged.
  explicit Graph(const ir::Program& program);

  size_t values() const { return values_.size(); }
  const Value& operator[](uint32_t value) const { return values_[value]; }
  uint32_t number(ir::ValueName name) const { return *numbers_.find(name); }
  // Result |k| of instruction |i|.
  uint32_t result(uint32_t i, size_t k = 0) const { return first_results_[i] + static_cast<uint32_t>(k); }
  const Value& value(ir::ValueName name) const { return values_[number(name)]; }

 private:
  std::vector<Value> values_;
  std::vector<uint32_t> first_results_;
  FlatMap<uint32_t> numbers_;
};

// Makes names that a program does not have yet.
class FreshNames {
 public:
  explicit FreshNames(const ir::Program& program);
  ir::ValueName next() { return --last_; }

 private:
  ir::ValueName last_ = 0;
};

}  // namespace gpu_node::fuse
