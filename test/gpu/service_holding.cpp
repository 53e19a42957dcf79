// A job that holds its session back: what that sends waits for it, what others send does not. Nothing on the wire holds
// yet, so the job is the test's own, on a device thread without the service around it.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <future>
#include <vector>

#include "gpu/device.h"
#include "gpu/service_client.h"
#include "program/storage.h"
#include "service/decode.h"

namespace gpu_node::test {
namespace {

using service::DeviceThread;
using service::PendingCallRef;
using service::SessionRef;

constexpr int64_t kMade = 7;  // the tensor that the job makes: 1, 1, 2, 2

// What the test says to a job, and hears of it.
struct Script {
  std::atomic<bool> go_on{false};  // until then the second slice waits, as for a kernel
  std::atomic<int> slices{0};
  std::atomic<bool> gone{false};
  bool holds = true;
  bool fails = false;  // instead of the second slice
};

class TwoSlices final : public service::WaitedJob {
 public:
  TwoSlices(SessionRef session, PendingCallRef call, vulkan::Device& device, std::shared_ptr<Script> script, int64_t id)
      : WaitedJob(std::move(session), std::move(call)), device_(device), script_(std::move(script)), id_(id) {}
  ~TwoSlices() override { script_->gone = true; }

  bool holds_session() const override { return script_->holds; }
  jobs::TaskView progress() const override { return {.kind = "test"}; }

  Result<jobs::Next> record(const jobs::Slice&) override {
    const int slice = script_->slices;
    if (slice == 2) return jobs::Next::kDone;
    if (slice == 1 && !script_->go_on) return jobs::Next::kWait;
    if (slice == 1 && script_->fails) return Error{ErrorCode::kUnsupported, "the second slice"};
    if (slice == 0) {
      GPU_ASSIGN(buffer_, device_.pool().allocate(16, vulkan::BufferUse::kDevice));
    }
    GPU_TRY(device_.recorder().fill(buffer_, slice == 0 ? 0 : 8, 8, std::bit_cast<uint32_t>(slice == 0 ? 1.0f : 2.0f)));
    ++script_->slices;
    return jobs::Next::kSubmit;
  }

  Result<void> finish() override {
    GPU_ASSIGN(program::Payment payment, session().charge(16));
    session().handles.put(id_, program::tensor_in({Dtype::f32, Shape{4}}, buffer_, std::move(payment)));
    if (call()->claim()) service::reply_ok(call()->caller());
    return {};
  }

 private:
  vulkan::Device& device_;
  const std::shared_ptr<Script> script_;
  const int64_t id_;
  vulkan::BufferRef buffer_;
};

// A process with a session, and what it has asked.
struct Seat {
  SessionRef session;
  Bytes pid;
  uint32_t queued() const { return session->queued_commands; }
};

// What readers and the service do for a device thread.
struct Desk {
  std::shared_ptr<Peer> peer = std::make_shared<Peer>("a@test");
  service::SessionTable sessions;
  service::UploadTable uploads;
  service::PendingCalls calls{64};
  service::SpareCommands spare;
  std::unique_ptr<vulkan::Device> device = opened();
  std::unique_ptr<DeviceThread> thread = std::make_unique<DeviceThread>(
      *device, DeviceThread::Shared{sessions, uploads, calls, spare, [](service::CompileWork&&) { return false; }},
      [](const Error& error) { FAIL(error.message); });

  std::vector<std::shared_ptr<Script>> scripts;

  // The thread ends when its jobs have; a test that has failed leaves them waiting.
  ~Desk() {
    for (const auto& script : scripts) script->go_on = true;
  }

  static std::unique_ptr<vulkan::Device> opened() {
    auto device = vulkan::Device::create(device_options());
    if (!device.ok()) FAIL(device.error().message);
    return std::move(device).value();
  }

  Seat open(uint32_t number) {
    auto session = sessions.open({peer->pid(number), service::kDefaultLeaseMs, std::nullopt}, peer);
    REQUIRE(session.ok());
    return {std::move(session).value(), peer->pid(number)};
  }
  void push(service::Work work) { REQUIRE(thread->push(std::move(work))); }

  void run(const Seat& seat, const Commands& commands, int64_t seq) {
    Bytes frame = run_message(seat.session->id, seq, commands).take();
    auto message = service::decode_message(frame);
    REQUIRE(message.ok());
    seat.session->queued_commands += commands.count();
    push(service::RunWork{seat.session, std::get<service::Run>(std::move(message).value()), std::move(frame)});
  }
  // A call by |seat|; its tag. |work| makes the work of it.
  template <typename MakeWork>
  uint64_t call(const Seat& seat, MakeWork work, service::RequestOptions options = {}) {
    const uint64_t tag = new_tag();
    auto call = calls.add({peer, seat.pid, etf::Writer().unsigned_integer(tag).take()}, seat.session->id, options);
    REQUIRE(call);
    push(work(*call));
    return tag;
  }
  uint64_t start(const Seat& seat, const std::shared_ptr<Script>& script, int64_t id = kMade, Bytes ref = {}) {
    scripts.push_back(script);
    const auto work = [&](const PendingCallRef& call) {
      return service::PendingJobWork{std::make_unique<TwoSlices>(seat.session, call, *device, script, id)};
    };
    return call(seat, work, {.ref = std::move(ref)});
  }
  uint64_t download(const Seat& seat, int64_t id, std::optional<int64_t> deadline_ms = std::nullopt) {
    const auto work = [&](const PendingCallRef& call) {
      return service::DownloadWork{seat.session, call, {seat.session->id, id, 0, std::nullopt}};
    };
    return call(seat, work, {.deadline_ms = deadline_ms});
  }
  void close(const Seat& seat) {
    sessions.close(seat.session->id);
    push(service::WakeWork{});
  }

  Reply await(const Seat& seat, uint64_t tag, int64_t timeout_ms = 60'000) {
    return await_reply(*peer, seat.pid, tag, timeout_ms);
  }
  int64_t ack(const Seat& seat, int64_t timeout_ms = 60'000) {
    return next_ack(*peer, seat.pid, seat.session->id, timeout_ms);
  }
  // Whether |seat| is told that its messages up to |seq| are done, and of none behind: one by one, or several at once.
  bool acked(const Seat& seat, int64_t seq) {
    int64_t told = 0;
    while (told >= 0 && told < seq) told = ack(seat);
    return told == seq;
  }
  std::vector<float> floats(const Seat& seat, uint64_t tag) {
    const Reply reply = await(seat, tag);
    INFO(reply.message);
    REQUIRE(reply.ok());
    std::vector<float> values(reply.bytes.size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), reply.bytes.data(), reply.bytes.size());
    return values;
  }
  uint64_t live_bytes() const { return device->counters().live_bytes; }
};

Commands doubled(int64_t id) { return Commands().op("add", id, "f32", {4}, {kMade, kMade}); }

// Two sessions; a job of the first has recorded its first slice and waits.
struct Fixture : Desk {
  Seat one = open(1), two = open(2);
  std::shared_ptr<Script> script = std::make_shared<Script>();
  const uint64_t baseline = live_bytes();
  uint64_t job = 0;

  void begin(Bytes ref = {}) {
    job = start(one, script, kMade, std::move(ref));
    REQUIRE(eventually([&] { return script->slices == 1; }));
  }
  // Whether work of the other session is done within a short while.
  bool others_are_served() {
    run(two, Commands().alloc(1, "f32", {4}).op("add", 2, "f32", {4}, {1, 1}).free({1}), 1);
    const bool right = floats(two, download(two, 2)) == std::vector<float>{0, 0, 0, 0};
    run(two, Commands().free({2}), 2);
    return right && acked(two, 2);
  }
  // All are gone, and so is what they held.
  void check_baseline() {
    close(one);
    close(two);
    CHECK(eventually([&] { return live_bytes() == baseline; }));
    CHECK(eventually([&] { return thread->depth() == 0; }));
    CHECK(thread->queued_bytes() == 0);
  }
};

}  // namespace

TEST_CASE("service: behind a job that holds its session commands wait and see its results; others are served") {
  Fixture f;
  f.run(f.one, Commands().alloc(1, "f32", {4}), 1);
  f.begin();
  CHECK(f.ack(f.one) == 1);
  f.run(f.one, doubled(8), 2);
  f.run(f.one, Commands().op("add", 9, "f32", {4}, {8, kMade}).free({8}), 3);
  const uint64_t read = f.download(f.one, 9);
  const uint64_t sync =
      f.call(f.one, [&](const PendingCallRef& call) { return service::SyncWork{f.one.session, call, {9}}; });
  const uint64_t progress = f.thread->progress();
  for (int i = 0; i < 3; ++i) CHECK(f.others_are_served());
  CHECK(f.ack(f.one, 50) == -1);
  CHECK_FALSE(f.await(f.one, read, 1).answered);
  CHECK_FALSE(f.await(f.one, sync, 1).answered);
  // It waits in full view: what is queued of it, and a thread that goes on.
  CHECK(f.one.queued() == 3);
  CHECK(f.two.queued() == 0);
  CHECK(f.thread->depth() == 4);
  CHECK(f.thread->queued_bytes() == 0);
  CHECK(f.thread->progress() > progress + 3);
  f.script->go_on = true;
  CHECK(f.floats(f.one, read) == std::vector<float>{3, 3, 6, 6});
  CHECK(f.await(f.one, f.job).ok());
  CHECK(f.await(f.one, sync).ok());
  CHECK(f.acked(f.one, 3));
  CHECK(f.one.queued() == 0);
  CHECK(f.script->gone);
  f.check_baseline();
}

TEST_CASE("service: an acknowledgement that is owed does not wait behind what a job holds back") {
  Fixture f;
  f.begin();
  for (int64_t seq = 1; seq <= 50; ++seq) {
    // Both are mostly there when the thread wakes: it owes the first one when it meets the second.
    f.run(f.two, Commands().alloc(seq, "f32", {1}), seq);
    f.run(f.one, Commands().alloc(100 + seq, "f32", {1}), seq);
    REQUIRE(f.ack(f.two, 5000) == seq);
  }
  CHECK(f.one.queued() == 50);
  f.script->go_on = true;
  while (f.one.queued() > 0) REQUIRE(f.ack(f.one) > 0);
  f.check_baseline();
}

TEST_CASE("service: a job that holds nothing lets its own session go on") {
  Fixture f;
  f.script->holds = false;
  f.begin();
  CHECK(f.await(f.one, f.download(f.one, kMade)).code == "not_found");
  CHECK(f.others_are_served());
  f.script->go_on = true;
  CHECK(f.await(f.one, f.job).ok());
  CHECK(f.floats(f.one, f.download(f.one, kMade)) == std::vector<float>{1, 1, 2, 2});
  f.check_baseline();
}

TEST_CASE("service: the time of a call that a job holds back runs, and the others keep their order") {
  Fixture f;
  f.begin();
  const uint64_t late = f.download(f.one, kMade, 50), patient = f.download(f.one, kMade);
  const Reply reply = f.await(f.one, late, 5000);
  CHECK(reply.code == "deadline");
  CHECK_FALSE(f.script->gone);
  f.script->go_on = true;
  CHECK(f.floats(f.one, patient) == std::vector<float>{1, 1, 2, 2});
  CHECK_FALSE(f.await(f.one, late, 1).answered);
  f.check_baseline();
}

TEST_CASE("service: a job that is cancelled or fails releases its session, without its results") {
  for (const bool cancelled : {true, false}) {
    CAPTURE(cancelled);
    Fixture f;
    const Bytes ref = etf::Writer().integer(5).take();
    f.script->fails = true;
    f.begin(ref);
    f.run(f.one, doubled(8), 1);
    f.run(f.one, Commands().alloc(9, "f32", {4}), 2);
    const uint64_t poisoned = f.download(f.one, 8), fine = f.download(f.one, 9);
    CHECK_FALSE(f.await(f.one, poisoned, 20).answered);
    if (cancelled)
      CHECK(f.calls.cancel(f.one.session->id, ref));
    else
      f.script->go_on = true;
    CHECK(f.await(f.one, f.job).code == (cancelled ? "deadline" : "unsupported"));
    CHECK(f.await(f.one, poisoned).code == "not_found");
    CHECK(f.floats(f.one, fine) == std::vector<float>{0, 0, 0, 0});
    CHECK(f.acked(f.one, 2));
    CHECK(f.one.queued() == 0);
    CHECK(f.script->gone);
    CHECK(f.others_are_served());
    f.check_baseline();
  }
}

TEST_CASE("service: a session that ends while a job holds it takes job and waiting work with it") {
  Fixture f;
  f.begin();
  f.run(f.one, doubled(8), 1);
  const uint64_t read = f.download(f.one, 8);
  CHECK(f.others_are_served());  // what came before is where it waits
  CHECK(f.thread->depth() == 2);
  f.close(f.one);
  const Reply reply = f.await(f.one, read);
  CHECK(reply.code == "not_found");
  CHECK(reply.message.starts_with("session " + std::to_string(f.one.session->id) + " has ended"));
  CHECK(eventually([&] { return f.script->gone.load(); }));
  CHECK(f.ack(f.one, 20) == -1);
  CHECK(f.others_are_served());
  f.check_baseline();
}

TEST_CASE("service: draining waits for a job that holds its session, and for what waits behind it") {
  Fixture f;
  f.begin();
  f.run(f.one, doubled(8), 1);
  const uint64_t read = f.download(f.one, 8);
  f.thread->close();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK_FALSE(f.thread->finished());
  CHECK_FALSE(f.await(f.one, read, 1).answered);
  f.script->go_on = true;
  CHECK(f.floats(f.one, read) == std::vector<float>{2, 2, 4, 4});
  CHECK(f.ack(f.one) == 1);
  CHECK(eventually([&] { return f.thread->finished(); }));
}

TEST_CASE("service: jobs that hold one session follow each other, each with what was sent between") {
  Fixture f;
  f.begin();
  const auto second = std::make_shared<Script>();
  f.run(f.one, Commands().op("add", 8, "f32", {4}, {kMade, kMade}).free({kMade}), 1);
  const uint64_t next = f.start(f.one, second, 17);
  f.run(f.one, Commands().op("add", 9, "f32", {4}, {8, 17}), 2);
  const uint64_t read = f.download(f.one, 9);
  CHECK(f.ack(f.one, 20) == -1);
  f.script->go_on = true;
  CHECK(f.await(f.one, f.job).ok());
  CHECK(f.ack(f.one) == 1);
  CHECK(eventually([&] { return second->slices == 1; }));
  CHECK(f.ack(f.one, 20) == -1);
  CHECK(f.one.queued() == 1);
  CHECK(f.others_are_served());
  second->go_on = true;
  CHECK(f.await(f.one, next).ok());
  CHECK(f.floats(f.one, read) == std::vector<float>{3, 3, 6, 6});
  CHECK(f.ack(f.one) == 2);
  f.check_baseline();
}

TEST_CASE("service: two sessions are held at once, each by its own job") {
  Fixture f;
  f.begin();
  const auto other = std::make_shared<Script>();
  const uint64_t job = f.start(f.two, other);
  const uint64_t first = f.download(f.one, kMade), second = f.download(f.two, kMade);
  CHECK(eventually([&] { return other->slices == 1; }));
  other->go_on = true;
  CHECK(f.await(f.two, job).ok());
  CHECK(f.floats(f.two, second) == std::vector<float>{1, 1, 2, 2});
  CHECK_FALSE(f.await(f.one, first, 20).answered);
  f.script->go_on = true;
  CHECK(f.floats(f.one, first) == std::vector<float>{1, 1, 2, 2});
  f.check_baseline();
}

TEST_CASE("service: nobody waits for a kernel of a session that has ended, and it is not compiled") {
  Desk desk;
  const Seat seat = desk.open(1);
  std::promise<void> begin;
  const std::shared_future<void> begun = begin.get_future().share();
  std::atomic<int> blocked{0};
  std::vector<vulkan::KernelCache::Pending> blocking;
  for (const char* key : {"test/blocks 1", "test/blocks 2"})
    blocking.push_back(desk.device->kernels().request(key, [&blocked, begun]() -> Result<vulkan::KernelSource> {
      ++blocked;
      begun.wait();
      return Error{ErrorCode::kUnsupported, "nothing"};
    }));
  REQUIRE(eventually([&] { return blocked == 2; }));
  const uint64_t pipelines = desk.device->counters().pipelines_created;
  desk.run(seat, Commands().op("iota", 1, "f32", {4}, {}), 1);
  REQUIRE(eventually([&] { return desk.device->kernels().queued(seat.session->id) == 1; }));
  desk.close(seat);
  REQUIRE(eventually([&] { return desk.thread->depth() == 0; }));
  begin.set_value();
  CHECK(eventually([&] { return desk.device->kernels().queued(seat.session->id) == 0; }));
  const Seat other = desk.open(2);
  desk.run(other, Commands().alloc(1, "f32", {4}), 1);
  CHECK(desk.floats(other, desk.download(other, 1)) == std::vector<float>(4));
  CHECK(desk.device->counters().pipelines_created == pipelines);
}

}  // namespace gpu_node::test
