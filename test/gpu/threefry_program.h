// The random bits of Nx.Random as its functions come to the node: threefry2x32 of the halves of an iota, as
// instructions.
#pragma once

#include "program_builder.h"

namespace gpu_node::test {

// |count| words of u32 that |key|, u32{2}, gives. Of an odd number Nx makes one more, whose counter is 0 for its
// number.
inline ir::ValueName threefry_words(ProgramBuilder& p, ir::ValueName key, int64_t count) {
  using enum Dtype;
  using ir::ValueName;
  const auto word = [](uint64_t value) { return Scalar{u32, value}; };
  const auto two = [&](std::string_view op, ir::Operand a, ir::Operand b, const Shape& shape) {
    return p.op(op, u32, shape, {std::move(a), std::move(b)});
  };
  const auto slice = [&](ValueName of, const Dims& starts, const Dims& lengths) {
    ir::SliceAttributes attributes;
    attributes.starts.values = starts;
    attributes.lengths = lengths;
    return p.op("slice", u32, lengths, {of}, attributes);
  };
  const int64_t pairs = (count + 1) / 2;
  const Shape half = {pairs}, whole = {2 * pairs};
  ValueName numbers = p.op("iota", u32, {count}, {}, ir::IotaAttributes{});
  if (count % 2 != 0) {
    const ValueName zero = p.op("constant", u32, {1}, {}, ir::ConstantAttributes{word(0)});
    numbers = p.op("concatenate", u32, whole, {numbers, zero}, ir::AxisAttributes{0});
  }
  const ValueName rows = p.op("reshape", u32, {2, pairs}, {numbers});
  const auto row = [&](int64_t at) { return p.op("reshape", u32, half, {slice(rows, {at, 0}, {1, pairs})}); };
  const auto key_part = [&](int64_t at) { return p.op("reshape", u32, {}, {slice(key, {at}, {1})}); };
  ValueName keys[3] = {key_part(0), key_part(1), 0};
  keys[2] = two("bitwise_xor", two("bitwise_xor", keys[0], keys[1], {}), word(0x1BD11BDA), {});
  ValueName left = two("add", row(0), keys[0], half), right = two("add", row(1), keys[1], half);
  constexpr uint64_t kTurns[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  for (uint64_t round = 0; round < 5; ++round) {
    for (const uint64_t turn : kTurns[round % 2]) {
      left = two("add", left, right, half);
      const ValueName up = two("left_shift", right, word(turn), half);
      const ValueName down = two("right_shift", right, word(32 - turn), half);
      right = two("bitwise_xor", two("bitwise_or", up, down, half), left, half);
    }
    left = two("add", left, keys[(round + 1) % 3], half);
    right = two("add", right, two("add", keys[(round + 2) % 3], word(round + 1), {}), half);
  }
  const ValueName words = p.op("concatenate", u32, whole, {left, right}, ir::AxisAttributes{0});
  return count % 2 == 0 ? words : slice(words, {0}, {count});
}

}  // namespace gpu_node::test
