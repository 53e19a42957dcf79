// Pages of several buffers at once, without a device: who waits gets them all, who goes away gets none.
#include "vulkan/page_worker.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

namespace gpu_node::vulkan {
namespace {

constexpr uint64_t kBytes = 24u << 20;  // more than a turn

struct Buffers {
  Buffers() {
    const int file = ::memfd_create("pages", MFD_CLOEXEC);
    REQUIRE(::ftruncate(file, static_cast<off_t>(kCount * kBytes)) == 0);
    void* const made = ::mmap(nullptr, kCount * kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    REQUIRE(made != MAP_FAILED);
    memory = static_cast<std::byte*>(made);
  }
  ~Buffers() {
    for (PooledBuffer* back = home->take_all(); back != nullptr;) {
      PooledBuffer* const next = back->next_returned;
      delete back;
      back = next;
    }
    ::munmap(memory, kCount * kBytes);
  }

  PooledBuffer* make(size_t i) {
    auto* buffer = new PooledBuffer(nullptr, VK_NULL_HANDLE, nullptr, kBytes, memory + i * kBytes, BufferUse::kDevice,
                                    0, true, home);
    buffer->has_pages = false;
    return buffer;
  }
  BufferRef ref(size_t i) {
    PooledBuffer* const buffer = make(i);
    return {buffer, [](PooledBuffer*) {}, CountsInBuffer<PooledBuffer>(buffer)};
  }
  size_t resident(size_t i) const {
    std::vector<unsigned char> in(kBytes / 4096);
    REQUIRE(::mincore(memory + i * kBytes, kBytes, in.data()) == 0);
    size_t pages = 0;
    for (const unsigned char page : in) pages += page & 1;
    return pages;
  }

  static constexpr size_t kCount = 8;
  std::shared_ptr<ReturnStack> home = std::make_shared<ReturnStack>();
  std::byte* memory = nullptr;
};

const PooledBuffer& pooled(const BufferRef& buffer) { return static_cast<const PooledBuffer&>(*buffer); }

}  // namespace

TEST_CASE("page worker: buffers in turns, each whole when it is told; those given back are empty") {
  Buffers buffers;
  const HostMemory host;
  PageWorker worker(host);
  std::vector<BufferRef> held;
  std::vector<Pending<void>> pending;
  for (size_t i = 0; i < 4; ++i) {
    held.push_back(buffers.ref(i));
    pending.push_back(worker.take(held.back()));
  }
  for (size_t i = 0; i < 4; ++i) {
    CHECK(pending[i].get().ok());
    CHECK(pooled(held[i]).has_pages);
    CHECK(held[i].use_count() == 1);
    CHECK(buffers.resident(i) == kBytes / 4096);
  }
  CHECK(worker.promised_bytes() == 0);
  CHECK(worker.progress_bytes() == 4 * kBytes);

  for (size_t i = 0; i < 4; ++i) worker.give_back(static_cast<PooledBuffer*>(held[i].get()));
  const Pending<void> emptying = worker.emptying();
  CHECK(emptying.get().ok());
  CHECK(worker.emptied().size() == 4);
  for (size_t i = 0; i < 4; ++i) CHECK(buffers.resident(i) == 0);
}

TEST_CASE("page worker: a buffer that nobody waits for, or that is begun when it ends, has no pages") {
  Buffers buffers;
  const HostMemory host;
  PageWorker worker(host);
  std::vector<BufferRef> held;
  std::vector<Pending<void>> pending;
  for (size_t i = 0; i < Buffers::kCount; ++i) {
    held.push_back(buffers.ref(i));
    pending.push_back(worker.take(held.back()));
    if (i % 2 == 0) pending.back() = {};  // he is gone
  }
  CHECK(pending[1].get().ok());
  CHECK(worker.stop().empty());
  CHECK(worker.promised_bytes() <= Buffers::kCount * kBytes);
  for (size_t i = 0; i < Buffers::kCount; ++i) {
    CHECK(held[i].use_count() == 1);
    if (!pending[i].valid() || !pending[i].get().ok()) CHECK_FALSE(pooled(held[i]).has_pages);
  }
}

}  // namespace gpu_node::vulkan
