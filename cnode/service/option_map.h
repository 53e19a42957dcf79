// Maps of the protocol whose keys are atoms. A map's keys are listed once, each with what reads its value; from that
// list come the check and the texts of its errors, so that no key can be read and not be told of. Private to this
// folder.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/concat.h"
#include "base/small_list.h"
#include "service/decode_parts.h"

namespace gpu_node::service {

// More keys than any map of atoms in the protocol has.
inline constexpr uint32_t kMaxOptions = 64;

// The value at the reader's position, of a key in a map: "sample: the option chains is ...". What is not as expected
// gives an error that says what is and what came.
struct KeyedValue {
  etf::Reader& reader;
  std::string_view what, noun, key;

  // REQUIRES that the reader still is at the value.
  Error wrong(std::string_view expected) const;

  Result<void> integer(int64_t& value, int64_t low, int64_t high = std::numeric_limits<int64_t>::max()) const;
  Result<void> unsigned_integer(uint64_t& value) const;
  Result<void> real(double& value) const;
  Result<void> boolean(bool& value) const;
  // One of |names|, as its place among them.
  Result<void> choice(std::initializer_list<std::string_view> names, size_t& place) const;
};

// The error of a map that has |key| twice: nobody could say which of the two values counts.
Error repeated_key(std::string_view what, std::string_view key);

// The error of a map that has |key|, where there are |known|: "sync: unknown option speed; the options are ref".
Error unknown_key(std::string_view what, std::string_view noun, std::string_view key,
                  std::initializer_list<std::string_view> known);

// Calls |entry| with the value of each key of the map that comes next, a key once; it reads the value, or returns an
// error.
template <typename Entry>
Result<void> read_each_key(etf::Reader& reader, std::string_view what, std::string_view noun, Entry entry) {
  uint32_t pairs = 0;
  if (!reader.read_map(pairs, kMaxOptions))
    return malformed(what, concat("a map of at most ", kMaxOptions, " ", noun, "s"), reader);
  SmallList<std::string_view, 8> keys;
  for (uint32_t i = 0; i < pairs; ++i) {
    std::string_view key;
    if (!reader.read_atom(key)) return malformed(what, concat("an atom as the name of an ", noun), reader);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return repeated_key(what, key);
    keys.push_back(key);
    GPU_TRY(entry(KeyedValue{reader, what, noun, key}));
  }
  return {};
}

// A key and what reads its value.
template <std::invocable<const KeyedValue&> Read>
struct Key {
  std::string_view name;
  Read read;
};
template <typename Read>
Key(const char*, Read) -> Key<Read>;

// Reads the map that comes next, whose keys are |keys|.
template <typename... Reads>
Result<void> read_keys(etf::Reader& reader, std::string_view what, std::string_view noun, const Key<Reads>&... keys) {
  return read_each_key(reader, what, noun, [&](const KeyedValue& value) -> Result<void> {
    Result<void> read;
    const bool known = ((keys.name == value.key && (read = keys.read(value), true)) || ...);
    return known ? std::move(read) : unknown_key(what, noun, value.key, {keys.name...});
  });
}

Result<void> read_reference(const KeyedValue& value, TermBytes& ref);

// Reads the options of a request: |own|, and those that every request has.
template <typename... Reads>
Result<void> read_request_options(etf::Reader& reader, std::string_view what, RequestOptions& options,
                                  const Key<Reads>&... own) {
  return read_keys(
      reader, what, "option", own...,
      Key{"deadline_ms",
          [&](const KeyedValue& value) { return value.integer(options.deadline_ms.emplace(), 0, kMaxDeadlineMs); }},
      Key{"ref", [&](const KeyedValue& value) { return read_reference(value, options.ref); }});
}

}  // namespace gpu_node::service
