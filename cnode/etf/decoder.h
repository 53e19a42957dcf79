// A bounds-checked reader of Erlang's external term format. Never reads outside its bytes, never recurses, never
// allocates by a count that the bytes cannot hold. Pids and references stay raw bytes.
//
// A reader walks: read_* consumes one term of the kind it names and returns false, consuming nothing, when the next
// term is of another kind or malformed. After false a caller gives up on the message or tries another kind.
//
// Erlang writes a list of bytes ([1, 2]) as STRING_EXT. It reads like any other list: read_list, one read_int64 (or
// read_raw, skip) for each element, read_nil.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gpu_node::etf {

enum class Kind : uint8_t {
  kInteger,
  kFloat,
  kAtom,
  kTuple,
  kNil,
  kList,
  kString,  // a list of bytes: see above
  kBinary,
  kBitstring,
  kMap,
  kPid,
  kReference,
  kPort,
  kFun,
  kMalformed,
};

class Reader {
 public:
  Reader() = default;
  // |bytes| must outlive the reader. No version byte expected (see read_version).
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool read_version();  // 131
  Kind peek() const;    // kMalformed at the end or before an unknown tag
  bool at_end() const { return position_ == bytes_.size() && !in_string_; }
  size_t position() const { return position_; }
  std::span<const std::byte> rest() const { return bytes_.subspan(position_); }

  bool read_tuple(uint32_t& arity);
  bool read_tuple_of(uint32_t arity);  // of so many elements
  // A proper list is read as its header, |length| elements, and read_nil(). An empty list has length 0 and no tail
  // to read: read_list consumes it.
  bool read_list(uint32_t& length, uint32_t limit = UINT32_MAX);
  bool read_nil();
  // A whole proper list of integers of at most |limit| elements. |values| is left as it was when false.
  bool read_int64_list(std::vector<int64_t>& values, size_t limit);
  bool read_map(uint32_t& pairs, uint32_t limit = UINT32_MAX);
  bool read_atom(std::string_view& text);  // any atom encoding; UTF-8 or Latin-1 bytes as they are
  bool read_int64(int64_t& value);
  bool read_uint64(uint64_t& value);  // 0 ... 2^64-1
  bool read_double(double& value);    // NEW_FLOAT_EXT only
  bool read_boolean(bool& value);
  bool read_binary(std::span<const std::byte>& bytes);
  // The header of a binary whose bytes may lie outside this buffer: its length only, not checked against it.
  bool read_binary_header(uint32_t& size_bytes);
  bool read_pid(std::span<const std::byte>& raw);
  bool read_reference(std::span<const std::byte>& raw);
  // Any term of any depth, as its bytes. Counts are checked.
  bool read_raw(std::span<const std::byte>& raw);
  bool skip();

 private:
  uint8_t tag() const;
  bool take(uint8_t tag, size_t header_bytes, const std::byte*& header);

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  // Inside a STRING_EXT: the elements that are left, each one byte at position_; then its nil, which has no byte.
  uint32_t string_left_ = 0;
  bool in_string_ = false;
};

}  // namespace gpu_node::etf
