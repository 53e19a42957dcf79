// Writes Erlang's external term format into a growing buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace gpu_node::etf {

class Writer {
 public:
  Writer& version();  // 131
  Writer& tuple(uint32_t arity);
  Writer& list(uint32_t length);  // then the elements, then nil(); a length of 0 writes nothing: write nil()
  Writer& nil();
  Writer& map(uint32_t pairs);
  Writer& atom(std::string_view utf8);  // at most 255 characters
  Writer& integer(int64_t value);
  Writer& unsigned_integer(uint64_t value);
  Writer& number(double value);  // REQUIRES: finite
  Writer& boolean(bool value);
  Writer& binary(std::span<const std::byte> bytes);
  Writer& binary(std::string_view text);
  Writer& binary_header(uint32_t size_bytes);  // the bytes follow from elsewhere
  Writer& raw(std::span<const std::byte> term);

  void reserve(size_t size_bytes) { bytes_.reserve(size_bytes); }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::exchange(bytes_, {}); }

 private:
  Writer& header(uint8_t tag, uint64_t value, int width);

  std::vector<std::byte> bytes_;
};

}  // namespace gpu_node::etf
