// From external terms to the structures of request.h. Total: any bytes give a message or a typed error, within bounds
// that follow from the bytes' own length. Decoding reads no state and may run on any thread.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "etf/decoder.h"
#include "service/request.h"

namespace gpu_node::service {

// The message in |term| (starting with 131). An error means that nobody can be told: it is counted and dropped. The
// spans of the message point into |term|. The commands of a run message are made in the memory of |spare|,
// which is then empty.
Result<Message> decode_message(std::span<const std::byte> term, std::vector<Command>& spare);
Result<Message> decode_message(std::span<const std::byte> term);

// Who waits for a message of which |head| are the first bytes: a caller, or (no pid) the session of commands.
struct MessageHead {
  std::string what;  // the request's name
  TermBytes pid, tag;
  uint64_t session = 0;
};
Result<MessageHead> decode_message_head(std::span<const std::byte> head);

// The head of an upload message, of which |head| are the first bytes: all but the binary's content.
Result<UploadChunk> decode_upload_head(std::span<const std::byte> head);

// One element of a run message's list. An error means that the bytes are no term; a term that is no command gives a
// MalformedCommand. |reader| is then behind the command. What |command| held is gone, but for its memory.
Result<void> decode_command(etf::Reader& reader, Command& command);

// A list of integers of at most |limit| elements.
Result<std::vector<int64_t>> decode_integers(etf::Reader& reader, size_t limit);

Result<Dtype> decode_dtype(etf::Reader& reader);
Result<Shape> decode_shape(etf::Reader& reader);

// What stands at the reader's position, for messages: "the integer 0", "a tuple of 3 elements".
std::string term_text(etf::Reader reader);

}  // namespace gpu_node::service
