#include "program/transfer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "program/storage.h"
#include "vulkan/recorder.h"

namespace gpu_node::program {
namespace {

// A range of a tensor's bytes that lies in one part of its storage.
struct Piece {
  const vulkan::BufferRef* buffer = nullptr;
  uint64_t buffer_offset = 0;
  uint64_t range_offset = 0;  // from the beginning of the whole range
  uint64_t size_bytes = 0;
};

// Calls |visit| with the pieces of bytes [offset, offset + size), in order, until it returns an error.
template <typename Visit>
Result<void> for_each_piece(const Tensor& tensor, uint64_t offset, uint64_t size, Visit visit) {
  const Storage& storage = *tensor.storage;
  uint64_t at =
      static_cast<uint64_t>(tensor.map.offset) * static_cast<uint64_t>(dtype_size_bytes(tensor.dtype)) + offset;
  // A peer's offsets and sizes do not come this far unchecked: an upload's, a download's and an alloc's are errors
  // where they are compared with the tensor's bytes.
  assert(at + size <= storage.size_bytes);
  const bool split = storage.parts.size() > 1;
  for (uint64_t done = 0; done < size;) {
    const uint64_t part = split ? at / storage.part_bytes : 0;
    const uint64_t inside = split ? at % storage.part_bytes : at;
    const uint64_t left_in_part = split ? storage.part_bytes - inside : size;
    const uint64_t count = std::min(left_in_part, size - done);
    GPU_TRY(visit(Piece{&storage.parts[part], inside, done, count}));
    done += count;
    at += count;
  }
  return {};
}

}  // namespace

uint64_t size_bytes(const Tensor& tensor) { return storage_bytes(tensor.type()); }

std::byte* mapped_bytes(const Tensor& tensor, uint64_t offset, uint64_t size) {
  std::byte* bytes = nullptr;
  uint32_t pieces = 0;
  (void)for_each_piece(tensor, offset, size, [&](const Piece& piece) -> Result<void> {
    std::byte* mapped = (*piece.buffer)->mapped();
    bytes = mapped ? mapped + piece.buffer_offset : nullptr;
    ++pieces;
    return {};
  });
  return pieces == 1 ? bytes : nullptr;
}

bool is_mapped(const Tensor& tensor) {
  return std::all_of(tensor.storage->parts.begin(), tensor.storage->parts.end(),
                     [](const vulkan::BufferRef& part) { return part->mapped() != nullptr; });
}

void write_mapped(const Tensor& tensor, uint64_t offset, std::span<const std::byte> bytes) {
  (void)for_each_piece(tensor, offset, bytes.size(), [&](const Piece& piece) -> Result<void> {
    std::memcpy((*piece.buffer)->mapped() + piece.buffer_offset, bytes.data() + piece.range_offset, piece.size_bytes);
    return {};
  });
}

Result<vulkan::BufferRef> Transfer::upload_buffer(uint64_t size_bytes) {
  return device_.pool().allocate(size_bytes, vulkan::BufferUse::kUpload, true);
}

Result<void> Transfer::copy_in(const vulkan::BufferRef& staging, uint64_t size, const Tensor& tensor, uint64_t offset) {
  return for_each_piece(tensor, offset, size, [&](const Piece& piece) {
    return device_.recorder().copy(staging, piece.range_offset, *piece.buffer, piece.buffer_offset, piece.size_bytes);
  });
}

Result<void> Transfer::write(const Tensor& tensor, uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  if (is_mapped(tensor)) {
    write_mapped(tensor, offset, bytes);
    return {};
  }
  GPU_ASSIGN(const vulkan::BufferRef staging, upload_buffer(bytes.size()));
  std::memcpy(staging->mapped(), bytes.data(), bytes.size());
  return copy_in(staging, bytes.size(), tensor, offset);
}

Result<Readback> Transfer::read(const Tensor& tensor, uint64_t offset, uint64_t size) {
  if (size == 0) return Readback{};
  if (const std::byte* mapped = mapped_bytes(tensor, offset, size)) {
    GPU_TRY(device_.recorder().make_host_visible());
    return Readback{{mapped, size}, tensor.storage};
  }
  GPU_ASSIGN(vulkan::BufferRef staging, device_.pool().allocate(size, vulkan::BufferUse::kDownload));
  GPU_TRY(for_each_piece(tensor, offset, size, [&](const Piece& piece) {
    return device_.recorder().copy(*piece.buffer, piece.buffer_offset, staging, piece.range_offset, piece.size_bytes);
  }));
  GPU_TRY(device_.recorder().make_host_visible());
  return Readback{{staging->mapped(), size}, staging};
}

}  // namespace gpu_node::program
