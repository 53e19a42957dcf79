// A hash map from 64-bit integers to small values, in one array: nothing is allocated for an entry.
//
// Made for names that are handed out in order: neighbours lie beside each other, blocks of them are scattered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/hash.h"

namespace gpu_node {

// V is copied freely.
template <typename V>
class FlatMap {
 public:
  size_t size() const { return size_; }

  V* find(int64_t key) {
    if (size_ == 0) return nullptr;
    for (size_t at = home(key);; at = next(at)) {
      if (!entries_[at].used) return nullptr;
      if (entries_[at].key == key) return &entries_[at].value;
    }
  }
  const V* find(int64_t key) const { return const_cast<FlatMap*>(this)->find(key); }

  // What the entries take, and what they will with |more| of them.
  uint64_t bytes(size_t more = 0) const {
    size_t places = entries_.size();
    while ((size_ + more) * 2 > places) places = std::max(places * 2, kSmallest);
    return places * sizeof(Entry);
  }

  // REQUIRES: |key| is not there.
  void insert(int64_t key, V value) {
    if ((size_ + 1) * 2 > entries_.size()) grow();
    place(key, value);
    ++size_;
  }

  void erase(int64_t key) {
    if (size_ == 0) return;
    size_t hole = home(key);
    for (; entries_[hole].used && entries_[hole].key != key; hole = next(hole)) {
    }
    if (!entries_[hole].used) return;
    // Whatever would not be found past the hole moves into it.
    for (size_t at = next(hole); entries_[at].used; at = next(at)) {
      const size_t from_home = (at - home(entries_[at].key)) & (entries_.size() - 1);
      if (from_home < ((at - hole) & (entries_.size() - 1))) continue;
      entries_[hole] = entries_[at];
      hole = at;
    }
    entries_[hole].used = false;
    --size_;
  }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Entry& entry : entries_)
      if (entry.used) visit(entry.key, entry.value);
  }

  // Keeps its memory.
  void clear() {
    if (size_ != 0) std::fill(entries_.begin(), entries_.end(), Entry{});
    size_ = 0;
  }

 private:
  struct Entry {
    int64_t key = 0;
    V value{};
    bool used = false;
  };
  static constexpr size_t kSmallest = 64;
  static constexpr int kBlockBits = 4;

  size_t home(int64_t key) const {
    const auto bits = static_cast<uint64_t>(key);
    const uint64_t block = (bits >> kBlockBits) * kHashFactor;
    return ((block >> 32) << kBlockBits | (bits & ((1 << kBlockBits) - 1))) & (entries_.size() - 1);
  }
  size_t next(size_t at) const { return (at + 1) & (entries_.size() - 1); }

  void place(int64_t key, V value) {
    size_t at = home(key);
    while (entries_[at].used) at = next(at);
    entries_[at] = {key, value, true};
  }

  void grow() {
    std::vector<Entry> old(std::max(entries_.size() * 2, kSmallest));
    old.swap(entries_);
    for (const Entry& entry : old)
      if (entry.used) place(entry.key, entry.value);
  }

  std::vector<Entry> entries_;  // a power of two; at most half are used
  size_t size_ = 0;
};

}  // namespace gpu_node
