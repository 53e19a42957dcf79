// Who is compiled for next, what is dropped, and what leaves a compiler free.
#include "vulkan/compile_queue.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace gpu_node::vulkan {
namespace {

using std::chrono::milliseconds;

// A queue whose jobs write their names down.
struct Desk {
  explicit Desk(int compilers) : queue(compilers) {
    for (int i = 0; i < compilers; ++i) threads.emplace_back([this] { queue.work(milliseconds(1), [] {}); });
  }
  ~Desk() {
    queue.close();
    for (std::thread& thread : threads) thread.join();
  }

  void wrote(const std::string& line) {
    const MutexLock lock(mutex);
    lines.push_back(line);
  }
  std::vector<std::string> written() {
    const MutexLock lock(mutex);
    return lines;
  }
  void wait_for(size_t count) {
    while (written().size() < count) std::this_thread::sleep_for(milliseconds(1));
  }
  CompileJobRef job(const std::string& name) {
    auto made = std::make_shared<CompileJob>();
    made->run = [this, name] { wrote(name); };
    made->refuse = [this, name](const Error& error) { wrote(name + " " + std::string(error_code_name(error.code))); };
    return made;
  }
  CompileJobRef push(const std::string& name, const Asker& asker) {
    CompileJobRef made = job(name);
    REQUIRE(queue.push(made, asker, wanted).ok());
    return made;
  }
  // Keeps a compiler busy until |until| is set.
  void block(const Asker& asker, std::promise<void>& until) {
    auto blocking = std::make_shared<CompileJob>();
    blocking->run = [this, done = until.get_future().share()] {
      ++blocked;
      done.wait();
    };
    blocking->refuse = [](const Error&) {};
    const int before = blocked;
    REQUIRE(queue.push(blocking, asker, wanted).ok());
    while (blocked == before) std::this_thread::sleep_for(milliseconds(1));
  }

  CompileQueue queue;
  std::shared_ptr<char> wanted = std::make_shared<char>();
  std::atomic<int> blocked{0};
  Mutex mutex;
  std::vector<std::string> lines GPU_NODE_GUARDED_BY(mutex);
  std::vector<std::thread> threads;
};

constexpr Asker client(uint64_t owner, uint64_t text_bytes) { return {owner, KernelAuthor::kClient, text_bytes}; }

TEST_CASE("compile queue: own kernels before clients', owners in turn, short texts before long ones") {
  Desk desk(1);
  std::promise<void> begin;
  desk.block({}, begin);
  desk.push("long of 1", client(1, 900));
  desk.push("short of 1", client(1, 10));
  desk.push("middle of 1", client(1, 100));
  desk.push("of 2", client(2, 5000));
  desk.push("op a of 3", {3});
  desk.push("op b of 3", {3});
  desk.push("op of 4", {4});
  begin.set_value();
  desk.wait_for(7);
  CHECK(desk.written() == std::vector<std::string>{"op a of 3", "op of 4", "op b of 3", "short of 1", "of 2",
                                                   "middle of 1", "long of 1"});
}

TEST_CASE("compile queue: how much of an owner's nobody has begun") {
  Desk desk(1);
  std::promise<void> begin;
  desk.block({1}, begin);
  CHECK(desk.queue.queued(1) == 0);
  desk.push("op", {1});
  desk.push("text", client(1, 10));
  desk.push("of 2", {2});
  CHECK(desk.queue.queued(1) == 2);
  CHECK(desk.queue.queued(2) == 1);
  CHECK(desk.queue.queued(3) == 0);
  begin.set_value();
  desk.wait_for(3);
  CHECK(desk.queue.queued(1) == 0);
}

TEST_CASE("compile queue: what nobody waits for is dropped, what somebody asks for again is not") {
  Desk desk(1);
  std::promise<void> begin;
  desk.block({}, begin);
  std::shared_ptr<char> wanted = std::make_shared<char>();
  const CompileJobRef left = desk.job("left"), joined = desk.job("joined");
  REQUIRE(desk.queue.push(left, {1}, wanted).ok());
  REQUIRE(desk.queue.push(joined, {1}, wanted).ok());
  wanted.reset();
  REQUIRE(desk.queue.join(joined, {2}, desk.wanted));
  desk.push("last", {3});
  begin.set_value();
  desk.wait_for(3);
  CHECK(desk.written() == std::vector<std::string>{"left deadline", "joined", "last"});
  CHECK_FALSE(desk.queue.join(left, {1}, desk.wanted));
  CHECK(desk.queue.join(joined, {1}, desk.wanted));  // it is done
}

TEST_CASE("compile queue: who asks for what another waits for has it at his own turn") {
  Desk desk(1);
  std::promise<void> begin;
  desk.block({}, begin);
  for (int i = 0; i < 3; ++i) desk.push("of 1", {1});
  const CompileJobRef both = desk.push("of both", {1});
  REQUIRE(desk.queue.join(both, {2}, desk.wanted));
  begin.set_value();
  desk.wait_for(4);
  CHECK(desk.written() == std::vector<std::string>{"of 1", "of both", "of 1", "of 1"});
}

TEST_CASE("compile queue: of two compilers one is left for the node's own kernels") {
  Desk desk(2);
  std::promise<void> end;
  desk.block(client(1, 10), end);
  desk.push("of 2", client(2, 10));
  desk.push("op", {3});
  desk.wait_for(1);
  CHECK(desk.written() == std::vector<std::string>{"op"});
  end.set_value();
  desk.wait_for(2);
  CHECK(desk.written().back() == "of 2");
}

TEST_CASE("compile queue: one owner's limit leaves room for others; closing refuses what is queued") {
  std::promise<void> begin;
  {
    Desk desk(1);
    desk.block({}, begin);
    Result<void> pushed;
    size_t count = 0;
    for (; pushed.ok() && count < 100'000; ++count) pushed = desk.queue.push(desk.job("many"), {1}, desk.wanted);
    REQUIRE_FALSE(pushed.ok());
    CHECK(pushed.error().code == ErrorCode::kBusy);
    CHECK(pushed.error().message.find("4096 of one session") != std::string::npos);
    CHECK(count == 4097);
    desk.push("of 2", {2});
    desk.queue.close();
    CHECK(desk.written().size() == 4097);
    CHECK(desk.written().back() == "many shutting_down");
    CHECK(desk.queue.push(desk.job("late"), {2}, desk.wanted).error().code == ErrorCode::kShuttingDown);
    begin.set_value();
  }
}

}  // namespace
}  // namespace gpu_node::vulkan
