// Any bytes into the decoder of PROTOCOL.md: no crash, no read outside, no memory beyond what the bytes can ask for.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "service/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gpu_node::service;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto message = decode_message(bytes);
  if (message.ok()) {
    if (const Run* run = std::get_if<Run>(&message.value()); run && run->commands.size() > kMaxCommands) std::abort();
    if (const auto* chunk = std::get_if<UploadChunk>(&message.value())) {
      // What is known from the head alone must be what the whole message says.
      const auto head = decode_upload_head(bytes.first(size - chunk->bytes.size()));
      if (chunk->bytes.data() + chunk->bytes.size() == bytes.data() + size &&
          (!head.ok() || head.value().size_bytes != chunk->bytes.size() || head.value().offset != chunk->offset))
        std::abort();
    }
  }
  (void)decode_upload_head(bytes);
  return 0;
}
