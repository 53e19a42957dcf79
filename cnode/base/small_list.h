// A list whose first N elements lie in the list itself; a longer one moves to the heap. It grows in every build, so
// that whoever fills it from what a peer sent can at worst be refused for another reason.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace gpu_node {

template <typename T, size_t N>
class SmallList {
 public:
  using value_type = T;

  SmallList() {}  // NOLINT(modernize-use-equals-default): a defaulted one would make T() clear the elements' room
  SmallList(std::initializer_list<T> values) { append(values.begin(), values.end()); }
  template <std::forward_iterator It>
  SmallList(It first, It last) {
    append(first, last);
  }
  SmallList(const SmallList& other) { append(other.begin(), other.end()); }
  SmallList(SmallList&& other) noexcept { take(other); }
  SmallList& operator=(const SmallList& other) {
    if (this == &other) return *this;
    clear();
    append(other.begin(), other.end());
    return *this;
  }
  SmallList& operator=(SmallList&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~SmallList() { release(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }
  // REQUIRES: |i| < size().
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  // REQUIRES: not empty.
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  template <typename... Args>
  T& emplace_back(Args&&... args) {
    if (size_ == capacity_) {
      // Made before the old elements move: an argument may be one of them.
      T value(std::forward<Args>(args)...);
      reserve(size_t{capacity_} * 2);
      return *std::construct_at(data() + size_++, std::move(value));
    }
    return *std::construct_at(data() + size_++, std::forward<Args>(args)...);
  }
  T& push_back(const T& value) { return emplace_back(value); }
  T& push_back(T&& value) { return emplace_back(std::move(value)); }

  template <std::forward_iterator It>
  void append(It first, It last) {
    reserve(size_ + static_cast<size_t>(std::distance(first, last)));
    std::uninitialized_copy(first, last, data() + size_);
    size_ += static_cast<uint32_t>(std::distance(first, last));
  }
  // Drops the elements from |size| on; does nothing when there are fewer.
  void truncate(size_t size) {
    if (size >= size_) return;
    std::destroy(data() + size, data() + size_);
    size_ = static_cast<uint32_t>(size);
  }
  void resize(size_t size) {
    truncate(size);
    reserve(size);
    while (size_ < size) std::construct_at(data() + size_++);
  }
  // Keeps its memory.
  void clear() { truncate(0); }
  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    T* const heap = std::allocator<T>().allocate(capacity);
    std::uninitialized_move(begin(), end(), heap);
    std::destroy(begin(), end());
    free_heap();
    room_.heap = heap;
    capacity_ = static_cast<uint32_t>(capacity);
  }
  bool operator==(const SmallList& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  T* data() { return capacity_ > N ? room_.heap : reinterpret_cast<T*>(room_.own); }
  const T* data() const { return capacity_ > N ? room_.heap : reinterpret_cast<const T*>(room_.own); }

  void free_heap() {
    if (capacity_ > N) std::allocator<T>().deallocate(room_.heap, capacity_);
  }
  void release() {
    std::destroy(begin(), end());
    free_heap();
    size_ = 0;
    capacity_ = N;
  }
  // REQUIRES: released.
  void take(SmallList& other) {
    if (other.capacity_ > N) {
      room_.heap = other.room_.heap;
      capacity_ = std::exchange(other.capacity_, uint32_t{N});
    } else {
      std::uninitialized_move(other.begin(), other.end(), data());
      std::destroy(other.begin(), other.end());
    }
    size_ = std::exchange(other.size_, 0u);
  }

  uint32_t size_ = 0, capacity_ = N;  // before the elements, on the cache line of the first
  union {
    alignas(T) std::byte own[N * sizeof(T)];
    T* heap;
  } room_;
};

}  // namespace gpu_node
