// A list that nearly always has one element, which then lies in the list itself.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace gpu_node {

template <typename T>
class OneOrMore {
 public:
  OneOrMore() = default;
  OneOrMore(std::vector<T> values) {  // NOLINT: converts on purpose
    for (T& value : values) push_back(std::move(value));
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void push_back(T value) {
    if (size_++ == 0) {
      one_ = std::move(value);
      return;
    }
    if (size_ == 2) more_.push_back(std::move(one_));
    more_.push_back(std::move(value));
  }
  const T& operator[](size_t i) const { return begin()[i]; }
  const T* begin() const { return size_ > 1 ? more_.data() : &one_; }
  const T* end() const { return begin() + size_; }

 private:
  T one_{};  // unused when there are several
  std::vector<T> more_;
  size_t size_ = 0;
};

}  // namespace gpu_node
