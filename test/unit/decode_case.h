// Requests as a client writes them, and what the decoder says of them.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

#include "etf/encoder.h"
#include "service/decode.h"

namespace gpu_node::service {

using etf::Writer;

inline constexpr uint64_t kSession = 0xfedc'ba98'7654'3210;

inline std::vector<std::byte> pid(uint32_t number = 7) {
  std::vector<std::byte> raw = {std::byte{88}};  // NEW_PID_EXT
  const std::vector<std::byte> node = Writer().atom("a@h").take();
  raw.insert(raw.end(), node.begin(), node.end());
  for (const uint32_t word : {number, 0u, 1u})
    for (int shift = 24; shift >= 0; shift -= 8) raw.push_back(static_cast<std::byte>(word >> shift));
  return raw;
}

inline Writer call() {
  Writer writer;
  writer.version().tuple(3).atom("$gen_call").tuple(2).raw(pid()).atom("tag");
  return writer;
}

template <typename T>
T request_of(Writer& writer) {
  Result<Message> message = decode_message(writer.bytes());
  REQUIRE(message.ok());
  Call* call = std::get_if<Call>(&message.value());
  REQUIRE(call);
  CHECK(call->pid == pid());
  CHECK(call->tag == Writer().atom("tag").take());
  INFO((call->request.ok() ? std::string() : call->request.error().message));
  REQUIRE(call->request.ok());
  REQUIRE(std::holds_alternative<T>(call->request.value()));
  return std::get<T>(call->request.value());
}

inline std::string call_error(Writer& writer) {
  Result<Message> message = decode_message(writer.bytes());
  REQUIRE(message.ok());
  const Call& call = std::get<Call>(message.value());
  REQUIRE(!call.request.ok());
  CHECK(call.request.error().code == ErrorCode::kInvalidArgument);
  return call.request.error().message;
}

inline void shape(Writer& writer, std::initializer_list<int64_t> dims) {
  writer.tuple(static_cast<uint32_t>(dims.size()));
  for (const int64_t d : dims) writer.integer(d);
}

inline Command command_of(const Writer& writer) {
  etf::Reader reader(writer.bytes());
  Command command;
  REQUIRE(decode_command(reader, command).ok());
  CHECK(reader.at_end());
  return command;
}

inline MalformedCommand malformed(const Writer& writer) {
  Command command = command_of(writer);
  REQUIRE(std::holds_alternative<MalformedCommand>(command));
  return std::get<MalformedCommand>(command);
}

inline Writer instruction(std::string_view op, int64_t id, std::string_view type, std::initializer_list<int64_t> dims) {
  Writer writer;
  writer.tuple(4).atom(op).list(1).tuple(3).integer(id).atom(type);
  shape(writer, dims);
  writer.nil();
  return writer;
}

}  // namespace gpu_node::service
