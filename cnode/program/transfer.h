// Bytes of tensors between the host and the device: through mapped memory where the device's memory is the host's,
// else through pooled staging and recorded copies. Handles storages of several parts; a range may cross them.
//
// Transfer belongs to the device thread. mapped_bytes and write_mapped may be used on any thread, on a tensor that
// nothing else touches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "program/executor.h"
#include "vulkan/device.h"

namespace gpu_node::program {

// The size of |tensor|'s elements, row-major, as they travel.
uint64_t size_bytes(const Tensor& tensor);

// Where bytes [offset, offset + size) of the row-major |tensor| can be read and written by the host; nullptr when its
// memory is not mapped or the range crosses two parts.
std::byte* mapped_bytes(const Tensor& tensor, uint64_t offset, uint64_t size);

// True when the host can reach every byte of |tensor|.
bool is_mapped(const Tensor& tensor);

// Copies |bytes| into the row-major, mapped |tensor| from byte |offset|.
void write_mapped(const Tensor& tensor, uint64_t offset, std::span<const std::byte> bytes);

// Bytes on their way to the host: to be read once the submission that covers the recorded commands is complete.
struct Readback {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keep_alive;
};

class Transfer {
 public:
  explicit Transfer(vulkan::Device& device) : device_(device) {}

  // A staging buffer that the host may write at once.
  Result<vulkan::BufferRef> upload_buffer(uint64_t size_bytes);

  // Records the copy of the first |size| bytes of |staging| to byte |offset| of the row-major |tensor|.
  Result<void> copy_in(const vulkan::BufferRef& staging, uint64_t size, const Tensor& tensor, uint64_t offset);

  // Puts |bytes| into the row-major |tensor|, which was allocated for the host to write, from byte |offset|.
  Result<void> write(const Tensor& tensor, uint64_t offset, std::span<const std::byte> bytes);

  // Makes bytes [offset, offset + size) of the row-major |tensor| readable by the host after the next submission.
  Result<Readback> read(const Tensor& tensor, uint64_t offset, uint64_t size);

 private:
  vulkan::Device& device_;
};

}  // namespace gpu_node::program
