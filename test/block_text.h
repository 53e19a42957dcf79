// Reads the text of a block (scalar/block.h) back: tests write blocks as text, and see that a text says all.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalar/block.h"

namespace gpu_node::test {

inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

template <typename T>
std::optional<T> read_number(std::string_view text, int base = 10) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

inline bool append_value(scalar::Block& block, std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    std::vector<std::string_view> parts = split(text.substr(0, colon), ',');
    const ir::Op* op = ir::find_op(parts[0]);
    const std::vector<std::string_view> types = split(text.substr(colon + 1), '@');
    const auto type = find_dtype(types[0]);
    if (op == nullptr || !type) return false;
    std::vector<scalar::ValueNumber> operands;
    for (size_t i = 1; i < parts.size(); ++i) {
      const auto operand = read_number<scalar::ValueNumber>(parts[i]);
      if (!operand || *operand >= block.values().size()) return false;
      operands.push_back(*operand);
    }
    const scalar::Value& step = block[block.step(*op, *type, operands)];
    return types.size() <= 2 && scalar::word(step.computing) == (types.size() == 2 ? types[1] : "");
  }
  const size_t equals = text.find('=');
  const auto type = find_dtype(text.substr(0, equals));
  if (!type) return false;
  if (equals == std::string_view::npos) {
    block.input(*type);
    return true;
  }
  const auto parts = split(text.substr(equals + 1), '_');
  const auto low = read_number<uint64_t>(parts[0], 16);
  const auto high = parts.size() > 1 ? read_number<uint64_t>(parts[1], 16) : uint64_t{0};
  if (low && high) block.constant(scalar::number_of(*type, {*low, *high}));
  return low && high;
}

// Nothing where |text| is that of no block.
inline std::optional<scalar::Block> read_block(std::string_view text) {
  using enum scalar::Block::Rounding;
  const bool rounds = !text.starts_with("~ ");
  if (!rounds) text.remove_prefix(2);
  scalar::Block block(rounds ? kEachStep : kNone);
  for (const std::string_view part : split(text, ' ')) {
    if (!part.starts_with('>')) {
      if (!part.empty() && !append_value(block, part)) return std::nullopt;
      continue;
    }
    if (part.size() == 1) return block;
    for (const std::string_view result : split(part.substr(1), ',')) {
      const auto value = read_number<scalar::ValueNumber>(result);
      if (!value || *value >= block.values().size()) return std::nullopt;
      block.result(*value);
    }
    return block;
  }
  if (block.values().empty()) return std::nullopt;
  block.result(static_cast<scalar::ValueNumber>(block.values().size() - 1));
  return block;
}

}  // namespace gpu_node::test
