// The reader of external terms. Every access is checked against what is left.
#include "etf/decoder.h"

#include <algorithm>
#include <array>
#include <bit>

#include "etf/tags.h"
#include "etf/term.h"

namespace gpu_node::etf {
namespace {

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

bool Reader::read_tuple_of(uint32_t arity) {
  Reader ahead = *this;
  uint32_t found = 0;
  if (!ahead.read_tuple(found) || found != arity) return false;
  *this = ahead;
  return true;
}

bool Reader::read_list(uint32_t& length, uint32_t limit) {
  const uint8_t next = tag();
  if (next == kTagNil) {
    length = 0;
    return read_nil();
  }
  if (next != kTagString && next != kTagList) return false;
  const Step step = first_step(rest());
  if (step.bytes == 0) return false;
  if ((next == kTagString ? step.bytes - 3 : step.children - 1) > limit) return false;
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
  if (!reader.read_list(length, static_cast<uint32_t>(std::min<size_t>(limit, UINT32_MAX)))) return false;
  std::vector<int64_t> found(length);
  for (int64_t& value : found)
    if (!reader.read_int64(value)) return false;
  if (length > 0 && !reader.read_nil()) return false;
  values = std::move(found);
  *this = reader;
  return true;
}

bool Reader::read_map(uint32_t& pairs, uint32_t limit) {
  const Step step = tag() == kTagMap ? first_step(rest()) : Step{};
  if (step.bytes == 0 || step.children / 2 > limit) return false;
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
