// Blocks of every size and alignment, from several threads: nobody else writes into what one has.
#include "base/small_blocks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace gpu_node {
namespace {

struct Block {
  std::byte* bytes = nullptr;
  size_t size = 0;
  std::byte mark{};

  bool intact(size_t count) const {
    return std::all_of(bytes, bytes + count, [this](std::byte byte) { return byte == mark; });
  }
  void fill() { std::memset(bytes, static_cast<int>(mark), size); }
};

// A walk of allocations, resizings and frees; the number of blocks that were found damaged or ill aligned.
int walk(SmallBlocks& blocks, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Block> held;
  int wrong = 0;
  for (int step = 0; step < 20'000; ++step) {
    const size_t size = random() % (random() % 8 == 0 ? 5'000 : 600) + 1;
    const size_t alignment = size_t{1} << random() % 9;
    const auto mark = static_cast<std::byte>(random());
    if (held.empty() || random() % 3 != 0) {
      Block made{static_cast<std::byte*>(blocks.allocate(size, alignment)), size, mark};
      wrong += reinterpret_cast<uintptr_t>(made.bytes) % alignment != 0;
      made.fill();
      held.push_back(made);
      continue;
    }
    std::swap(held[random() % held.size()], held.back());
    Block& block = held.back();
    wrong += !block.intact(block.size);
    if (random() % 2 == 0) {
      block.bytes = static_cast<std::byte*>(blocks.resize(block.bytes, size, alignment));
      wrong += !block.intact(std::min(size, block.size));
      block.size = size;
      block.mark = mark;
      block.fill();
      continue;
    }
    blocks.free(block.bytes);
    held.pop_back();
  }
  for (const Block& block : held) {
    wrong += !block.intact(block.size);
    blocks.free(block.bytes);
  }
  return wrong;
}

}  // namespace

TEST_CASE("small blocks: kept apart, aligned, and as they were after resizing, on several threads") {
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < wrong.size(); ++i)
    threads.emplace_back([&, i] { wrong[i] = walk(SmallBlocks::shared(), i + 1); });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}

TEST_CASE("small blocks: one that was freed is the next of its size") {
  void* const first = SmallBlocks::shared().allocate(100);
  SmallBlocks::shared().free(first);
  void* const next = SmallBlocks::shared().allocate(128);
  CHECK(next == first);
  SmallBlocks::shared().free(next);
  SmallBlocks::shared().free(nullptr);
}

TEST_CASE("small blocks: more than there can be is refused") {
  CHECK(SmallBlocks::shared().allocate(SIZE_MAX - 8) == nullptr);
  void* const block = SmallBlocks::shared().allocate(8);
  CHECK(SmallBlocks::shared().resize(block, SIZE_MAX / 2, 16) == nullptr);
  SmallBlocks::shared().free(block);
}

}  // namespace gpu_node
