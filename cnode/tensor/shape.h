// A shape: up to 32 dimensions of at least 0 elements. And the strided view of a tensor's storage, the index map.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/small_list.h"
#include "tensor/dtype.h"

namespace gpu_node {

inline constexpr int kMaxRank = 32;

// A list of 64-bit integers: dimensions, strides, axes. Up to six lie in the list itself. It takes any number: that
// there are at most kMaxRank is for those to check who read it from somewhere.
class Dims {
 public:
  Dims() {}  // NOLINT(modernize-use-equals-default): as in SmallList
  Dims(std::initializer_list<int64_t> values) : values_(values) {}

  int size() const { return static_cast<int>(values_.size()); }
  bool empty() const { return values_.empty(); }
  void push_back(int64_t value) { values_.push_back(value); }
  // Drops the values from |size| on; does nothing when there are fewer.
  void truncate(int size) { values_.truncate(static_cast<size_t>(size)); }
  void clear() { values_.clear(); }
  // REQUIRES: 0 <= |i| < size().
  int64_t& operator[](int i) { return values_[static_cast<size_t>(i)]; }
  int64_t operator[](int i) const { return values_[static_cast<size_t>(i)]; }
  const int64_t* begin() const { return values_.begin(); }
  const int64_t* end() const { return values_.end(); }
  bool operator==(const Dims& other) const { return values_ == other.values_; }

 private:
  SmallList<int64_t, 6> values_;
};

using Shape = Dims;

// Product of the dimensions; an error when a dimension is negative or the product exceeds 2^62.
Result<int64_t> checked_element_count(const Shape& shape);

// Product of the dimensions. REQUIRES: |shape| passed checked_element_count.
int64_t element_count(const Shape& shape);

// "{2, 3}", as Elixir prints it.
std::string shape_text(const Shape& shape);

// "f32{2, 3}", for messages.
std::string type_text(Dtype dtype, const Shape& shape);

// Row-major strides of |shape|, in elements.
Dims row_major_strides(const Shape& shape);

// Where element (i0, i1, ...) of a tensor lies: offset + sum(strides[d] * i_d), in elements of the storage. A stride of
// 0 is a broadcast; negative strides are allowed.
struct IndexMap {
  Shape shape;
  Dims strides;
  int64_t offset = 0;

  static IndexMap row_major(const Shape& shape) { return {shape, row_major_strides(shape), 0}; }
  bool is_row_major() const;  // contiguous from its offset, dimensions of 1 and empty shapes allowed
};

// The views below move no data. They return nothing when the result is not a strided view (reshape), and REQUIRE
// arguments that the op's validation accepted.
IndexMap transposed(const IndexMap& map, const Dims& axes);
// |axes| as in Nx.broadcast/3: axes[i] is the result's axis of the operand's axis i.
IndexMap broadcast_to(const IndexMap& map, const Shape& shape, const Dims& axes);
std::optional<IndexMap> reshaped(const IndexMap& map, const Shape& shape);

}  // namespace gpu_node
