// The service on a device, spoken to in terms: tensors, instructions, errors that travel, acknowledgements.
#include <doctest/doctest.h>

#include <cstring>
#include <numeric>

#include "gpu/service_client.h"

namespace gpu_node::test {
namespace {

using etf::Writer;

std::span<const std::byte> bytes_of(const std::vector<float>& values) { return std::as_bytes(std::span(values)); }

using Fixture = Connected;

}  // namespace

TEST_CASE("service: alloc, run, download, free, and the memory comes back") {
  Fixture f;
  CHECK(f.peer->monitored() == 1);
  const int64_t baseline = f.client.live_bytes();
  const std::vector<float> values = {1, 2, 3, 4};
  f.client.run(Commands()
                   .alloc(1, "f32", {4}, bytes_of(values))
                   .alloc(2, "f32", {4})
                   .op("add", 3, "f32", {4}, {1, 1})
                   .op("add", 4, "f32", {4}, {3, 2}),
               7);
  CHECK(f.client.acked(7));
  CHECK(f.client.floats(4) == std::vector<float>{2, 4, 6, 8});
  CHECK(f.client.floats(1) == values);
  CHECK(f.client.floats(2) == std::vector<float>{0, 0, 0, 0});
  CHECK(f.client.stats().numbers["tensors"] == 4);
  f.client.run(Commands().free({1, 2, 3}), 8);
  CHECK(f.client.acked(8));
  CHECK(f.client.download(1).code == "not_found");
  f.client.run(Commands().free({4, 12345}), 9);
  CHECK(eventually([&] { return f.client.live_bytes() == baseline; }));
  CHECK(f.client.stats().numbers["counters.unknown_frees"] == 1);
  CHECK(f.client.stats().numbers["tensors"] == 0);
}

// Each costs the peer a packet to look at, just when it waits for an answer.
TEST_CASE("service: what is sent and read again and again is acknowledged every 2 ms") {
  Fixture f;
  constexpr int64_t kRounds = 1000;
  const Clock::time_point began = Clock::now();
  for (int64_t i = 1; i <= kRounds; ++i) {
    const std::vector<float> value = {static_cast<float>(i)};
    f.client.run(Commands().alloc(i, "f32", {1}, bytes_of(value)), i);
    REQUIRE_UNARY(f.client.floats(i) == value);
  }
  int64_t acknowledgements = 0, seq = 0;
  while (seq >= 0 && seq < kRounds) {
    seq = next_ack(*f.peer, f.client.pid(), f.client.session);
    ++acknowledgements;
  }
  CHECK(seq == kRounds);
  CHECK(acknowledgements <= in_milliseconds(Clock::now() - began) / 2 + 2);
}

TEST_CASE("service: attributes that are given twice poison their result, and the node serves on") {
  Fixture f;
  Writer run;
  run.version().tuple(4).atom("run").unsigned_integer(f.client.session).integer(1).list(1);
  run.tuple(4).atom("dot").list(1).tuple(3).integer(9).atom("f32").tuple(0).nil().list(2).integer(1).integer(1).nil();
  run.map(2);
  for (int twice = 0; twice < 2; ++twice) {
    run.atom("batch_right").list(kMaxRank);
    for (int i = 0; i < kMaxRank; ++i) run.integer(i);
    run.nil();
  }
  run.nil();
  f.client.send(run);
  CHECK(f.client.download(9).code == "invalid_argument");
  CHECK(f.client.download(9).message == "dot: batch_right is given twice");
  const std::vector<float> values = {1, 2};
  f.client.run(Commands().alloc(1, "f32", {2}, bytes_of(values)).op("add", 3, "f32", {2}, {1, 1}), 2);
  CHECK(f.client.floats(3) == std::vector<float>{2, 4});
}

TEST_CASE("service: a slice of a tensor, and reads that are wrong") {
  Fixture f;
  std::vector<float> values(100);
  std::iota(values.begin(), values.end(), 0.0f);
  f.client.run(Commands().alloc(1, "f32", {10, 10}, bytes_of(values)).op("transpose", 2, "f32", {10, 10}, {1}));
  const Reply slice = f.client.download(1, 40, 8);
  REQUIRE(slice.ok());
  CHECK(std::memcmp(slice.bytes.data(), &values[10], 8) == 0);
  // Of a view that is not contiguous: twice, because the second slice reads what the first left contiguous.
  for (int i = 0; i < 2; ++i) {
    const Reply turned = f.client.download(2, 4, 4);
    REQUIRE(turned.ok());
    float got = 0;
    std::memcpy(&got, turned.bytes.data(), sizeof got);
    CHECK(got == 10.0f);
  }
  CHECK(f.client.floats(2)[99] == 99.0f);
  CHECK(f.client.download(1, 0, 0).ok());
  CHECK(f.client.download(1, 400, -1).bytes.empty());
  CHECK(f.client.download(1, 2, 4).message.find("not multiples of 4, the element's size") != std::string::npos);
  CHECK(f.client.download(1, 0, 404).message.find("past the end") != std::string::npos);
  CHECK(f.client.download(1, 404, -1).message.find("past the end") != std::string::npos);
  CHECK(f.client.download(1, UINT64_MAX - 3, -1).code == "invalid_argument");
  CHECK(f.client.download(9).message == "download: tensor 9 does not exist");
}

TEST_CASE("service: an error travels to whoever reads, and is the first one") {
  Fixture f;
  f.client.run(Commands()
                   .alloc(1, "f32", {2})
                   .alloc(2, "f32", {3})
                   .op("add", 3, "f32", {2}, {1, 2})
                   .op("multiply", 4, "f32", {2}, {3, 1})
                   .op("exp", -1, "f32", {2}, {4})
                   .op("negate", 5, "f32", {2}, {-1})
                   .op("negate", 6, "f32", {2}, {1}),
               1);
  CHECK(f.client.acked(1));
  for (const int64_t id : {3, 4, 5}) {
    const Reply read = f.client.download(id);
    CHECK(read.code == "invalid_argument");
    CHECK(read.message.find("add") != std::string::npos);
  }
  CHECK(f.client.sync({6, 5}).message.find("add") != std::string::npos);
  CHECK(f.client.sync({6}).ok());
  CHECK(f.client.floats(6).size() == 2);
  Writer malformed;
  malformed.tuple(4).atom("fly").list(1).tuple(3).integer(10).atom("f32").tuple(0).nil().nil().map(0);
  f.client.run(Commands().raw(malformed).op("negate", 11, "f32", {}, {10}));
  CHECK(f.client.download(11).code == "unsupported");
  CHECK(f.client.download(11).message == "this node has no op fly");
}

TEST_CASE("service: an id that is used twice, and locals that end with their message") {
  Fixture f;
  f.client.run(Commands().alloc(1, "f32", {2}).op("negate", -1, "f32", {2}, {1}).op("negate", 2, "f32", {2}, {-1}));
  CHECK(f.client.sync({2}).ok());
  f.client.run(Commands().op("negate", 3, "f32", {2}, {-1}));
  CHECK(f.client.download(3).message == "negate: local -1 does not exist");
  f.client.run(Commands().alloc(1, "f32", {5}));
  CHECK(f.client.download(1).message == "alloc: tensor 1 is made twice");
}

TEST_CASE("service: sizes that do not fit, and tensors without elements") {
  Fixture f;
  const std::vector<float> two = {1, 2};
  f.client.run(
      Commands().alloc(1, "f32", {3}, bytes_of(two)).alloc(2, "f32", {0, 5}).op("negate", 3, "f32", {0, 5}, {2}));
  CHECK(f.client.download(1).message == "alloc: f32{3} has 12 bytes, the binary 8");
  CHECK(f.client.download(3).ok());
  CHECK(f.client.download(3).bytes.empty());
}

TEST_CASE("service: a chain of 1,000 dependent adds in batches of 64 is at most 4 submissions") {
  Fixture f;
  const std::vector<float> one(16, 1.0f);
  f.client.run(Commands().alloc(0, "f32", {16}, bytes_of(one)).op("add", 1, "f32", {16}, {0, 0}));
  CHECK(f.client.sync({1}).ok());  // the kernel is compiled
  const int64_t before = f.client.stats().numbers["counters.submits"];
  int64_t seq = 100;
  for (int64_t id = 2; id <= 1001;) {
    Commands batch;
    for (int i = 0; i < 64 && id <= 1001; ++i, ++id) batch.op("add", id, "f32", {16}, {id - 1, 0}).free({id - 1});
    f.client.run(batch, seq++);
  }
  CHECK(f.client.floats(1001) == std::vector<float>(16, 1002.0f));
  const int64_t submits = f.client.stats().numbers["counters.submits"] - before;
  MESSAGE("submissions: " << submits);
  CHECK(submits <= 4);
}

TEST_CASE("service: work that nobody reads is submitted once the queue is quiet") {
  Fixture f;
  const int64_t before = f.client.stats().numbers["counters.submits"];
  f.client.run(Commands().alloc(1, "f32", {4}).op("negate", 2, "f32", {4}, {1}));
  CHECK(eventually([&] { return f.client.stats().numbers["counters.submits"] > before; }));
}

TEST_CASE("service: what is told about the node") {
  Fixture f;
  const Reply described = f.client.call(Writer().tuple(2).atom("describe").integer(2));
  REQUIRE(described.ok());
  CHECK(described.numbers.at("protocol") == 2);
  CHECK(described.numbers.at("ops.add.results") == 1);
  CHECK(described.numbers.at("ops.add.list") == 0);
  CHECK(described.numbers.at("limits.max_commands") == 4096);
  CHECK(described.numbers.at("types") >= 10);
  const Reply refused = f.client.call(Writer().tuple(2).atom("describe").integer(3));
  CHECK(refused.code == "unsupported");
  CHECK(refused.message.find("protocol 3") != std::string::npos);
  CHECK(refused.message.find("speaks 2") != std::string::npos);
  CHECK(f.client.call(Writer().atom("ping")).ok());
  const Reply beat = f.client.call(Writer().tuple(2).atom("heartbeat").unsigned_integer(f.client.session));
  CHECK(beat.numbers.count("queued") == 1);
  CHECK(beat.numbers.count("busy_ms") == 1);
  CHECK(f.client.call(Writer().tuple(2).atom("juggle").integer(1)).code == "invalid_argument");
}

TEST_CASE("service: messages that nobody understands are counted and dropped") {
  Fixture f;
  Writer unknown;
  unknown.version().tuple(2).atom("hello").integer(1);
  f.client.send(unknown);
  Writer foreign;
  foreign.version().tuple(4).atom("run").unsigned_integer(f.client.session ^ 1).integer(1).nil();
  f.client.send(foreign);
  CHECK(f.client.stats().numbers["counters.unknown_messages"] == 2);
  const uint64_t session = f.client.session;
  f.client.session ^= uint64_t{1} << 60;
  CHECK(f.client.download(1).code == "stale");
  f.client.session = session ^ 1;
  CHECK(f.client.download(1).code == "not_found");
}

}  // namespace gpu_node::test
