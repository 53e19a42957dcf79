// Large tensors: whoever makes them waits for the host's memory, nobody else does, and whatever needs them has them.
#include <doctest/doctest.h>

#include <cstring>

#include "gpu/bystander.h"
#include "gpu/host_bytes.h"

namespace gpu_node::test {
namespace {

constexpr int64_t kMebi = 1 << 20;
constexpr int64_t kGibi = 1 << 30;

// Checks that the other of |two| is served while call |tag| is not answered, which is then well.
void check_bystander(Two& two, uint64_t tag) {
  Reply reply;
  const Waits waits = waits_beside(two, tag, reply);
  INFO(reply.message);
  CHECK(reply.ok());
  check_served(waits);
}

std::vector<float> numbers(const Bytes& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

TEST_CASE("while a session makes tensors of 2 GiB, another's add is answered within 100 ms" *
          doctest::test_suite("truth")) {
  Two two(5000);
  two.busy.run(Commands().alloc(1, "u8", {3 * kGibi / 2}).alloc(2, "u8", {kGibi / 2}));
  check_bystander(two, two.busy.send_call(two.busy.download_request(2, 0, 4)));
  CHECK(two.busy.download(1, 3 * kGibi / 2 - 4, 4).bytes == Bytes(4));
  // Nor does anybody wait while they go back to the host.
  two.busy.run(Commands().free({1, 2}));
  const auto pooled = [&] { return two.other.stats().numbers.at("memory.pooled_bytes"); };
  CHECK(eventually([&] { return pooled() > 0; }));
  CHECK(eventually([&] { return pooled() < kMebi; }));
}

TEST_CASE("service large: many buffers of some MiB are turns, too") {
  Two two(5000);
  Commands commands;
  for (int64_t id = 1; id <= 128; ++id) commands.alloc(id, "u8", {8 * kMebi});
  two.busy.run(commands);
  check_bystander(two, two.busy.send_call(two.busy.download_request(128, 0, 4)));
}

TEST_CASE("service large: zeros are not written over zeros, and are where others' numbers were") {
  Connected f;
  if (!f.service->device_info().software) {
    MESSAGE("skipped: the device has memory of its own");
    return;
  }
  const auto copies = [&] { return f.client.stats().numbers.at("counters.copies"); };
  // Of pages that are taken aside, and of those that are not.
  for (const int64_t mebi : {17, 2}) {
    const int64_t bytes = mebi * kMebi;
    const auto all_zero = [&](int64_t id) {
      const Bytes got = f.client.download(id, 0, static_cast<uint64_t>(bytes)).bytes;
      return got == Bytes(static_cast<size_t>(bytes));
    };
    const int64_t before = copies();
    f.client.run(Commands().alloc(mebi, "u8", {bytes}));
    CHECK(all_zero(mebi));
    CHECK(copies() == before);
    // One that was written by the device, then one that the host wrote: their memory goes to the next.
    f.client.run(Commands().op("add", mebi + 100, "u8", {bytes}, {mebi, mebi}).free({mebi}));
    f.client.run(Commands().op("bitwise_not", mebi + 200, "u8", {bytes}, {mebi + 100}).free({mebi + 100}));
    f.client.run(Commands().free({mebi + 200}).alloc(mebi + 300, "u8", {bytes}).alloc(mebi + 400, "u8", {bytes}));
    CHECK(all_zero(mebi + 300));
    CHECK(all_zero(mebi + 400));
    const Bytes ones(static_cast<size_t>(bytes), std::byte{1});
    REQUIRE(f.client.upload_open(mebi + 500, "u8", {bytes}).ok());
    for (int64_t at = 0; at < bytes; at += kMebi)
      REQUIRE(f.client.chunk(mebi + 500, static_cast<uint64_t>(at), std::span(ones).first(kMebi)).ok());
    f.client.run(Commands().free({mebi + 500}).alloc(mebi + 600, "u8", {bytes}));
    CHECK(all_zero(mebi + 600));
  }
}

TEST_CASE("service large: results, locals, strided reads and uploads are what they are of small tensors") {
  Connected f;
  constexpr int64_t kSide = 4096;  // f32: 64 MiB
  const auto read = [&](int64_t id, uint64_t offset) { return numbers(f.client.download(id, offset, 8).bytes); };
  Commands commands;
  commands.op("iota", 1, "f32", {kSide * kSide}, {});
  for (int64_t i = 1; i <= 4; ++i) commands.op("negate", i == 4 ? 2 : -i, "f32", {kSide * kSide}, {i == 1 ? 1 : 1 - i});
  f.client.run(commands);
  CHECK(read(1, 40) == std::vector<float>{10, 11});
  CHECK(read(2, 40) == std::vector<float>{10, 11});
  f.client.run(Commands().op("reshape", 3, "f32", {kSide, kSide}, {1}).op("transpose", 4, "f32", {kSide, kSide}, {3}));
  CHECK(read(4, 0) == std::vector<float>{0, kSide});
  // A program's steps, of which each is an attempt.
  etf::Writer compile;
  compile.tuple(6).atom("compile_program").integer(10).list(1).tuple(2).atom("f32");
  write_shape(compile, {kSide * kSide});
  compile.nil().list(2);
  for (int64_t i = 1; i <= 2; ++i) {
    compile.tuple(4).atom("negate").list(1).tuple(3).integer(-i).atom("f32");
    write_shape(compile, {kSide * kSide});
    compile.nil().list(1).integer(1 - i).nil().map(0);
  }
  compile.nil().list(1).integer(-2).nil().nil();
  etf::Writer run;
  run.tuple(4).atom("run_program").integer(10).list(1).integer(1).nil().list(1).integer(11).nil();
  f.client.run(Commands().free({2, 4}).raw(compile).raw(run));
  CHECK(read(11, 40) == std::vector<float>{10, 11});

  CHECK(f.client.upload_open(9, "u8", {kGibi}).ok());
  const Bytes chunk(kMebi, std::byte{7});
  CHECK(f.client.chunk(9, kGibi - kMebi, chunk).ok());
}

TEST_CASE("service large: a session that ends, or a call that is cancelled, leaves nothing of what is being made") {
  Two two(5000);
  if (!two.service->device_info().software) {
    MESSAGE("skipped: the device has memory of its own");
    return;
  }
  const auto files = [] { return static_cast<int64_t>(nameless_file_bytes()); };
  const int64_t before = files(), live = two.other.live_bytes();
  const auto is_back = [&] {
    return eventually([&] { return two.other.live_bytes() == live; }) &&
           eventually([&] { return two.other.stats().numbers.at("memory.pooled_bytes") < kMebi; }) &&
           files() - before < 64 * kMebi;
  };
  SUBCASE("a session") {
    two.busy.run(Commands().alloc(1, "u8", {3 * kGibi / 2}));
    // What is being made is the session's from the beginning.
    REQUIRE(eventually([&] {
      auto of_stats = two.other.stats().numbers;
      return of_stats["memory.live_bytes"] >= live + 3 * kGibi / 2 &&
             of_stats["sessions.0.bytes"] + of_stats["sessions.1.bytes"] >= 3 * kGibi / 2;
    }));
    CHECK(two.busy.call(etf::Writer().tuple(2).atom("close").unsigned_integer(two.busy.session)).ok());
    CHECK(is_back());
  }
  SUBCASE("a call whose time runs out") {
    etf::Writer open;
    open.tuple(6).atom("upload_open").unsigned_integer(two.busy.session).integer(9).atom("u8");
    write_shape(open, {3 * kGibi / 2});
    const Reply opened = two.busy.call(open.map(1).atom("deadline_ms").integer(50));
    CHECK(opened.code == "deadline");
    CHECK(is_back());
    // The session goes on.
    two.busy.run(Commands().alloc(1, "f32", {2}));
    CHECK(two.busy.floats(1) == std::vector<float>(2));
    two.busy.run(Commands().free({1}));
  }
}

}  // namespace gpu_node::test
