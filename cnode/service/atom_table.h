// A fixed set of atoms found in one hash and one comparison: the names of ops and element types as they come by wire.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gpu_node::service {

template <typename Value>
class AtomTable {
 public:
  explicit AtomTable(size_t count) : slots_(std::bit_ceil(count * 4)) {}

  // REQUIRES: fewer atoms than the table was made for; |name| outlives the table.
  void add(std::string_view name, Value value) { *slot(name) = {name, value}; }

  // The value of |name|, or nullptr.
  const Value* find(std::string_view name) const {
    const Slot* found = const_cast<AtomTable*>(this)->slot(name);
    return found->name.empty() ? nullptr : &found->value;
  }

 private:
  struct Slot {
    std::string_view name;
    Value value{};
  };

  Slot* slot(std::string_view name) {
    uint64_t hash = 14695981039346656037ull;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    size_t at = (hash ^ (hash >> 32)) & (slots_.size() - 1);
    while (!slots_[at].name.empty() && slots_[at].name != name) at = (at + 1) & (slots_.size() - 1);
    return &slots_[at];
  }

  std::vector<Slot> slots_;
};

}  // namespace gpu_node::service
