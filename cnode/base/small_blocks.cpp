#include "base/small_blocks.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

namespace gpu_node {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;
constexpr int kSpins = 64;

}  // namespace

SmallBlocks& SmallBlocks::shared() {
  static auto* const kShared = new SmallBlocks;
  return *kShared;
}

void SmallBlocks::lock(List& list) {
  for (int spins = 0; list.locked.test_and_set(std::memory_order_acquire); ++spins)
    if (spins >= kSpins) std::this_thread::yield();
}

bool SmallBlocks::add_chunk(List& list, size_t block_bytes) {
  auto* const chunk = static_cast<std::byte*>(std::malloc(kChunkBytes));
  if (chunk == nullptr) return false;
  list.fresh = chunk;
  list.end = chunk + kChunkBytes / block_bytes * block_bytes;
  return true;
}

void* SmallBlocks::allocate(size_t size, size_t alignment) {
  if (alignment > kAlignment || size > kStep * kLists) return allocate_large(size, alignment);
  const size_t index = (std::max<size_t>(size, 1) - 1) / kStep;
  const size_t block_bytes = sizeof(Header) + (index + 1) * kStep;
  List& list = lists_[index];
  lock(list);
  void* block = list.free;
  if (block != nullptr) {
    list.free = list.free->next;
  } else if (list.fresh != list.end || add_chunk(list, block_bytes)) {
    block = list.fresh + sizeof(Header);
    list.fresh += block_bytes;
  }
  unlock(list);
  if (block != nullptr) *header_of(block) = {static_cast<uint32_t>(index), 0, size};
  return block;
}

void* SmallBlocks::allocate_large(size_t size, size_t alignment) {
  alignment = std::max(alignment, kAlignment);
  if (size > SIZE_MAX - sizeof(Header) - alignment) return nullptr;
  auto* const base = static_cast<std::byte*>(std::malloc(size + sizeof(Header) + alignment));
  if (base == nullptr) return nullptr;
  const auto first = reinterpret_cast<uintptr_t>(base) + sizeof(Header);
  const uintptr_t aligned = (first + alignment - 1) / alignment * alignment;
  std::byte* const block = base + (aligned - reinterpret_cast<uintptr_t>(base));
  *header_of(block) = {kLists, static_cast<uint32_t>(block - base), size};
  return block;
}

void* SmallBlocks::resize(void* block, size_t size, size_t alignment) {
  if (block == nullptr) return allocate(size, alignment);
  void* const moved = allocate(size, alignment);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min<size_t>(size, header_of(block)->size));
  free(block);
  return moved;
}

void SmallBlocks::free(void* block) {
  if (block == nullptr) return;
  const Header header = *header_of(block);
  if (header.list == kLists) return std::free(static_cast<std::byte*>(block) - header.offset);
  List& list = lists_[header.list];
  lock(list);
  list.free = new (block) Free{list.free};
  unlock(list);
}

}  // namespace gpu_node
