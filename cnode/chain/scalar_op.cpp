#include "chain/scalar_op.h"

#include <array>
#include <unordered_map>

namespace gpu_node::chain {
namespace {

constexpr std::string_view kNames[] = {
#define GPU_NODE_X(name, text) text,
    GPU_NODE_SCALAR_OPS(GPU_NODE_X)
#undef GPU_NODE_X
};

constexpr auto kAll = [] {
  std::array<ScalarOp, std::size(kNames)> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<ScalarOp>(i);
  return all;
}();

}  // namespace

std::span<const ScalarOp> scalar_ops() { return kAll; }

const ir::Op& row_of(ScalarOp op) {
  static const auto kRows = [] {
    std::array<const ir::Op*, std::size(kNames)> rows{};
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = ir::find_op(kNames[i]);
    return rows;
  }();
  return *kRows[static_cast<size_t>(op)];
}

bool is_commutative(ScalarOp op) {
  return op == ScalarOp::kAdd || op == ScalarOp::kMultiply || op == ScalarOp::kEqual || op == ScalarOp::kNotEqual ||
         op == ScalarOp::kLogicalAnd || op == ScalarOp::kLogicalOr || op == ScalarOp::kLogicalXor;
}

std::optional<ScalarOp> find_scalar_op(std::string_view name) {
  static const auto* const kByName = [] {
    auto* map = new std::unordered_map<std::string_view, ScalarOp>;
    for (const ScalarOp op : kAll) map->emplace(kNames[static_cast<size_t>(op)], op);
    return map;
  }();
  const auto found = kByName->find(name);
  if (found == kByName->end()) return std::nullopt;
  return found->second;
}

}  // namespace gpu_node::chain
