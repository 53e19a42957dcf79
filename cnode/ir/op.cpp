#include "ir/op.h"

#include <cstdio>
#include <cstdlib>
#include <unordered_map>

namespace gpu_node::ir {
namespace {

#include "op_table.inc"  // made from specs/ops.json

}  // namespace

std::string_view word(Family family) { return word_of(family); }
std::string_view word(Takes takes) { return word_of(takes); }
std::string_view word(TypeRule rule) { return word_of(rule); }
std::string_view word(ShapeRule rule) { return word_of(rule); }
std::string_view word(AttributeKind kind) { return word_of(kind); }

std::span<const Op> ops() { return kRows; }

const Op* find_op(std::string_view name) {
  static const auto* const kByName = [] {
    auto* map = new std::unordered_map<std::string_view, const Op*>;
    for (const Op& op : kRows) map->emplace(op.name, &op);
    return map;
  }();
  const auto found = kByName->find(name);
  return found == kByName->end() ? nullptr : found->second;
}

const Op& op_called(std::string_view name) {
  const Op* const op = find_op(name);
  if (op == nullptr) {
    std::fprintf(stderr, "the op table has no %.*s\n", static_cast<int>(name.size()), name.data());
    std::abort();
  }
  return *op;
}

}  // namespace gpu_node::ir
