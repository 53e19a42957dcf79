// The reader of external terms against terms of a real Erlang, cut and bent ones, and its own limits.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <map>
#include <memory>

#include "etf/decoder.h"
#include "etf/encoder.h"
#include "unit/etf_vectors.h"

namespace gpu_node::etf {
namespace {

Reader reader_of(const Vector& vector) {
  Reader reader(vector.bytes);
  const bool version = reader.read_version();
  REQUIRE(version);
  return reader;
}

const std::map<std::string, Kind> kKinds = {
    {"integer", Kind::kInteger},     {"float", Kind::kFloat},   {"atom", Kind::kAtom},
    {"tuple", Kind::kTuple},         {"nil", Kind::kNil},       {"list", Kind::kList},
    {"improper", Kind::kList},       {"string", Kind::kString}, {"binary", Kind::kBinary},
    {"bitstring", Kind::kBitstring}, {"map", Kind::kMap},       {"pid", Kind::kPid},
    {"reference", Kind::kReference}, {"port", Kind::kPort},     {"fun", Kind::kFun},
};

std::string hex_of(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex.empty() ? "-" : hex;
}

// Every read_* that must refuse a term of |kind| does so and consumes nothing.
void check_others_refuse(const Reader& start, Kind kind) {
  Reader reader = start;
  uint32_t count;
  int64_t integer;
  uint64_t natural;
  double number;
  bool boolean;
  std::string_view text;
  std::span<const std::byte> raw;
  if (kind != Kind::kTuple) CHECK_FALSE(reader.read_tuple(count));
  if (kind != Kind::kList && kind != Kind::kString && kind != Kind::kNil) CHECK_FALSE(reader.read_list(count));
  if (kind != Kind::kNil) CHECK_FALSE(reader.read_nil());
  if (kind != Kind::kMap) CHECK_FALSE(reader.read_map(count));
  if (kind != Kind::kAtom) CHECK_FALSE((reader.read_atom(text) || reader.read_boolean(boolean)));
  if (kind != Kind::kInteger) CHECK_FALSE((reader.read_int64(integer) || reader.read_uint64(natural)));
  if (kind != Kind::kFloat) CHECK_FALSE(reader.read_double(number));
  if (kind != Kind::kBinary) CHECK_FALSE((reader.read_binary(raw) || reader.read_binary_header(count)));
  if (kind != Kind::kPid) CHECK_FALSE(reader.read_pid(raw));
  if (kind != Kind::kReference) CHECK_FALSE(reader.read_reference(raw));
  CHECK(reader.position() == start.position());
}

void check_integer(Reader reader, const std::string& text) {
  Reader again = reader;
  const bool negative = text[0] == '-';
  const std::string digits = text.substr(negative);
  const bool fits_u64 = digits.size() < 20 || (digits.size() == 20 && digits <= "18446744073709551615");
  const uint64_t magnitude = fits_u64 ? std::stoull(digits) : 0;
  const bool fits_i64 = fits_u64 && magnitude <= (negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1);
  int64_t integer = 0;
  CHECK(reader.read_int64(integer) == fits_i64);
  if (fits_i64) CHECK(integer == static_cast<int64_t>(negative ? 0 - magnitude : magnitude));
  CHECK(reader.at_end() == fits_i64);
  uint64_t natural = 0;
  const bool is_natural = fits_u64 && (!negative || magnitude == 0);
  CHECK(again.read_uint64(natural) == is_natural);
  if (is_natural) CHECK(natural == magnitude);
}

void check_value(const Vector& vector) {
  Reader reader = reader_of(vector);
  uint32_t count = 0;
  std::string_view text;
  std::span<const std::byte> raw;
  if (vector.kind == "integer") check_integer(reader, vector.value);
  if (vector.kind == "float") {
    double number = 0;
    const bool is_new = vector.value != "-";
    CHECK(reader.read_double(number) == is_new);
    uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    if (is_new) CHECK(std::to_string(bits) == vector.value);
  }
  if (vector.kind == "atom") {
    CHECK(reader.read_atom(text));
    CHECK(hex_of(text) == vector.value);
    CHECK(reader.at_end());
    bool boolean = false;
    CHECK(reader_of(vector).read_boolean(boolean) == (text == "true" || text == "false"));
    CHECK(boolean == (text == "true"));
  }
  if (vector.kind == "tuple" || vector.kind == "map" || vector.kind == "list" || vector.kind == "string" ||
      vector.kind == "improper") {
    CHECK((vector.kind == "tuple" ? reader.read_tuple(count)
           : vector.kind == "map" ? reader.read_map(count)
                                  : reader.read_list(count)));
    CHECK(std::to_string(count) == vector.value);
    for (uint32_t i = 0; i < (vector.kind == "map" ? 2 * count : count); ++i) CHECK(reader.skip());
    if (vector.kind == "improper") CHECK_FALSE(reader.read_nil());
    if (vector.kind == "improper") CHECK(reader.skip());
    if ((vector.kind == "list" && count > 0) || vector.kind == "string") CHECK(reader.read_nil());
    CHECK(reader.at_end());
  }
  if (vector.kind == "binary") {
    CHECK(reader.read_binary(raw));
    CHECK(std::to_string(raw.size()) == vector.value);
    CHECK(reader.at_end());
    Reader header = reader_of(vector);
    CHECK(header.read_binary_header(count));
    CHECK(count == raw.size());
    CHECK(header.rest().size() == count);
  }
  if (vector.kind == "pid") CHECK((reader.read_pid(raw) && reader.at_end() && raw.size() == vector.term().size()));
  if (vector.kind == "reference") CHECK((reader.read_reference(raw) && raw.size() == vector.term().size()));
}

}  // namespace

TEST_CASE("etf reader: terms of a real Erlang") {
  const auto vectors = load_vectors();
  REQUIRE(vectors.size() > 200);
  for (const Vector& vector : vectors) {
    if (vector.form == "deep") continue;
    CAPTURE(vector.kind);
    CAPTURE(vector.value);
    Reader reader = reader_of(vector);
    const Kind kind = kKinds.at(vector.kind);
    CHECK(reader.peek() == kind);
    check_others_refuse(reader, kind);
    check_value(vector);
    std::span<const std::byte> raw;
    CHECK(reader.read_raw(raw));
    CHECK(raw.data() == vector.term().data());
    CHECK(raw.size() == vector.term().size());
    CHECK(reader.at_end());
    CHECK(reader.peek() == Kind::kMalformed);
    CHECK_FALSE(reader.skip());
  }
}

TEST_CASE("etf reader: no prefix of a term is a term, nothing is read past its end") {
  for (const Vector& vector : load_vectors()) {
    const auto term = vector.term();
    const size_t step = term.size() > 500 ? 97 : 1;
    for (size_t size = 0; size < term.size(); size += step) {
      // A block of its own, so that a sanitizer sees a byte too many.
      const std::unique_ptr<std::byte[]> block(new std::byte[size]);
      std::memcpy(block.get(), term.data(), size);
      Reader reader({block.get(), size});
      CHECK_FALSE(reader.skip());
      CHECK(reader.position() == 0);
    }
  }
}

TEST_CASE("etf reader: terms of any depth are skipped") {
  int deep = 0;
  for (const Vector& vector : load_vectors()) {
    if (vector.form != "deep") continue;
    ++deep;
    Reader reader = reader_of(vector);
    CHECK(reader.skip());
    CHECK(reader.at_end());
  }
  CHECK(deep == 2);
  // Three million nested lists cost neither stack nor time.
  std::vector<std::byte> nested;
  for (int i = 0; i < 3'000'000; ++i) {
    for (const int byte : {108, 0, 0, 0, 1}) nested.push_back(static_cast<std::byte>(byte));
  }
  CHECK_FALSE(Reader(nested).skip());
  for (int i = 0; i < 1 + 3'000'000; ++i) nested.push_back(std::byte{106});
  CHECK(Reader(nested).skip());
}

TEST_CASE("etf reader: counts that the bytes cannot hold are refused") {
  for (const char* hex : {"69ffffffff",
                          "6cffffffff",
                          "74ffffffff",
                          "74800000006a",
                          "6dffffffff00",
                          "6bffff00",
                          "6effff00",
                          "6fffffffff00",
                          "6803610161",
                          "5a000677036140620000000000000000",
                          "5a00007703614062",
                          "76ffff61",
                          "7605000000",
                          "4d0000000109ff",
                          "4d0000000008",
                          "70ffffffff",
                          "52",
                          "79",
                          "50",
                          "83",
                          "ff",
                          "00",
                          "6c00000000",
                          "66",
                          "5877",
                          "587703614062"}) {
    CAPTURE(hex);
    const auto bytes = bytes_of_hex(hex);
    Reader reader(bytes);
    uint32_t count;
    std::span<const std::byte> raw;
    CHECK_FALSE(reader.skip());
    CHECK_FALSE(reader.read_binary(raw));
    CHECK_FALSE((reader.read_list(count) || (reader.peek() != Kind::kTuple && reader.read_tuple(count))));
    CHECK(reader.position() == 0);
  }
}

TEST_CASE("etf reader: a list of bytes reads like any list of integers") {
  const auto bytes = bytes_of_hex("68026b00030700ff6101");  // {[7, 0, 255], 1}
  Reader reader(bytes);
  uint32_t count;
  int64_t value;
  uint64_t natural;
  std::span<const std::byte> raw;
  REQUIRE(reader.read_tuple(count));
  Reader whole = reader;
  REQUIRE(reader.read_list(count));
  CHECK(count == 3);
  CHECK(reader.peek() == Kind::kInteger);
  CHECK_FALSE(reader.read_nil());
  CHECK((reader.read_int64(value) && value == 7));
  CHECK((reader.read_uint64(natural) && natural == 0));
  CHECK((reader.read_raw(raw) && Reader(raw).read_int64(value) && value == 255));
  CHECK(reader.peek() == Kind::kNil);
  CHECK_FALSE(reader.skip());
  CHECK(reader.read_nil());
  CHECK((reader.read_int64(value) && value == 1));
  CHECK(reader.at_end());

  std::vector<int64_t> values = {42};
  CHECK_FALSE(whole.read_int64_list(values, 2));
  CHECK(values == std::vector<int64_t>{42});
  CHECK(whole.read_int64_list(values, 3));
  CHECK(values == std::vector<int64_t>{7, 0, 255});
  CHECK((whole.read_int64(value) && whole.at_end()));

  for (const auto& [hex, expected] : std::map<std::string, std::vector<int64_t>>{
           {"6a", {}}, {"6c00000002620000012c61056a", {300, 5}}, {"6b0000", {}}}) {
    const auto list = bytes_of_hex(hex);
    Reader other(list);
    CHECK(other.read_int64_list(values, 8));
    CHECK(values == expected);
    CHECK(other.at_end());
  }
  for (const char* hex : {"6c0000000161056105", "6c0000000177026f6b6a", "6101"}) {  // improper, an atom, no list
    const auto list = bytes_of_hex(hex);
    Reader other(list);
    CHECK_FALSE(other.read_int64_list(values, 8));
    CHECK(other.position() == 0);
  }
}

TEST_CASE("etf reader: a message of 64 commands") {
  Writer writer;
  writer.tuple(4).atom("run").integer(int64_t{1} << 62).integer(1).list(64);
  for (int i = 0; i < 64; ++i) {
    writer.tuple(4).atom("add").list(1).tuple(3).integer(1000 + i).atom("f32").tuple(2).integer(3).integer(300).nil();
    writer.list(2).integer(i).tuple(2).atom("f32").number(2.5).nil().map(0);
  }
  writer.nil();
  const auto start = std::chrono::steady_clock::now();
  constexpr int kRounds = 200;
  int64_t sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    Reader reader(writer.bytes());
    uint32_t n;
    int64_t value;
    double number;
    std::string_view text;
    bool ok = reader.read_tuple(n) && reader.read_atom(text) && reader.read_int64(value) && reader.read_int64(value) &&
              reader.read_list(n);
    for (int i = 0; ok && i < 64; ++i) {
      ok = reader.read_tuple(n) && reader.read_atom(text) && reader.read_list(n) && reader.read_tuple(n) &&
           reader.read_int64(value) && reader.read_atom(text) && reader.read_tuple(n) && reader.skip() &&
           reader.skip() && reader.read_nil() && reader.read_list(n) && reader.read_int64(value) &&
           reader.read_tuple(n) && reader.read_atom(text) && reader.read_double(number) && reader.read_nil() &&
           reader.read_map(n);
      sum += value;
    }
    REQUIRE(ok);
    REQUIRE(reader.read_nil());
    REQUIRE(reader.at_end());
  }
  const auto spent = std::chrono::steady_clock::now() - start;
  CHECK(sum == kRounds * 64 * 63 / 2);
  MESSAGE("ns per command: " << std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count() / (kRounds * 64));
}

}  // namespace gpu_node::etf
