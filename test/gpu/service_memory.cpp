// Memory that is short, what names cost, and what goes back to the host: as sessions see it.
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "gpu/device.h"
#include "gpu/host_bytes.h"
#include "gpu/service_client.h"

extern char** environ;

namespace gpu_node::test {
namespace {

constexpr int64_t kMebi = 1 << 20;

// A service whose device may have |mebi| MiB, and a session of each of two nodes.
struct Small {
  explicit Small(int64_t mebi) : service(service_of(mebi)) {
    REQUIRE(mine.open().ok());
    REQUIRE(other.open().ok());
  }
  static std::unique_ptr<service::Service> service_of(int64_t mebi) {
    vulkan::DeviceOptions options = device_options();
    options.memory_limit_bytes = static_cast<uint64_t>(mebi * kMebi);
    return make_service({}, &options);
  }

  std::unique_ptr<service::Service> service;
  Client mine{*service, std::make_shared<Peer>("a@test")};
  Client other{*service, std::make_shared<Peer>("b@test")};
};

// As many dependent adds of locals of |n| numbers as |steps| says; the last gets the name |id|.
Commands chain_of_adds(int64_t id, int64_t n, int steps, int64_t from) {
  Commands commands;
  for (int i = 1; i <= steps; ++i)
    commands.op("add", i == steps ? id : -i, "f32", {n}, {i == 1 ? from : -(i - 1), i == 1 ? from : -(i - 1)});
  return commands;
}

// Runs the test case |name| of this program in a process of its own; its exit code, or -1.
int run_child(const std::string& name) {
  std::string program = "/proc/self/exe", filter = "-tc=" + name, no_skip = "--no-skip";
  char* arguments[] = {program.data(), filter.data(), no_skip.data(), nullptr};
  pid_t pid = 0;
  int status = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments, environ) != 0) return -1;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE(
    "service memory: locals that end after their last use fit; what cannot fit is refused soon, with its owners") {
  Small f(256);
  f.other.run(Commands().alloc(1, "f32", {4 * kMebi}).alloc(2, "f32", {4 * kMebi}));  // 32 MiB of the other's
  CHECK(f.other.sync({1, 2}).ok());
  // 40 locals of 32 MiB each; three live at once.
  f.mine.run(Commands().alloc(1, "f32", {8 * kMebi}));
  f.mine.run(chain_of_adds(2, 8 * kMebi, 40, 1));
  CHECK(f.mine.sync({2}).ok());
  CHECK(f.mine.download(2, 0, 4).ok());
  f.mine.run(Commands().free({1, 2}));

  // Locals that are all used once more at the end cannot all fit; the other goes on meanwhile.
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0}, failed{0};
  std::thread going_on([&] {
    for (int64_t id = 10; !stop; ++id) {
      f.other.run(Commands().op("add", id, "f32", {4 * kMebi}, {1, 2}));
      failed += !f.other.download(id, 0, 4).ok();
      f.other.run(Commands().free({id}));
      ++rounds;
    }
  });
  Commands wide;
  // Five of 40 MiB fit and leave the other what it needs.
  for (int64_t i = 1; i <= 12; ++i) wide.alloc(i, "f32", {10 * kMebi});
  const Clock::time_point from = Clock::now();
  f.mine.run(wide);
  const Reply refused = f.mine.download(12, 0, 4);
  const int64_t took_ms = in_milliseconds(Clock::now() - from);
  CHECK(refused.code == "out_of_memory");
  CHECK(refused.message.find("2 sessions: ") != std::string::npos);
  CHECK(refused.message.find("a@test holds ") != std::string::npos);
  CHECK(refused.message.find("b@test holds ") != std::string::npos);
  CHECK(refused.message.find("limit 268435456 (as it was set)") != std::string::npos);
  CHECK(took_ms < 30'000);
  // Whoever uses what failed says so no more often.
  f.mine.run(Commands().op("negate", 20, "f32", {10 * kMebi}, {12}).op("negate", 21, "f32", {10 * kMebi}, {20}));
  const std::string used = f.mine.download(21, 0, 4).message;
  CHECK(used.find("2 sessions: ") != std::string::npos);
  CHECK(used.find("2 sessions: ") == used.rfind("2 sessions: "));
  const int seen = rounds;
  CHECK(eventually([&] { return rounds > seen + 2; }));
  stop = true;
  going_on.join();
  CHECK(failed.load() == 0);
  MESSAGE("refused after " << took_ms << " ms, " << rounds.load() << " rounds of the other meanwhile");
}

TEST_CASE("service memory: what others have begun is waited for, though not for ever") {
  Small f(256);
  f.mine.run(Commands().alloc(1, "f32", {8 * kMebi}));
  CHECK(f.mine.sync({1}).ok());
  for (int64_t round = 0; round < 4; ++round) {
    // Of 256 MiB 32 are named, and while this runs its locals have 32 more at least.
    f.mine.run(chain_of_adds(100 + round, 8 * kMebi, 64, 1).free({100 + round}));
    f.other.run(Commands().alloc(round, "f32", {50 * kMebi}));  // 208 MiB, which fit afterwards
    const Reply got = f.other.sync({round});
    INFO(got.message);
    CHECK(got.ok());
    f.other.run(Commands().free({round}));
    CHECK(f.mine.sync({1}).ok());
  }
}

TEST_CASE("service memory: a million poisoned names cost what is said, and go") {
  const auto service = make_service();
  Client client(*service, std::make_shared<Peer>("a@test"));
  REQUIRE(client.open().ok());
  constexpr int64_t kNames = 1'000'000, kOfMessage = 1000;
  REQUIRE(client.sync().ok());
  const auto before = static_cast<int64_t>(resident_bytes());
  for (int64_t first = 0; first < kNames; first += kOfMessage) {
    Commands commands;
    for (int64_t id = first; id < first + kOfMessage; ++id) commands.op("negate", id, "f32", {4}, {kNames});
    client.run(commands, first);
    REQUIRE_UNARY(client.acked(first));
  }
  const Reply stats = client.stats();
  CHECK(stats.numbers.at("tensors") == kNames);
  const int64_t grown = (static_cast<int64_t>(resident_bytes()) - before) / kMebi;
  const int64_t paid = stats.numbers.at("sessions.0.host_bytes") / kMebi;
  CHECK(client.download(kNames - 1).code == "not_found");
  CHECK(paid > 100);
  CHECK(paid <= 256);
  CHECK(grown <= 320);

  for (int64_t first = 0; first < kNames; first += kOfMessage) {
    etf::Writer writer;
    writer.tuple(2).atom("free").list(kOfMessage);
    for (int64_t id = first; id < first + kOfMessage; ++id) writer.integer(id);
    client.run(Commands().raw(writer.nil()), first);
    REQUIRE_UNARY(client.acked(first));
  }
  CHECK(client.stats().numbers.at("sessions.0.host_bytes") == 0);
  int64_t left = 0;
  CHECK(eventually([&] { return (left = (static_cast<int64_t>(resident_bytes()) - before) / kMebi) < grown / 4; }));
  MESSAGE("a million names: " << grown << " MiB more are resident, " << paid << " MiB paid; freed: " << left << " MiB");
}

TEST_CASE("service memory: names beyond what a session can pay for are refused, and whoever reads them is told") {
  const auto service = make_service();
  Client client(*service, std::make_shared<Peer>("a@test"));
  REQUIRE(client.open().ok());
  constexpr int64_t kOfMessage = 1000;
  int64_t next = 0;
  // Each with a text of its own: the operand's name is in it.
  while (client.stats().numbers.at("sessions.0.host_bytes") < (250 * kMebi) && next < 2'000'000) {
    Commands commands;
    for (int64_t i = 0; i < kOfMessage; ++i, ++next) commands.op("negate", next, "f32", {4}, {5'000'000 + next});
    client.run(commands, next);
    REQUIRE_UNARY(client.acked(next));
  }
  REQUIRE(next < 1'000'000);  // texts cost as well
  for (int64_t rounds = 0; rounds < 300 && client.download(next - 1).code != "quota"; ++rounds) {
    Commands commands;
    for (int64_t i = 0; i < kOfMessage; ++i, ++next) commands.alloc(next, "f32", {0});
    client.run(commands, next);
    REQUIRE_UNARY(client.acked(next));
  }
  const Reply lost = client.download(next - 1);
  CHECK(lost.code == "quota");
  CHECK(lost.message.find("of its quota of ") != std::string::npos);
  CHECK(client.stats().numbers.at("sessions.0.host_bytes") <= 256 * kMebi);
  Client other(*service, std::make_shared<Peer>("b@test"));
  REQUIRE(other.open().ok());
  other.run(Commands().alloc(1, "f32", {2}));
  CHECK(other.sync({1}).ok());
}

TEST_CASE("service memory: 2 GiB that were freed are the host's again within ten seconds of quiet") {
  Connected f;
  constexpr int64_t kTensors = 8, kBytes = 256 * kMebi;
  const auto in_files = [] { return static_cast<int64_t>(nameless_file_bytes()) / kMebi; };
  const auto resident = [] { return static_cast<int64_t>(resident_bytes()) / kMebi; };
  const int64_t files_before = in_files(), before = resident();
  Commands make;
  for (int64_t id = 1; id <= kTensors; ++id) make.alloc(id, "u8", {kBytes});
  f.client.run(make);
  REQUIRE(f.client.sync({1, 2, 3, 4, 5, 6, 7, 8}).ok());
  const int64_t full = resident();
  if (f.service->device_info().software) CHECK(full - before >= 2000);
  f.client.run(Commands().free({1, 2, 3, 4, 5, 6, 7, 8}), 1);
  REQUIRE(f.client.acked(1));
  const Clock::time_point from = Clock::now();
  // Nobody has wanted memory since; asking for statistics is no work of the device.
  CHECK(eventually([&] { return f.client.stats().numbers.at("memory.pooled_bytes") == 0; }, 20'000));
  CHECK(eventually([&] { return in_files() - files_before < 16 && resident() - before < 128; }, 5'000));
  const int64_t took_ms = in_milliseconds(Clock::now() - from);
  CHECK(took_ms >= 4'900);
  CHECK(took_ms < 10'000);
  MESSAGE((full - before) << " MiB more resident; " << took_ms << " ms after the last work " << (resident() - before)
                          << " MiB, and in the driver's files " << (in_files() - files_before) << " MiB");
}

TEST_CASE("service memory address space child" * doctest::skip()) {
  constexpr uint64_t kSpace = 2'600 * uint64_t{kMebi};
  const rlimit limit{kSpace, kSpace};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(2);
  const auto service = make_service();
  Client client(*service, std::make_shared<Peer>("a@test"));
  if (!client.open().ok()) ::_exit(3);
  const std::vector<float> values = {5, 6};
  client.run(Commands().alloc(1, "f32", {2}, std::as_bytes(std::span(values))));
  int64_t id = 2;
  Reply reply = client.sync({1});
  for (; reply.ok() && id < 100; ++id) {
    client.run(Commands().alloc(id, "u8", {128 * kMebi}));
    reply = client.sync({id});
  }
  std::printf("%lld tensors of 128 MiB; %s: %s\n", static_cast<long long>(id - 3), reply.code.c_str(),
              reply.message.c_str());
  std::fflush(stdout);
  if (reply.code != "out_of_memory" || reply.message.find("RLIMIT_AS: 2726297600 bytes") == std::string::npos)
    ::_exit(4);
  if (id < 6 || client.floats(1) != values) ::_exit(5);
  client.run(Commands().free({2, 3}).op("add", 200, "f32", {2}, {1, 1}).alloc(201, "u8", {128 * kMebi}));
  if (client.floats(200) != std::vector<float>{10, 12} || !client.sync({201}).ok()) ::_exit(6);
  ::_exit(42);
}

TEST_CASE("service memory: in 2.6 GiB of address space a node starts, refuses what does not fit, and serves on") {
  if (!device().info().software) {
    MESSAGE("skipped: the driver of " << device().info().name << " reserves more address space than that");
    return;
  }
  CHECK(run_child("service memory address space child") == 42);
}

}  // namespace gpu_node::test
