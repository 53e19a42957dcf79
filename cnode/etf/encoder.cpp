// The writer of external terms: always the form that Erlang itself would write, but that a list of bytes is never a
// STRING_EXT (its reader cannot tell the difference).
#include "etf/encoder.h"

#include <bit>
#include <limits>

#include "etf/tags.h"

namespace gpu_node::etf {

// Appends |tag| and the low |width| bytes of |value|, the highest first.
Writer& Writer::header(uint8_t tag, uint64_t value, int width) {
  std::byte bytes[9] = {std::byte{tag}};
  for (int i = 0; i < width; ++i) bytes[1 + i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
  bytes_.insert(bytes_.end(), bytes, bytes + 1 + width);
  return *this;
}

Writer& Writer::version() { return header(kTagVersion, 0, 0); }

Writer& Writer::tuple(uint32_t arity) {
  return arity <= 255 ? header(kTagSmallTuple, arity, 1) : header(kTagLargeTuple, arity, 4);
}

Writer& Writer::list(uint32_t length) { return length == 0 ? *this : header(kTagList, length, 4); }

Writer& Writer::nil() { return header(kTagNil, 0, 0); }

Writer& Writer::map(uint32_t pairs) { return header(kTagMap, pairs, 4); }

Writer& Writer::atom(std::string_view utf8) {
  if (utf8.size() <= 255) {
    header(kTagSmallAtomUtf8, utf8.size(), 1);
  } else {
    header(kTagAtomUtf8, utf8.size(), 2);
  }
  return raw(std::as_bytes(std::span(utf8)));
}

namespace {

// A SMALL_BIG_EXT: tag, digits, sign, then the digits, the lowest first. Returns its length.
size_t write_big(std::byte* at, uint64_t magnitude, bool negative) {
  size_t digits = 0;
  for (; magnitude != 0; magnitude >>= 8) at[3 + digits++] = static_cast<std::byte>(magnitude);
  at[0] = std::byte{kTagSmallBig};
  at[1] = static_cast<std::byte>(digits);
  at[2] = std::byte{negative};
  return 3 + digits;
}

}  // namespace

Writer& Writer::integer(int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<uint64_t>(value));
  if (value >= std::numeric_limits<int32_t>::min()) return header(kTagInteger, static_cast<uint64_t>(value), 4);
  std::byte big[11];
  return raw({big, write_big(big, 0 - static_cast<uint64_t>(value), true)});
}

Writer& Writer::unsigned_integer(uint64_t value) {
  if (value <= 255) return header(kTagSmallInteger, value, 1);
  if (value <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) return header(kTagInteger, value, 4);
  std::byte big[11];
  return raw({big, write_big(big, value, false)});
}

Writer& Writer::number(double value) { return header(kTagNewFloat, std::bit_cast<uint64_t>(value), 8); }

Writer& Writer::boolean(bool value) { return atom(value ? "true" : "false"); }

Writer& Writer::binary(std::span<const std::byte> bytes) {
  return binary_header(static_cast<uint32_t>(bytes.size())).raw(bytes);
}

Writer& Writer::binary(std::string_view text) { return binary(std::as_bytes(std::span(text))); }

Writer& Writer::binary_header(uint32_t size_bytes) { return header(kTagBinary, size_bytes, 4); }

Writer& Writer::raw(std::span<const std::byte> term) {
  bytes_.insert(bytes_.end(), term.begin(), term.end());
  return *this;
}

}  // namespace gpu_node::etf
