// Memory for what comes and goes by the hundred thousand a second: blocks of up to 512 bytes from lists of free ones,
// what is larger from malloc. Freed blocks wait for the next of their size and never go back. Any thread.
//
// A general allocator pays for returning memory to wherever it came from when hundreds of blocks are freed at once, as
// a driver does with the commands that it has recorded.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gpu_node {

class SmallBlocks {
 public:
  // The ones of the process. They are never destroyed: whoever frees a block may be the last to run.
  static SmallBlocks& shared();

  // |size| bytes, more than 0, aligned to |alignment|, a power of two. nullptr when memory is out.
  void* allocate(size_t size, size_t alignment = kAlignment);
  // |block| with room for |size| bytes, at least as aligned; its first bytes are kept. nullptr, and |block| as it was,
  // when memory is out.
  void* resize(void* block, size_t size, size_t alignment = kAlignment);
  // |block| may be nullptr.
  void free(void* block);

 private:
  static constexpr size_t kAlignment = 16, kStep = 32, kLists = 16;

  // Before every block.
  struct Header {
    uint32_t list;    // kLists: from malloc
    uint32_t offset;  // of the block in what malloc gave
    uint64_t size;
  };
  static_assert(sizeof(Header) == kAlignment);
  struct Free {
    Free* next;
  };
  // A lock of its own for each list: it is held for a few instructions.
  struct alignas(64) List {
    std::atomic_flag locked;
    Free* free = nullptr;
    std::byte* fresh = nullptr;  // of the chunk that is being cut up
    std::byte* end = nullptr;
  };

  static Header* header_of(void* block) { return reinterpret_cast<Header*>(block) - 1; }
  static void lock(List& list);
  static void unlock(List& list) { list.locked.clear(std::memory_order_release); }
  static bool add_chunk(List& list, size_t block_bytes);
  static void* allocate_large(size_t size, size_t alignment);

  std::array<List, kLists> lists_;
};

// SmallBlocks::shared() for std::allocate_shared.
template <typename T>
struct SmallBlockAllocator {
  using value_type = T;

  SmallBlockAllocator() = default;
  template <typename U>
  SmallBlockAllocator(const SmallBlockAllocator<U>&) {}  // NOLINT: rebinding converts
  T* allocate(size_t count) { return static_cast<T*>(SmallBlocks::shared().allocate(count * sizeof(T), alignof(T))); }
  void deallocate(T* block, size_t) { SmallBlocks::shared().free(block); }
  template <typename U>
  bool operator==(const SmallBlockAllocator<U>&) const {
    return true;
  }
};

}  // namespace gpu_node
