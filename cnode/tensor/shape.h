// A shape: up to 32 dimensions of at least 0 elements. And the strided view of a tensor's storage, the index map.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "tensor/dtype.h"

namespace gpu_node {

inline constexpr int kMaxRank = 32;

// A fixed-capacity list of 64-bit integers: dimensions, strides, axes. Never allocates.
class Dims {
 public:
  Dims() {}  // NOLINT(modernize-use-equals-default): a defaulted one would make T() clear all the values
  Dims(std::initializer_list<int64_t> values) {
    for (int64_t v : values) push_back(v);
  }
  // Copies only what is set: instructions carry many short lists.
  Dims(const Dims& other) : size_(other.size_) { std::copy(other.begin(), other.end(), values_.begin()); }
  Dims& operator=(const Dims& other) {
    size_ = other.size_;
    if (this != &other) std::copy(other.begin(), other.end(), values_.begin());
    return *this;
  }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES: size() < kMaxRank.
  void push_back(int64_t value) {
    assert(size_ < kMaxRank);
    values_[static_cast<size_t>(size_++)] = value;
  }
  // REQUIRES: |size| <= size().
  void truncate(int size) {
    assert(size <= size_);
    size_ = size;
  }
  int64_t& operator[](int i) { return values_[static_cast<size_t>(i)]; }
  int64_t operator[](int i) const { return values_[static_cast<size_t>(i)]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  bool operator==(const Dims& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  int size_ = 0;                          // before the values, on the cache line of the first
  std::array<int64_t, kMaxRank> values_;  // the first size_ are set
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
