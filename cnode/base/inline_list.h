// A short list inside its owner: at most N elements, no allocation, copies only what is set.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <utility>

namespace gpu_node {

template <typename T, size_t N>
class InlineList {
 public:
  InlineList() {}  // NOLINT(modernize-use-equals-default): a defaulted one would make T() clear all the values
  InlineList(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }
  InlineList(const InlineList& other) : size_(other.size_) { std::copy(other.begin(), other.end(), begin()); }
  InlineList& operator=(const InlineList& other) {
    size_ = other.size_;
    if (this != &other) std::copy(other.begin(), other.end(), begin());
    return *this;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES: size() < N.
  T& push_back(T value) {
    assert(size_ < N);
    return values_[size_++] = std::move(value);
  }
  T& operator[](size_t i) { return values_[i]; }
  const T& operator[](size_t i) const { return values_[i]; }
  T& back() { return values_[size_ - 1]; }
  const T& back() const { return values_[size_ - 1]; }
  T* begin() { return values_.data(); }
  T* end() { return values_.data() + size_; }
  const T* begin() const { return values_.data(); }
  const T* end() const { return values_.data() + size_; }

 private:
  size_t size_ = 0;
  std::array<T, N> values_;  // the first size_ are set
};

}  // namespace gpu_node
