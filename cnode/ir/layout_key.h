// What a plan depends on, as words: equal words, equal plans. Every kind of attribute field has an add(), so that one
// that the key forgot does not compile.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/epilogue.h"
#include "ir/map.h"
#include "ir/rows.h"
#include "tensor/shape.h"

namespace gpu_node::ir {

class LayoutKey {
 public:
  void clear() { words_.clear(); }
  const std::vector<uint64_t>& words() const { return words_; }

  void add(uint64_t word) { words_.push_back(word); }
  void add(bool set) { words_.push_back(set ? 1 : 0); }
  void add(TieBreak tie) { words_.push_back(static_cast<uint64_t>(tie)); }
  void add(Direction direction) { words_.push_back(static_cast<uint64_t>(direction)); }
  void add(TransformA transform) { words_.push_back(static_cast<uint64_t>(transform)); }
  void add(QrMode mode) { words_.push_back(static_cast<uint64_t>(mode)); }
  void add(const Dims& dims) {
    words_.push_back(static_cast<uint64_t>(dims.size()));
    for (const int64_t value : dims) words_.push_back(static_cast<uint64_t>(value));
  }
  // Eight axes to a word, below their count.
  void add(const Axes& axes) {
    words_.push_back(axes.size());
    uint64_t word = 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      word |= uint64_t{axes[i]} << i % 8 * 8;
      if (i % 8 == 7 || i + 1 == axes.size()) words_.push_back(std::exchange(word, 0));
    }
  }
  template <typename T>
  void add(const std::optional<T>& value) {
    add(value.has_value());
    if (value) add(*value);
  }
  void add(const Starts& starts) { add(starts.values); }
  void add(const Padding& padding) {
    words_.push_back(padding.size());
    for (const Edges& edges : padding)
      for (const int64_t value : {edges.low, edges.high, edges.interior}) add(value);
  }
  void add(const Function& function);
  void add(const std::vector<MapPart>& parts);
  void add(const Rows& rows);
  void add(const Instruction& instruction);  // but for its operands
  void add(const Finished& finished);
  void add(BodyNumber body) { words_.push_back(static_cast<uint64_t>(body.value)); }
  void add(Count count) { words_.push_back(static_cast<uint64_t>(count.value)); }
  void add(double value) { words_.push_back(std::bit_cast<uint64_t>(value)); }
  void add(int64_t value) { words_.push_back(static_cast<uint64_t>(value)); }
  void add(const TensorType& type) {
    words_.push_back(static_cast<uint64_t>(type.dtype));
    add(type.shape);
  }
  void add(const Scalar& literal);
  // A tensor operand: its type, and where its elements lie.
  void add(Dtype dtype, const IndexMap& map) {
    words_.push_back(kTensor | static_cast<uint64_t>(dtype));
    add(map.shape);
    for (const int64_t stride : map.strides) words_.push_back(static_cast<uint64_t>(stride));
    words_.push_back(static_cast<uint64_t>(map.offset));
  }

 private:
  void add(const MapSource& source);
  void add(const std::vector<AlignedSource>& sources);
  void add(const std::vector<MapStep>& steps);

  // Kinds of operands, beside the type.
  static constexpr uint64_t kTensor = 1 << 8, kLiteral = 2 << 8;

  std::vector<uint64_t> words_;
};

}  // namespace gpu_node::ir
