// A peer that only keeps what it is sent, and its processes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "etf/decoder.h"
#include "etf/encoder.h"
#include "service/request.h"

namespace gpu_node::service {

struct Sink : Link {
  Sink(std::string node, uint64_t number) : name(std::move(node)), connection(number) {}
  const std::string& peer() const override { return name; }
  uint64_t id() const override { return connection; }
  bool send(const TermBytes&, std::vector<std::byte> term) override {
    sent.push_back(std::move(term));
    return true;
  }
  bool send_bulk(const TermBytes&, std::vector<std::byte>, std::span<const std::byte>, std::vector<std::byte>,
                 std::shared_ptr<void>) override {
    return true;
  }
  bool monitor(const TermBytes&) override { return true; }

  std::string name;
  uint64_t connection;
  std::vector<std::vector<std::byte>> sent;
};

inline TermBytes pid_of(std::string_view node, uint8_t number) {
  TermBytes raw = {std::byte{88}};
  const TermBytes atom = etf::Writer().atom(node).take();
  raw.insert(raw.end(), atom.begin(), atom.end());
  raw.resize(raw.size() + 12);
  raw.back() = static_cast<std::byte>(number);
  return raw;
}

inline Open open_of(std::string_view node, uint8_t number, int64_t lease_ms = kDefaultLeaseMs) {
  return {pid_of(node, number), lease_ms, std::nullopt};
}

// The code of the error that |term| ({Tag, {error, {Code, Message}}}) is.
inline std::string code_of(const std::vector<std::byte>& term) {
  etf::Reader reader{std::span<const std::byte>(term)};
  uint32_t arity = 0;
  std::string_view atom;
  const bool read = reader.read_version() && reader.read_tuple(arity) && reader.skip() && reader.read_tuple(arity) &&
                    reader.read_atom(atom) && reader.read_tuple(arity) && reader.read_atom(atom);
  return read ? std::string(atom) : "";
}

}  // namespace gpu_node::service
