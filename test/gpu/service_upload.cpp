// Uploads in chunks: any order, both ways in, everything that can be wrong with them, and large tensors back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "gpu/device.h"
#include "gpu/service_client.h"

namespace gpu_node::test {
namespace {

constexpr uint64_t kChunk = service::kUploadChunkBytes;

Bytes random_bytes(size_t size, uint32_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

// With |staged|, as on a card with memory of its own: bytes go through staging buffers and recorded copies.
struct Fixture {
  explicit Fixture(bool staged = false) {
    vulkan::DeviceOptions options = device_options();
    options.always_staged = staged;
    service = make_service({}, &options);
    peer = std::make_shared<Peer>("a@test");
    client = std::make_unique<Client>(*service, peer);
    REQUIRE(client->open().ok());
  }
  std::unique_ptr<service::Service> service;
  std::shared_ptr<Peer> peer;
  std::unique_ptr<Client> client;
};

template <typename Body>
void both_ways(Body body) {
  for (const bool staged : {false, true}) {
    INFO((staged ? "staged" : "as the device is"));
    Fixture fixture(staged);
    body(fixture);
  }
}

}  // namespace

TEST_CASE("service: chunks in any order, claimed or whole, make the tensor") {
  both_ways([](Fixture& f) {
    std::mt19937 random(3);
    for (const bool claim : {true, false}) {
      const int64_t id = claim ? 1 : 2;
      const Bytes data = random_bytes(5 * kChunk + 12'345, 11);
      const Reply opened = f.client->upload_open(id, "u8", {static_cast<int64_t>(data.size())});
      REQUIRE(opened.ok());
      CHECK(opened.numbers.at("chunk_bytes") == static_cast<int64_t>(kChunk));
      CHECK(opened.numbers.at("window") == 4);
      std::vector<uint64_t> offsets;
      for (uint64_t at = 0; at < data.size(); at += kChunk) offsets.push_back(at);
      std::shuffle(offsets.begin(), offsets.end(), random);
      uint64_t left = data.size();
      for (const uint64_t at : offsets) {
        const Reply early = f.client->download(id);
        CHECK(early.code == "invalid_argument");
        CHECK(early.message.find("still misses " + std::to_string(left) + " uploaded bytes") != std::string::npos);
        const uint64_t size = std::min<uint64_t>(kChunk, data.size() - at);
        CHECK(f.client->chunk(id, at, std::span(data).subspan(at, size), claim).ok());
        left -= size;
      }
      const Reply whole = f.client->download(id);
      REQUIRE(whole.ok());
      CHECK(whole.bytes == data);
      CHECK(f.peer->bulk_replies() > 0);
      const Reply slice = f.client->download(id, kChunk - 5, 10);
      CHECK(std::equal(slice.bytes.begin(), slice.bytes.end(), data.begin() + kChunk - 5));
    }
    CHECK(f.client->stats().numbers["counters.uploads_bytes"] == 2 * (5 * static_cast<int64_t>(kChunk) + 12'345));
  });
}

TEST_CASE("service: what is wrong with a chunk is said, and does not spoil the upload") {
  both_ways([](Fixture& f) {
    const Bytes data = random_bytes(1000, 5);
    REQUIRE(f.client->upload_open(1, "u8", {1000}).ok());
    const auto part = [&](uint64_t at, uint64_t size) { return std::span(data).subspan(at, size); };
    CHECK(f.client->chunk(1, 100, part(100, 200)).ok());
    for (const bool claim : {true, false}) {
      CHECK(f.client->chunk(1, 299, part(299, 10), claim).message.find("overlaps") != std::string::npos);
      CHECK(f.client->chunk(1, 50, part(50, 51), claim).message.find("overlaps") != std::string::npos);
      CHECK(f.client->chunk(1, 0, part(0, 1000), claim).message.find("overlaps") != std::string::npos);
      CHECK(f.client->chunk(1, 995, part(0, 6), claim).message.find("the tensor has 1000 bytes") != std::string::npos);
      CHECK(f.client->chunk(1, UINT64_MAX, part(0, 6), claim).code == "invalid_argument");
      CHECK(f.client->chunk(2, 0, part(0, 6), claim).code == "not_found");
      CHECK(f.client->chunk(1, 0, part(0, 0), claim).code == "invalid_argument");
    }
    const Bytes large(kChunk + 1);
    CHECK(f.client->chunk(1, 0, large).code == "invalid_argument");
    CHECK(f.client->upload_open(1, "u8", {10}).message.find("made twice") != std::string::npos);
    CHECK(f.client->chunk(1, 0, part(0, 100)).ok());
    CHECK(f.client->chunk(1, 300, part(300, 700)).ok());
    CHECK(f.client->download(1).bytes == data);
    CHECK(f.client->chunk(1, 0, part(0, 100)).code == "not_found");
    REQUIRE(f.client->upload_open(3, "f64", {0}).ok());
    CHECK(f.client->download(3).ok());
  });
}

TEST_CASE("service: a chunk that never arrives gives its bytes back, and a freed upload its memory") {
  both_ways([](Fixture& f) {
    const int64_t baseline = f.client->live_bytes();
    const Bytes data = random_bytes(4000, 6);
    REQUIRE(f.client->upload_open(1, "u8", {4000}).ok());
    {
      etf::Writer head;
      head.version().tuple(6).atom("upload").unsigned_integer(f.client->session).integer(1).integer(0);
      head.tuple(2).raw(f.client->pid()).integer(1).binary_header(4000);
      auto landing = f.service->claim(nullptr, head.bytes(), head.bytes().size() + 4000);
      REQUIRE(landing);
      CHECK(f.client->chunk(1, 0, data).message.find("overlaps") != std::string::npos);
    }
    CHECK(f.client->chunk(1, 0, data).ok());
    CHECK(f.client->download(1).bytes == data);
    REQUIRE(f.client->upload_open(2, "u8", {4000}).ok());
    CHECK(f.client->chunk(2, 0, std::span(data).first(100)).ok());
    f.client->run(Commands().free({1, 2}), 5);
    CHECK(f.client->acked(5));
    CHECK(f.client->chunk(2, 100, std::span(data).first(100)).code == "not_found");
    CHECK(eventually([&] { return f.client->live_bytes() == baseline; }));
  });
}

TEST_CASE("service: an uploaded tensor is computed with at once") {
  both_ways([](Fixture& f) {
    std::vector<float> values(300'000);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 977);
    const auto bytes = std::as_bytes(std::span(values));
    REQUIRE(f.client->upload_open(1, "f32", {300'000}).ok());
    std::vector<uint64_t> tags;
    for (uint64_t at = 0; at < bytes.size(); at += kChunk)
      tags.push_back(f.client->send_chunk(1, at, bytes.subspan(at, std::min<uint64_t>(kChunk, bytes.size() - at))));
    for (const uint64_t tag : tags) CHECK(f.client->await(tag).ok());
    f.client->run(Commands().op("add", 2, "f32", {300'000}, {1, 1}));
    const std::vector<float> doubled = f.client->floats(2);
    REQUIRE(doubled.size() == values.size());
    size_t wrong = 0;
    for (size_t i = 0; i < values.size(); ++i) wrong += doubled[i] != 2 * values[i];
    CHECK(wrong == 0);
  });
}

TEST_CASE("service: an upload of many windows, and slices of it turned, through either memory") {
  both_ways([](Fixture& f) {
    const uint64_t side = 3300;  // 41.5 MiB of f32: the staging buffers come round ten times
    std::vector<float> values(side * side);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1'000'003);
    const auto bytes = std::as_bytes(std::span(values));
    REQUIRE(f.client->upload_open(1, "f32", {3300, 3300}).ok());
    std::vector<uint64_t> waiting;
    for (uint64_t at = 0; at < bytes.size(); at += kChunk) {
      if (waiting.size() == service::kUploadWindow) {
        REQUIRE(f.client->await(waiting.front()).ok());
        waiting.erase(waiting.begin());
      }
      waiting.push_back(f.client->send_chunk(1, at, bytes.subspan(at, std::min<uint64_t>(kChunk, bytes.size() - at))));
    }
    for (const uint64_t tag : waiting) REQUIRE(f.client->await(tag).ok());
    f.client->run(Commands().op("transpose", 2, "f32", {3300, 3300}, {1}));
    size_t wrong = 0;
    for (const uint64_t row : {0u, 1u, 1649u, 3299u}) {
      const Reply slice = f.client->download(2, row * side * 4, static_cast<int64_t>(side * 4));
      REQUIRE(slice.bytes.size() == side * 4);
      for (uint64_t i = 0; i < side; ++i) {
        float got = 0;
        std::memcpy(&got, slice.bytes.data() + i * 4, 4);
        wrong += got != values[i * side + row];
      }
    }
    CHECK(wrong == 0);
    const Reply whole = f.client->download(1);
    CHECK(std::equal(whole.bytes.begin(), whole.bytes.end(), bytes.begin(), bytes.end()));
  });
}

}  // namespace gpu_node::test
