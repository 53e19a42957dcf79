#include "service/option_map.h"

#include <cmath>

#include "service/decode.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

// "low", "low or high", "a, b or c".
std::string alternatives(std::initializer_list<std::string_view> names) {
  std::string text;
  size_t i = 0;
  for (const std::string_view name : names) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += name;
    ++i;
  }
  return text;
}

}  // namespace

Error KeyedValue::wrong(std::string_view expected) const {
  return {ErrorCode::kInvalidArgument,
          concat(what, ": the ", noun, " ", key, " is ", expected, ", got ", term_text(reader))};
}

Result<void> KeyedValue::integer(int64_t& value, int64_t low, int64_t high) const {
  Reader ahead = reader;
  int64_t read = 0;
  if (!ahead.read_int64(read) || read < low || read > high) return wrong(bounds_text(low, high));
  reader = ahead;
  value = read;
  return {};
}

Result<void> KeyedValue::unsigned_integer(uint64_t& value) const {
  return reader.read_uint64(value) ? Result<void>() : wrong("an integer from 0 to 18446744073709551615");
}

Result<void> KeyedValue::real(double& value) const {
  Reader ahead = reader;
  int64_t whole = 0;
  double read = 0;
  if (ahead.read_int64(whole))
    read = static_cast<double>(whole);
  else if (!ahead.read_double(read) || !std::isfinite(read))
    return wrong("a number");
  reader = ahead;
  value = read;
  return {};
}

Result<void> KeyedValue::boolean(bool& value) const {
  return reader.read_boolean(value) ? Result<void>() : wrong("true or false");
}

Result<void> KeyedValue::choice(std::initializer_list<std::string_view> names, size_t& place) const {
  Reader ahead = reader;
  std::string_view name;
  const auto found = ahead.read_atom(name) ? std::find(names.begin(), names.end(), name) : names.end();
  if (found == names.end()) return wrong(alternatives(names));
  reader = ahead;
  place = static_cast<size_t>(found - names.begin());
  return {};
}

Error repeated_key(std::string_view what, std::string_view key) {
  return {ErrorCode::kInvalidArgument, concat(what, ": ", key, " is given twice")};
}

Error unknown_key(std::string_view what, std::string_view noun, std::string_view key,
                  std::initializer_list<std::string_view> known) {
  std::string text = concat(what, ": unknown ", noun, " ", key, "; the ", noun, "s are ");
  bool first = true;
  for (const std::string_view name : known) {
    if (!first) text += ", ";
    text += name;
    first = false;
  }
  return {ErrorCode::kInvalidArgument, std::move(text)};
}

Result<void> read_reference(const KeyedValue& value, TermBytes& ref) {
  Reader ahead = value.reader;
  std::span<const std::byte> raw;
  if (!ahead.read_raw(raw) || raw.size() > kMaxTagBytes)
    return value.wrong(concat("a term of at most ", kMaxTagBytes, " bytes"));
  value.reader = ahead;
  ref = to_bytes(raw);
  return {};
}

}  // namespace gpu_node::service
