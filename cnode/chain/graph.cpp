#include "chain/graph.h"

#include <algorithm>
#include <bit>

#include "chain/simplify.h"

namespace gpu_node::chain {

size_t Graph::Hash::operator()(const Value& value) const {
  uint64_t hash = static_cast<uint64_t>(value.kind) << 24 | static_cast<uint64_t>(value.op) << 16 | value.symbol;
  const auto mix = [&hash](uint64_t word) { hash = (hash ^ word) * 0x9E3779B97F4A7C15U; };
  mix(std::bit_cast<uint64_t>(value.number));
  for (const ValueId operand : value.operand_list()) mix(operand);
  return hash ^ hash >> 32;
}

bool Graph::Same::operator()(const Value& a, const Value& b) const {
  return a.kind == b.kind && a.op == b.op && a.symbol == b.symbol && a.operand_count == b.operand_count &&
         a.operands == b.operands && std::bit_cast<uint64_t>(a.number) == std::bit_cast<uint64_t>(b.number);
}

ValueId Graph::intern(Value value) {
  for (const ValueId operand : value.operand_list()) {
    value.free |= values_[operand].free;
    value.varies |= values_[operand].varies;
  }
  if (value.kind == ValueKind::kSum) value.free &= ~index_bit(value.symbol);
  const auto found = known_.find(value);
  if (found != known_.end()) return found->second;
  if (values_.size() == kMaxValues) {
    full_ = true;
    return 0;
  }
  const auto id = static_cast<ValueId>(values_.size());
  values_.push_back(value);
  known_.emplace(value, id);
  return id;
}

ValueId Graph::constant(double number) { return intern({.kind = ValueKind::kConstant, .number = number}); }

ValueId Graph::parameter(uint16_t symbol) { return intern({.kind = ValueKind::kParameter, .symbol = symbol}); }

ValueId Graph::coordinate(uint16_t symbol, ValueId index) {
  Value value{.kind = ValueKind::kCoordinate, .symbol = symbol, .varies = true};
  if (index != kNoValue) {
    value.operand_count = 1;
    value.operands[0] = index;
  }
  return intern(value);
}

ValueId Graph::data(uint16_t symbol, std::span<const ValueId> indices) {
  Value value{.kind = ValueKind::kData, .operand_count = static_cast<uint8_t>(indices.size()), .symbol = symbol};
  std::copy(indices.begin(), indices.end(), value.operands.begin());
  return intern(value);
}

ValueId Graph::size(uint16_t dimension) { return intern({.kind = ValueKind::kSize, .symbol = dimension}); }

ValueId Graph::index(IndexId id) { return intern({.kind = ValueKind::kIndex, .symbol = id, .free = index_bit(id)}); }

ValueId Graph::detach(ValueId value) {
  if (!values_[value].varies) return value;
  return intern({.kind = ValueKind::kDetach, .operand_count = 1, .operands = {value}});
}

ValueId Graph::sum(IndexId index, ValueId body) {
  const Value value = values_[body];
  if (simplify_) {
    if ((value.free & index_bit(index)) == 0) return apply(ScalarOp::kMultiply, size(indices_[index].dimension), body);
    // Constants leave the sum: one multiplication instead of one for each summand.
    if (value.kind == ValueKind::kApply && value.op == ScalarOp::kNegate)
      return apply(ScalarOp::kNegate, sum(index, value.operands[0]));
    if (value.kind == ValueKind::kApply && value.op == ScalarOp::kMultiply)
      for (int side : {0, 1})
        if (values_[value.operands[side]].kind == ValueKind::kConstant &&
            is_ordinary(values_[value.operands[side]].number))
          return apply(ScalarOp::kMultiply, value.operands[side], sum(index, value.operands[1 - side]));
  }
  return intern({.kind = ValueKind::kSum, .operand_count = 1, .symbol = index, .operands = {body}});
}

ValueId Graph::apply(ScalarOp op, std::span<const ValueId> operands) {
  Value value{.kind = ValueKind::kApply, .op = op, .operand_count = static_cast<uint8_t>(operands.size())};
  std::copy(operands.begin(), operands.end(), value.operands.begin());
  if (simplify_) {
    const ValueId simple = simplified(*this, op, value.operand_list());
    if (simple != kNoValue) return simple;
  }
  if (is_commutative(op) && value.operands[0] > value.operands[1]) std::swap(value.operands[0], value.operands[1]);
  return intern(value);
}

IndexId Graph::index_over(uint16_t dimension, uint16_t number) {
  for (size_t i = 0; i < indices_.size(); ++i)
    if (indices_[i].dimension == dimension && indices_[i].number == number) return static_cast<IndexId>(i);
  if (indices_.size() == kMaxIndices) {
    full_ = true;
    return 0;
  }
  indices_.push_back({dimension, number});
  return static_cast<IndexId>(indices_.size() - 1);
}

IndexId Graph::fresh_index(uint16_t dimension, IndexSet taken) {
  for (uint16_t number = 0;; ++number) {
    const IndexId id = index_over(dimension, number);
    if (full_ || (taken & index_bit(id)) == 0) return id;
  }
}

ValueId Graph::exchange(ValueId value, IndexId a, IndexId b) {
  if (a == b) return value;
  const auto other = [&](uint16_t symbol) { return symbol == a ? b : symbol == b ? a : symbol; };
  // Operands come before what uses them, so one pass in order does it; only what |value| needs is made again.
  std::vector<bool> needed(value + 1);
  needed[value] = true;
  for (ValueId id = value + 1; id-- > 0;)
    if (needed[id])
      for (const ValueId operand : values_[id].operand_list()) needed[operand] = true;
  std::vector<ValueId> image(value + 1, kNoValue);
  for (ValueId id = 0; id <= value && !full_; ++id) {
    if (!needed[id]) continue;
    Value copy = values_[id];
    for (size_t i = 0; i < copy.operand_count; ++i) copy.operands[i] = image[copy.operands[i]];
    if (copy.kind == ValueKind::kIndex) {
      image[id] = index(other(copy.symbol));
    } else if (copy.kind == ValueKind::kSum) {
      image[id] = sum(other(copy.symbol), copy.operands[0]);
    } else if (copy.kind == ValueKind::kApply) {
      image[id] = apply(copy.op, copy.operand_list());
    } else {
      copy.free = 0;
      image[id] = intern(copy);
    }
  }
  return full_ ? value : image[value];
}

}  // namespace gpu_node::chain
