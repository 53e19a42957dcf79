// The writer of external terms: what it writes is what a real Erlang writes for the same term.
#include <doctest/doctest.h>

#include "etf/decoder.h"
#include "etf/encoder.h"
#include "unit/etf_vectors.h"

namespace gpu_node::etf {
namespace {

// Reads one term and writes it again. Terms for which the writer has no call travel raw.
void transcode(Reader& reader, Writer& writer) {
  uint32_t count = 0;
  switch (reader.peek()) {
    case Kind::kInteger: {
      int64_t value;
      uint64_t natural;
      if (reader.read_int64(value)) {
        writer.integer(value);
      } else {
        REQUIRE(reader.read_uint64(natural));
        writer.unsigned_integer(natural);
      }
      break;
    }
    case Kind::kFloat: {
      double number;
      REQUIRE(reader.read_double(number));
      writer.number(number);
      break;
    }
    case Kind::kAtom: {
      std::string_view text;
      REQUIRE(reader.read_atom(text));
      if (text == "true" || text == "false") {
        writer.boolean(text == "true");
      } else {
        writer.atom(text);
      }
      break;
    }
    case Kind::kTuple:
      REQUIRE(reader.read_tuple(count));
      writer.tuple(count);
      for (uint32_t i = 0; i < count; ++i) transcode(reader, writer);
      break;
    case Kind::kNil:
      REQUIRE(reader.read_nil());
      writer.nil();
      break;
    case Kind::kList:
      REQUIRE(reader.read_list(count));
      writer.list(count);
      for (uint32_t i = 0; i < count + 1; ++i) transcode(reader, writer);
      break;
    case Kind::kMap:
      REQUIRE(reader.read_map(count));
      writer.map(count);
      for (uint32_t i = 0; i < 2 * count; ++i) transcode(reader, writer);
      break;
    case Kind::kBinary: {
      std::span<const std::byte> bytes;
      REQUIRE(reader.read_binary(bytes));
      writer.binary(bytes);
      break;
    }
    default: {
      std::span<const std::byte> raw;
      REQUIRE(reader.read_raw(raw));
      writer.raw(raw);
    }
  }
}

}  // namespace

TEST_CASE("etf writer: byte for byte what Erlang writes") {
  int checked = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.form != "canonical") continue;
    CAPTURE(vector.kind);
    CAPTURE(vector.value);
    Reader reader(vector.bytes);
    REQUIRE(reader.read_version());
    Writer writer;
    writer.version();
    transcode(reader, writer);
    CHECK(reader.at_end());
    CHECK(writer.bytes() == vector.bytes);
    ++checked;
  }
  CHECK(checked > 140);
}

TEST_CASE("etf writer: a header whose bytes follow from elsewhere, text, taking the bytes") {
  Writer writer;
  writer.version().tuple(2).binary("text").binary_header(5);
  const auto bytes = writer.take();
  CHECK(bytes == bytes_of_hex("8368026d00000004746578746d00000005"));
  CHECK(writer.bytes().empty());
  CHECK(writer.list(0).nil().take() == bytes_of_hex("6a"));
}

}  // namespace gpu_node::etf
