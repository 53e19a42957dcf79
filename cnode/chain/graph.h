// Scalar programs under construction: values in SSA form, each made once however often it is asked for (hash-consed),
// simplified as they are made. The same kind of list, finished, is a Program.
//
// A value may vary over indices. An index runs over a dimension; |sum| makes a value that no longer varies over one. A
// value is a function of the indices in its |free| set and of nothing else, so that any two loops over a dimension may
// share what they compute. Several indices over one dimension have numbers 0, 1, ... and sums that do not lie in each
// other use the same one.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "chain/scalar_op.h"

namespace gpu_node::chain {

using ValueId = uint32_t;
using IndexId = uint16_t;
using IndexSet = uint64_t;  // bit i: IndexId i

inline constexpr ValueId kNoValue = ~ValueId{0};
inline constexpr size_t kMaxIndices = 64;
inline constexpr size_t kMaxValues = 1 << 16;

struct Index {
  uint16_t dimension;
  uint16_t number;
};

enum class ValueKind : uint8_t {
  kConstant,    // |number|
  kParameter,   // hyper-parameter |symbol|
  kCoordinate,  // unconstrained variable |symbol|, at operand 0 where it has a dimension
  kData,        // data |symbol|, at as many operands as it has dimensions
  kIndex,       // index |symbol|, counted from 0
  kSize,        // how long dimension |symbol| is
  kApply,       // |op| of the operands
  kSum,         // of operand 0 over index |symbol|
  kDetach,      // operand 0, a constant to differentiation; not in finished programs
};

struct Value {
  ValueKind kind = ValueKind::kConstant;
  ScalarOp op = ScalarOp::kAdd;
  uint8_t operand_count = 0;
  uint16_t symbol = 0;
  bool varies = false;  // with the coordinates; what does not is computed once for all steps
  IndexSet free = 0;
  double number = 0;
  std::array<ValueId, kMaxOperands> operands{};

  std::span<const ValueId> operand_list() const { return {operands.data(), operand_count}; }
};

class Graph {
 public:
  enum class Simplify : uint8_t { kYes, kNo };
  explicit Graph(Simplify simplify = Simplify::kYes) : simplify_(simplify == Simplify::kYes) {}

  ValueId constant(double number);
  ValueId parameter(uint16_t symbol);
  ValueId coordinate(uint16_t symbol, ValueId index = kNoValue);
  ValueId data(uint16_t symbol, std::span<const ValueId> indices);
  ValueId size(uint16_t dimension);
  ValueId index(IndexId id);
  ValueId detach(ValueId value);
  ValueId sum(IndexId index, ValueId body);
  // REQUIRES as many operands as |op| has.
  ValueId apply(ScalarOp op, std::span<const ValueId> operands);
  ValueId apply(ScalarOp op, ValueId a) { return apply(op, std::array{a}); }
  ValueId apply(ScalarOp op, ValueId a, ValueId b) { return apply(op, std::array{a, b}); }
  ValueId apply(ScalarOp op, ValueId a, ValueId b, ValueId c) { return apply(op, std::array{a, b, c}); }

  // |value| as it is: for rules whose result would match them again.
  ValueId unsimplified(const Value& value) { return intern(value); }

  // The index over |dimension| with |number|. At most kMaxIndices in all: see full().
  IndexId index_over(uint16_t dimension, uint16_t number);
  // The first index over |dimension| that is not in |taken|.
  IndexId fresh_index(uint16_t dimension, IndexSet taken);

  // |value| with two indices exchanged throughout.
  ValueId exchange(ValueId value, IndexId a, IndexId b);

  const Value& operator[](ValueId id) const { return values_[id]; }
  const std::vector<Value>& values() const { return values_; }
  const std::vector<Index>& indices() const { return indices_; }
  // Whether a limit was reached: what was made since is not to be used.
  bool full() const { return full_; }
  bool simplifies() const { return simplify_; }

 private:
  ValueId intern(Value value);

  struct Hash {
    size_t operator()(const Value& value) const;
  };
  struct Same {
    bool operator()(const Value& a, const Value& b) const;
  };

  bool simplify_;
  bool full_ = false;
  std::vector<Value> values_;
  std::vector<Index> indices_;
  std::unordered_map<Value, ValueId, Hash, Same> known_;
};

// Whether a constant may be taken out of what it multiplies: far from where floats of any type overflow or lose digits.
inline bool is_ordinary(double factor) { return std::fabs(factor) > 1e-30 && std::fabs(factor) < 1e30; }

inline IndexSet index_bit(size_t id) { return IndexSet{1} << id; }

}  // namespace gpu_node::chain
