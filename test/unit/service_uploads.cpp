// Uploads into memory of any layout: mapped in one part or several, or staged; what is reserved, landed, given back.
#include <doctest/doctest.h>

#include <algorithm>

#include "program/transfer.h"
#include "service/upload.h"

namespace gpu_node::service {
namespace {

struct HostBuffer : vulkan::Buffer {
  explicit HostBuffer(uint64_t size, bool mapped = true) : Buffer(size, size, nullptr), memory(size) {
    if (mapped) mapped_ = memory.data();
  }
  std::vector<std::byte> memory;
};

program::Tensor tensor_of(std::vector<vulkan::BufferRef> parts, uint64_t part_bytes, int64_t size) {
  program::Storage storage;
  storage.parts = {parts.begin(), parts.end()};
  storage.part_bytes = part_bytes;
  storage.size_bytes = static_cast<uint64_t>(size);
  return {Dtype::u8, IndexMap::row_major({size}), std::make_shared<const program::Storage>(std::move(storage))};
}

std::vector<std::byte> counting(size_t size, int first) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(static_cast<size_t>(first) + i);
  return bytes;
}

}  // namespace

TEST_CASE("upload: across the parts of a storage, by chunks that do not fit them") {
  std::vector<vulkan::BufferRef> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(std::make_shared<HostBuffer>(100));
  const program::Tensor tensor = tensor_of(parts, 100, 250);
  CHECK(program::is_mapped(tensor));
  CHECK(program::mapped_bytes(tensor, 90, 10) == parts[0]->mapped() + 90);
  CHECK(program::mapped_bytes(tensor, 100, 10) == parts[1]->mapped());
  CHECK(program::mapped_bytes(tensor, 95, 10) == nullptr);
  const auto upload = std::make_shared<Upload>(1, 2, tensor, std::vector<vulkan::BufferRef>());
  CHECK(upload->missing_bytes() == 250);
  const std::vector<std::byte> data = counting(250, 1);
  for (const uint64_t at : {180u, 0u, 60u, 120u, 240u}) {
    const uint64_t size = std::min<uint64_t>(60, 250 - at);
    auto chunk = upload->reserve(at, size);
    REQUIRE(chunk.ok());
    CHECK((chunk.value()->destination() == nullptr) == (at == 60 || at == 180));
    Upload::write(*chunk.value(), std::span(data).subspan(at, size));
    CHECK(upload->land(*chunk.value()) == (at == 240));
  }
  CHECK(upload->missing_bytes() == 0);
  for (size_t i = 0; i < 250; ++i) CHECK(parts[i / 100]->mapped()[i % 100] == data[i]);
}

TEST_CASE("upload: what has come or is on its way cannot come again, what was given up can") {
  const auto upload = std::make_shared<Upload>(1, 2, tensor_of({std::make_shared<HostBuffer>(100)}, 100, 100),
                                               std::vector<vulkan::BufferRef>());
  auto first = upload->reserve(10, 20);
  REQUIRE(first.ok());
  for (const auto& [at, size] : {std::pair(0, 11), {29, 1}, {10, 20}, {15, 5}, {0, 100}})
    CHECK(!upload->reserve(static_cast<uint64_t>(at), static_cast<uint64_t>(size)).ok());
  CHECK(upload->reserve(0, 10).ok());  // dropped at once
  first = Error{};                     // given up
  auto again = upload->reserve(5, 30);
  REQUIRE(again.ok());
  CHECK(!upload->land(*again.value()));
  CHECK(!upload->reserve(34, 1).ok());
  CHECK(!upload->reserve(4, 2).ok());
  CHECK(upload->missing_bytes() == 70);
  auto low = upload->reserve(0, 5), high = upload->reserve(35, 65);
  REQUIRE((low.ok() && high.ok()));
  CHECK(!upload->land(*high.value()));
  CHECK(upload->land(*low.value()));
}

TEST_CASE("upload: staged chunks wait for a slot, and give it back") {
  std::vector<vulkan::BufferRef> slots;
  for (int i = 0; i < 2; ++i) slots.push_back(std::make_shared<HostBuffer>(50));
  const auto upload =
      std::make_shared<Upload>(1, 2, tensor_of({std::make_shared<HostBuffer>(200, false)}, 200, 200), std::move(slots));
  CHECK(!program::is_mapped(upload->tensor()));
  auto a = upload->reserve(0, 50), b = upload->reserve(50, 50);
  REQUIRE((a.ok() && b.ok()));
  CHECK(a.value()->staging() != nullptr);
  CHECK(a.value()->destination() == a.value()->staging()->mapped());
  CHECK(upload->reserve(100, 50).error().code == ErrorCode::kBusy);
  b = Error{};
  CHECK(upload->reserve(100, 50).ok());
  CHECK(!upload->land(*a.value(), std::make_shared<HostBuffer>(50)));
  auto c = upload->reserve(100, 50), d = upload->reserve(150, 50);
  CHECK((c.ok() && d.ok()));
}

TEST_CASE("upload: a table of uploads by session and id") {
  UploadTable table;
  const auto upload = std::make_shared<Upload>(1, 2, tensor_of({std::make_shared<HostBuffer>(1)}, 1, 1),
                                               std::vector<vulkan::BufferRef>());
  table.insert(upload);
  CHECK(table.find(1, 2) == upload);
  CHECK(table.find(2, 1) == nullptr);
  table.erase(1, 2);
  CHECK(table.find(1, 2) == nullptr);
}

}  // namespace gpu_node::service
