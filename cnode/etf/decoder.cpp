// The reader of external terms. Every access is checked against what is left; walking over a term is a loop with a
// fixed stack of counters, so that no message can exhaust the thread's stack.
#include "etf/decoder.h"

#include <array>
#include <bit>
#include <cstring>

#include "etf/tags.h"

namespace gpu_node::etf {
namespace {

constexpr uint32_t kMaxAtomBytes = 255 * 4;
constexpr uint32_t kMaxReferenceWords = 5;

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  }
  return value;
}

uint8_t byte_at(const std::byte* at) { return std::to_integer<uint8_t>(*at); }

// The elements of a STRING_EXT as terms of their own: {97, n} for each byte n.
constexpr auto kSmallIntegers = [] {
  std::array<std::byte, 512> terms{};
  for (size_t i = 0; i < 256; ++i) {
    terms[2 * i] = std::byte{kTagSmallInteger};
    terms[2 * i + 1] = static_cast<std::byte>(i);
  }
  return terms;
}();

Kind kind_of(uint8_t tag) {
  switch (tag) {
    case kTagSmallInteger:
    case kTagInteger:
    case kTagSmallBig:
    case kTagLargeBig:
      return Kind::kInteger;
    case kTagNewFloat:
    case kTagFloat:
      return Kind::kFloat;
    case kTagAtom:
    case kTagSmallAtom:
    case kTagAtomUtf8:
    case kTagSmallAtomUtf8:
      return Kind::kAtom;
    case kTagSmallTuple:
    case kTagLargeTuple:
      return Kind::kTuple;
    case kTagNil:
      return Kind::kNil;
    case kTagList:
      return Kind::kList;
    case kTagString:
      return Kind::kString;
    case kTagBinary:
      return Kind::kBinary;
    case kTagBitBinary:
      return Kind::kBitstring;
    case kTagMap:
      return Kind::kMap;
    case kTagPid:
    case kTagNewPid:
      return Kind::kPid;
    case kTagReference:
    case kTagNewReference:
    case kTagNewerReference:
      return Kind::kReference;
    case kTagPort:
    case kTagNewPort:
    case kTagV4Port:
      return Kind::kPort;
    case kTagNewFun:
    case kTagExport:
      return Kind::kFun;
    default:
      return Kind::kMalformed;
  }
}

// One term without its children: |bytes| long, followed by |children| terms.
struct Step {
  size_t bytes = 0;
  uint64_t children = 0;
};

using Bytes = std::span<const std::byte>;

// Length of the atom at the start of |bytes|, or 0.
size_t atom_size(Bytes bytes, Bytes* text = nullptr) {
  if (bytes.empty()) return 0;
  const uint8_t tag = byte_at(bytes.data());
  size_t header = 0, length = 0;
  if (tag == kTagSmallAtomUtf8 || tag == kTagSmallAtom) {
    if (bytes.size() < 2) return 0;
    header = 2;
    length = byte_at(bytes.data() + 1);
  } else if (tag == kTagAtomUtf8 || tag == kTagAtom) {
    if (bytes.size() < 3) return 0;
    header = 3;
    length = load<uint16_t>(bytes.data() + 1);
  } else {
    return 0;
  }
  if (length > kMaxAtomBytes || bytes.size() - header < length) return 0;
  if (text != nullptr) *text = bytes.subspan(header, length);
  return header + length;
}

// Length of a term of |before| bytes, an atom (the node's name) and |after| bytes, or 0.
size_t named_size(Bytes bytes, size_t before, size_t after) {
  if (bytes.size() < before) return 0;
  const size_t atom = atom_size(bytes.subspan(before));
  if (atom == 0 || bytes.size() - before - atom < after) return 0;
  return before + atom + after;
}

// Length of the pid, port or reference at the start of |bytes|, or 0.
size_t identifier_size(Bytes bytes) {
  switch (byte_at(bytes.data())) {
    case kTagPid:
    case kTagReference:
      return named_size(bytes, 1, byte_at(bytes.data()) == kTagPid ? 9 : 5);
    case kTagNewPid:
    case kTagV4Port:
      return named_size(bytes, 1, 12);
    case kTagPort:
      return named_size(bytes, 1, 5);
    case kTagNewPort:
      return named_size(bytes, 1, 8);
    case kTagNewReference:
    case kTagNewerReference: {
      if (bytes.size() < 3) return 0;
      const uint32_t words = load<uint16_t>(bytes.data() + 1);
      if (words == 0 || words > kMaxReferenceWords) return 0;
      return named_size(bytes, 3, (byte_at(bytes.data()) == kTagNewReference ? 1 : 4) + 4 * words);
    }
    default:
      return 0;
  }
}

// A term of |header| bytes that says at offset 1, in |width| bytes, how many bytes follow.
Step counted(Bytes bytes, size_t header, size_t width) {
  if (bytes.size() < header) return {};
  const size_t length = width == 1   ? byte_at(bytes.data() + 1)
                        : width == 2 ? load<uint16_t>(bytes.data() + 1)
                                     : load<uint32_t>(bytes.data() + 1);
  return bytes.size() - header < length ? Step{} : Step{header + length, 0};
}

// A container whose |header| bytes hold a count at offset 1. |per_count| children each, and |extra| more.
Step container(Bytes bytes, size_t header, uint64_t per_count, uint64_t extra) {
  if (bytes.size() < header) return {};
  const uint64_t count = header == 2 ? byte_at(bytes.data() + 1) : load<uint32_t>(bytes.data() + 1);
  const uint64_t children = count * per_count + extra;
  return children > bytes.size() - header ? Step{} : Step{header, children};
}

Step fixed(Bytes bytes, size_t size) { return bytes.size() < size ? Step{} : Step{size, 0}; }

// The first term of |bytes|; bytes == 0 when it is malformed or does not fit.
Step first_step(Bytes bytes) {
  if (bytes.empty()) return {};
  switch (byte_at(bytes.data())) {
    case kTagSmallInteger:
      return fixed(bytes, 2);
    case kTagInteger:
      return fixed(bytes, 5);
    case kTagNewFloat:
      return fixed(bytes, 9);
    case kTagFloat:
      return fixed(bytes, 32);
    case kTagNil:
      return fixed(bytes, 1);
    case kTagAtom:
    case kTagSmallAtom:
    case kTagAtomUtf8:
    case kTagSmallAtomUtf8:
      return {atom_size(bytes), 0};
    case kTagSmallTuple:
      return container(bytes, 2, 1, 0);
    case kTagLargeTuple:
      return container(bytes, 5, 1, 0);
    case kTagList:
      return container(bytes, 5, 1, 1);
    case kTagMap:
      return container(bytes, 5, 2, 0);
    case kTagString:
      return counted(bytes, 3, 2);
    case kTagBinary:
      return counted(bytes, 5, 4);
    case kTagSmallBig:
      return counted(bytes, 3, 1);
    case kTagLargeBig:
      return counted(bytes, 6, 4);
    case kTagBitBinary: {
      const Step step = counted(bytes, 6, 4);
      const uint8_t bits = step.bytes == 0 ? 0 : byte_at(bytes.data() + 5);
      return bits >= 1 && bits <= 8 && step.bytes > 6 ? step : Step{};
    }
    case kTagExport:
      return Step{1, 3};
    case kTagNewFun: {
      // size, arity, uniq, index, free variables; then module, two integers, pid and the free variables.
      constexpr size_t kHeader = 1 + 4 + 1 + 16 + 4 + 4;
      if (bytes.size() < kHeader) return {};
      const uint64_t free_variables = load<uint32_t>(bytes.data() + kHeader - 4);
      return free_variables > bytes.size() ? Step{} : Step{kHeader, 4 + free_variables};
    }
    default:
      return {identifier_size(bytes), 0};
  }
}

// Length of the whole first term of |bytes|, or 0.
size_t term_size(Bytes bytes) {
  std::array<uint64_t, kMaxDepth> left;
  int depth = 0;
  size_t at = 0;
  for (;;) {
    const Step step = first_step(bytes.subspan(at));
    if (step.bytes == 0) return 0;
    at += step.bytes;
    if (step.children > 0) {
      if (depth == kMaxDepth) return 0;
      left[depth++] = step.children;
    }
    while (depth > 0 && left[depth - 1] == 0) --depth;
    if (depth == 0) return at;
    --left[depth - 1];
  }
}

}  // namespace

uint8_t Reader::tag() const {
  return in_string_ || position_ == bytes_.size() ? 0 : byte_at(bytes_.data() + position_);
}

// Consumes a header of |header_bytes| that starts with |tag|.
bool Reader::take(uint8_t wanted, size_t header_bytes, const std::byte*& header) {
  if (tag() != wanted || bytes_.size() - position_ < header_bytes) return false;
  header = bytes_.data() + position_;
  position_ += header_bytes;
  return true;
}

bool Reader::read_version() {
  const std::byte* header;
  return take(kTagVersion, 1, header);
}

Kind Reader::peek() const {
  if (in_string_) return string_left_ > 0 ? Kind::kInteger : Kind::kNil;
  return kind_of(tag());
}

bool Reader::read_tuple(uint32_t& arity) {
  const Step step = tag() == kTagSmallTuple || tag() == kTagLargeTuple ? first_step(rest()) : Step{};
  if (step.bytes == 0) return false;
  position_ += step.bytes;
  arity = static_cast<uint32_t>(step.children);
  return true;
}

bool Reader::read_list(uint32_t& length) {
  const uint8_t next = tag();
  if (next == kTagNil) {
    length = 0;
    return read_nil();
  }
  if (next != kTagString && next != kTagList) return false;
  const Step step = first_step(rest());
  if (step.bytes == 0) return false;
  if (next == kTagString) {
    length = static_cast<uint32_t>(step.bytes - 3);
    position_ += 3;
    string_left_ = length;
    in_string_ = length > 0;
    return true;
  }
  length = static_cast<uint32_t>(step.children - 1);
  position_ += step.bytes;
  if (length > 0 || read_nil()) return true;
  position_ -= step.bytes;
  return false;
}

bool Reader::read_nil() {
  if (in_string_) {
    if (string_left_ > 0) return false;
    in_string_ = false;
    return true;
  }
  const std::byte* header;
  return take(kTagNil, 1, header);
}

bool Reader::read_int64_list(std::vector<int64_t>& values, size_t limit) {
  Reader reader = *this;
  uint32_t length;
  if (!reader.read_list(length) || length > limit) return false;
  std::vector<int64_t> found(length);
  for (int64_t& value : found)
    if (!reader.read_int64(value)) return false;
  if (length > 0 && !reader.read_nil()) return false;
  values = std::move(found);
  *this = reader;
  return true;
}

bool Reader::read_map(uint32_t& pairs) {
  const Step step = tag() == kTagMap ? first_step(rest()) : Step{};
  if (step.bytes == 0) return false;
  position_ += step.bytes;
  pairs = static_cast<uint32_t>(step.children / 2);
  return true;
}

bool Reader::read_atom(std::string_view& text) {
  if (in_string_) return false;
  Bytes characters;
  const size_t size = atom_size(rest(), &characters);
  if (size == 0) return false;
  text = {reinterpret_cast<const char*>(characters.data()), characters.size()};
  position_ += size;
  return true;
}

namespace {

// The magnitude of the integer at the start of |bytes| and its length; nothing when it needs more than 64 bits.
bool load_integer(Bytes bytes, uint64_t& magnitude, bool& negative, size_t& size) {
  const Step step = first_step(bytes);
  if (step.bytes == 0) return false;
  size = step.bytes;
  const std::byte* at = bytes.data();
  switch (byte_at(at)) {
    case kTagSmallInteger:
      magnitude = byte_at(at + 1);
      negative = false;
      return true;
    case kTagInteger: {
      const auto value = static_cast<int64_t>(static_cast<int32_t>(load<uint32_t>(at + 1)));
      negative = value < 0;
      magnitude = static_cast<uint64_t>(negative ? -value : value);
      return true;
    }
    case kTagSmallBig:
    case kTagLargeBig: {
      const size_t header = byte_at(at) == kTagSmallBig ? 3 : 6;
      const size_t digits = size - header;
      if (digits > 8) return false;
      magnitude = 0;
      for (size_t i = 0; i < digits; ++i) magnitude |= static_cast<uint64_t>(byte_at(at + header + i)) << (8 * i);
      negative = byte_at(at + header - 1) != 0;
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

bool Reader::read_int64(int64_t& value) {
  if (in_string_) {
    if (string_left_ == 0) return false;
    value = byte_at(bytes_.data() + position_);
    ++position_;
    --string_left_;
    return true;
  }
  uint64_t magnitude;
  bool negative;
  size_t size;
  if (!load_integer(rest(), magnitude, negative, size)) return false;
  if (magnitude > (negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1)) return false;
  value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  position_ += size;
  return true;
}

bool Reader::read_uint64(uint64_t& value) {
  if (in_string_) {
    int64_t element;
    if (!read_int64(element)) return false;
    value = static_cast<uint64_t>(element);
    return true;
  }
  uint64_t magnitude;
  bool negative;
  size_t size;
  if (!load_integer(rest(), magnitude, negative, size) || (negative && magnitude != 0)) return false;
  value = magnitude;
  position_ += size;
  return true;
}

bool Reader::read_double(double& value) {
  const std::byte* header;
  if (!take(kTagNewFloat, 9, header)) return false;
  value = std::bit_cast<double>(load<uint64_t>(header + 1));
  return true;
}

bool Reader::read_boolean(bool& value) {
  const size_t start = position_;
  std::string_view text;
  if (!read_atom(text)) return false;
  if (text == "true" || text == "false") {
    value = text == "true";
    return true;
  }
  position_ = start;
  return false;
}

bool Reader::read_binary(std::span<const std::byte>& bytes) {
  const Step step = tag() == kTagBinary ? first_step(rest()) : Step{};
  if (step.bytes == 0) return false;
  bytes = bytes_.subspan(position_ + 5, step.bytes - 5);
  position_ += step.bytes;
  return true;
}

bool Reader::read_binary_header(uint32_t& size_bytes) {
  const std::byte* header;
  if (!take(kTagBinary, 5, header)) return false;
  size_bytes = load<uint32_t>(header + 1);
  return true;
}

bool Reader::read_pid(std::span<const std::byte>& raw) { return peek() == Kind::kPid && read_raw(raw); }

bool Reader::read_reference(std::span<const std::byte>& raw) { return peek() == Kind::kReference && read_raw(raw); }

bool Reader::read_raw(std::span<const std::byte>& raw) {
  if (in_string_) {
    int64_t element;
    if (!read_int64(element)) return false;
    raw = Bytes(kSmallIntegers).subspan(static_cast<size_t>(2 * element), 2);
    return true;
  }
  const size_t size = term_size(rest());
  if (size == 0) return false;
  raw = bytes_.subspan(position_, size);
  position_ += size;
  return true;
}

bool Reader::skip() {
  std::span<const std::byte> raw;
  return read_raw(raw);
}

}  // namespace gpu_node::etf
