// Work that a job of its session holds back: its order, its limits, and that it is nobody else's.
#include <doctest/doctest.h>

#include "service/parked_work.h"
#include "unit/service_sink.h"

namespace gpu_node::service {
namespace {

using Outcome = ParkedWork::Outcome;

struct Fixture {
  std::shared_ptr<Sink> link = std::make_shared<Sink>("a@h", 1);
  SessionTable sessions;
  SessionRef one = sessions.open(open_of("a@h", 1), link).value();
  SessionRef two = sessions.open(open_of("a@h", 2), link).value();

  Caller caller(int64_t tag) const { return {link, pid_of("a@h", 1), etf::Writer().integer(tag).take()}; }
  Work sync(const SessionRef& session, int64_t tag = 0) const {
    return SyncWork{session, std::make_shared<PendingCall>(caller(tag), session->id, RequestOptions{}), {}};
  }
};

Work run(const SessionRef& session, int64_t seq, size_t bytes = 0) {
  RunWork work{session, {session->id, seq, {}}, std::vector<std::byte>(bytes)};
  work.run.commands.emplace_back(AllocCommand{.id = seq});
  work.run.commands.emplace_back(FreeCommand{{1}});
  return work;
}

Outcome park(ParkedWork& parked, Work work) { return parked.park(work); }

// The next run message: its number, negative where it is the second session's; 0: there is none.
int64_t next(ParkedWork& parked, const Fixture& f) {
  const std::optional<Work> work = parked.take();
  if (!work) return 0;
  const auto& taken = std::get<RunWork>(*work);
  return taken.session == f.one ? taken.run.seq : -taken.run.seq;
}

}  // namespace

TEST_CASE("parked work: of a session that nothing holds, none") {
  const Fixture f;
  ParkedWork parked;
  CHECK(park(parked, run(f.one, 1)) == Outcome::kFree);
  {
    const SessionHold hold = parked.hold(f.two);
  }
  CHECK(park(parked, run(f.two, 1)) == Outcome::kFree);
  CHECK(park(parked, WakeWork{}) == Outcome::kFree);
  CHECK(parked.empty());
  CHECK_FALSE(parked.take());
}

TEST_CASE("parked work: what comes while a job holds its session waits, in its order, and passes nobody") {
  const Fixture f;
  ParkedWork parked;
  {
    const SessionHold hold = parked.hold(f.one);
    CHECK(park(parked, run(f.one, 1)) == Outcome::kParked);
    CHECK(park(parked, run(f.two, 1)) == Outcome::kFree);
    CHECK(park(parked, WakeWork{}) == Outcome::kFree);
    CHECK(park(parked, run(f.one, 2)) == Outcome::kParked);
    CHECK(parked.size() == 2);
    CHECK_FALSE(parked.take());
  }
  CHECK(next(parked, f) == 1);
  // The session is free, yet what it sent before comes first.
  CHECK(park(parked, run(f.one, 3)) == Outcome::kParked);
  CHECK(next(parked, f) == 2);
  CHECK(next(parked, f) == 3);
  CHECK(parked.empty());
  CHECK(park(parked, run(f.one, 4)) == Outcome::kFree);
  CHECK(next(parked, f) == 0);
}

TEST_CASE("parked work: of every kind") {
  const Fixture f;
  ParkedWork parked;
  const SessionHold hold = parked.hold(f.one);
  const auto call = std::get<SyncWork>(f.sync(f.one)).call;
  struct Job final : WaitedJob {
    using WaitedJob::WaitedJob;
    Result<jobs::Next> record(const jobs::Slice&) override { return jobs::Next::kDone; }
    Result<void> finish() override { return {}; }
    jobs::TaskView progress() const override { return {.kind = "test"}; }
  };
  Work all[] = {run(f.one, 1),
                DownloadWork{f.one, call, {}},
                SyncWork{f.one, call, {}},
                UploadOpenWork{f.one, call},
                AttachWork{f.one, call},
                DataWork{{f.one, call, {}}},
                ModelWork{{f.one, call, {}}, {}},
                ChainWork{f.one, call, {}},
                SampleWork{f.one, call, {}},
                PendingJobWork{std::make_unique<Job>(f.one, call)},
                DispatchWork{f.one, call, {}},
                ExplainWork{f.one, call},
                StagedChunkWork{f.one, nullptr, f.caller(1)},
                UploadDoneWork{f.one, nullptr}};
  // All there are but WakeWork: who adds one to Work adds it here.
  static_assert(std::size(all) + 1 == std::variant_size_v<Work>);
  for (Work& work : all) {
    CAPTURE(work.index());
    CHECK(*session_of(work) == f.one);
    CHECK(parked.park(work) == Outcome::kParked);
  }
  parked.drop(*f.one);
  CHECK(f.link->sent.size() == 2);  // the call they share, and the chunk's
}

TEST_CASE("parked work: several holds of one session end one by one; sessions are released by themselves") {
  const Fixture f;
  ParkedWork parked;
  SessionHold first = parked.hold(f.one), second = parked.hold(f.one), other = parked.hold(f.two);
  CHECK(park(parked, run(f.one, 1)) == Outcome::kParked);
  CHECK(park(parked, run(f.two, 1)) == Outcome::kParked);
  CHECK(park(parked, run(f.two, 2)) == Outcome::kParked);
  first = {};
  CHECK(next(parked, f) == 0);
  other = {};
  CHECK(next(parked, f) == -1);
  second = {};
  CHECK(next(parked, f) == -2);
  CHECK(next(parked, f) == 1);
  CHECK(parked.empty());
}

TEST_CASE("parked work: the rest of what was begun comes first, and sessions take turns") {
  const Fixture f;
  ParkedWork parked;
  CHECK_FALSE(parked.has_ready());
  parked.put_back(run(f.one, 1, 10));
  CHECK(parked.has_ready());
  for (const int64_t seq : {2, 3}) CHECK(park(parked, run(f.one, seq)) == Outcome::kParked);
  parked.add(run(f.two, 4));
  CHECK(park(parked, run(f.two, 5)) == Outcome::kParked);
  CHECK(parked.size() == 5);
  // Each session's turn has two pieces; its first message is begun and put back, again and again.
  std::vector<int64_t> order;
  for (int turn = 0; turn < 4; ++turn) {
    for (int i = 0; i < 2; ++i) {
      std::optional<Work> work = parked.take();
      REQUIRE(work);
      const SessionRef session = std::get<RunWork>(*work).session;
      order.push_back(std::get<RunWork>(*work).run.seq);
      parked.put_back(std::move(*work));
      if (i == 1) parked.end_turn(*session);
    }
  }
  CHECK(order == std::vector<int64_t>{1, 1, 4, 4, 1, 1, 4, 4});
  // A turn that nobody ends goes on; ending that of a session which is not at its turn ends nothing.
  CHECK(next(parked, f) == 1);
  parked.end_turn(*f.two);
  CHECK(next(parked, f) == 2);
  parked.end_turn(*f.one);
  CHECK(next(parked, f) == -4);
  CHECK(next(parked, f) == -5);
  CHECK(next(parked, f) == 3);
  CHECK(parked.empty());
  CHECK(next(parked, f) == 0);
  CHECK_FALSE(parked.has_ready());
}

TEST_CASE("parked work: the last of a session that is put back is behind the others") {
  const Fixture f;
  ParkedWork parked;
  parked.add(run(f.one, 1));
  parked.add(run(f.two, 2));
  std::optional<Work> work = parked.take();
  REQUIRE(work);
  parked.put_back(std::move(*work));
  parked.end_turn(*f.one);
  CHECK(next(parked, f) == -2);
  CHECK(next(parked, f) == 1);
}

TEST_CASE("parked work: a job among it holds back what is behind it") {
  const Fixture f;
  ParkedWork parked;
  SessionHold hold = parked.hold(f.one);
  for (const int64_t seq : {1, 2, 3}) CHECK(park(parked, run(f.one, seq)) == Outcome::kParked);
  hold = {};
  CHECK(next(parked, f) == 1);
  hold = parked.hold(f.one);
  CHECK(next(parked, f) == 0);
  CHECK(park(parked, run(f.one, 4)) == Outcome::kParked);
  hold = {};
  for (const int64_t seq : {2, 3}) CHECK(next(parked, f) == seq);
  // Behind the last of it too, where it then begins anew.
  CHECK(next(parked, f) == 4);
  hold = parked.hold(f.one);
  CHECK(park(parked, run(f.one, 5)) == Outcome::kParked);
  CHECK(next(parked, f) == 0);
  hold = {};
  CHECK(next(parked, f) == 5);
}

TEST_CASE("parked work: bounded in pieces, for each session and for all; answered calls make room") {
  const Fixture f;
  ParkedWork parked({.items_of_session = 3, .items = 5});
  const SessionHold one = parked.hold(f.one), two = parked.hold(f.two);
  Work sync = f.sync(f.one);
  const PendingCallRef call = *call_of(sync);
  CHECK(parked.park(sync) == Outcome::kParked);
  for (const int64_t seq : {1, 2}) CHECK(park(parked, run(f.one, seq)) == Outcome::kParked);
  Work late = run(f.one, 3);
  CHECK(parked.park(late) == Outcome::kFull);
  CHECK(std::get<RunWork>(late).run.seq == 3);  // as it was
  for (const int64_t seq : {1, 2}) CHECK(park(parked, run(f.two, seq)) == Outcome::kParked);
  CHECK(park(parked, run(f.two, 3)) == Outcome::kFull);
  CHECK(parked.size() == 5);
  call->fail({ErrorCode::kDeadline, "late"});
  CHECK(parked.park(late) == Outcome::kParked);
  CHECK(parked.size() == 5);
}

TEST_CASE("parked work: commands whose bytes are too many are refused in their results, the others are kept whole") {
  const Fixture f;
  ParkedWork parked({.bytes_of_session = 100, .bytes = 150});
  SessionHold one = parked.hold(f.one), two = parked.hold(f.two);
  CHECK(park(parked, run(f.one, 1, 100)) == Outcome::kParked);
  CHECK(park(parked, run(f.one, 2, 1)) == Outcome::kParked);
  CHECK(park(parked, run(f.two, 3, 51)) == Outcome::kParked);
  CHECK(park(parked, run(f.two, 4, 50)) == Outcome::kParked);
  one = {};
  two = {};
  const auto check_next = [&](int64_t seq, size_t bytes, const char* refusal) {
    const Work work = parked.take().value();
    const auto& taken = std::get<RunWork>(work);
    CHECK(taken.run.seq == seq);
    CHECK(taken.frame.size() == bytes);
    REQUIRE(taken.run.commands.size() == 2);
    CHECK(std::holds_alternative<FreeCommand>(taken.run.commands[1]));
    if (refusal == nullptr) {
      CHECK(std::holds_alternative<AllocCommand>(taken.run.commands[0]));
      return;
    }
    const auto& refused = std::get<MalformedCommand>(taken.run.commands[0]);
    CHECK(refused.ids == std::vector<int64_t>{seq});
    CHECK(refused.error.code == ErrorCode::kBusy);
    CHECK(refused.error.message == refusal);
  };
  check_next(1, 100, nullptr);
  check_next(
      2, 0,
      "the session waits for its turn or a job: 100 bytes of it wait, the limit is 100; 100 of all, the limit is 150");
  check_next(
      3, 0,
      "the session waits for its turn or a job: 0 bytes of it wait, the limit is 100; 100 of all, the limit is 150");
  check_next(4, 50, nullptr);
  // What was taken makes room again.
  one = parked.hold(f.one);
  CHECK(park(parked, run(f.one, 5, 100)) == Outcome::kParked);
  one = {};
  check_next(5, 100, nullptr);
}

TEST_CASE("parked work: programs are compiled though what came with them is refused, up to twice the limits") {
  const Fixture f;
  const auto program = program::CompiledProgram::make({{}, {}, {}, std::vector<ir::Program>(100)}).value();
  ParkedWork parked({.bytes_of_session = program->host_bytes()});
  SessionHold hold = parked.hold(f.one);
  const auto compile = [&](int64_t seq) {
    Run run{f.one->id, seq, {}};
    run.commands.emplace_back(CompileProgramCommand{seq, program});
    run.commands.emplace_back(AllocCommand{.id = 100 + seq});
    return RunWork::of(f.one, std::move(run), std::vector<std::byte>(50));
  };
  CHECK(held_bytes(compile(1)) == program->host_bytes() + 50);
  CHECK(park(parked, compile(1)) == Outcome::kParked);
  CHECK(park(parked, compile(2)) == Outcome::kParked);
  CHECK(park(parked, compile(3)) == Outcome::kFull);
  hold = {};
  for (const int64_t seq : {1, 2}) {
    const Work work = parked.take().value();
    const auto& taken = std::get<RunWork>(work);
    CHECK(taken.frame.empty());
    CHECK(std::get<CompileProgramCommand>(taken.run.commands[0]).id == seq);
    CHECK(std::get<MalformedCommand>(taken.run.commands[1]).ids == std::vector<int64_t>{100 + seq});
  }
}

TEST_CASE("parked work: long lists of operands count, for decoding makes them larger than their message") {
  const Fixture f;
  Run run{f.one->id, 1, {}};
  ir::Instruction join;
  join.operands.resize(1000);
  run.commands.emplace_back(join);
  run.commands.emplace_back(RunProgramCommand{1, std::vector<ir::Operand>(100), {2, 3}});
  RunWork work = RunWork::of(f.one, std::move(run), std::vector<std::byte>(50));
  work.frame.resize(50);
  CHECK(held_bytes(Work(std::move(work))) >= 50 + 1100 * sizeof(ir::Operand) + 16);
}

TEST_CASE("parked work: a session that ends takes its own with it, and who waits is told") {
  Fixture f;
  ParkedWork parked;
  SessionHold one = parked.hold(f.one);
  const SessionHold two = parked.hold(f.two);
  CHECK(park(parked, run(f.one, 1, 10)) == Outcome::kParked);
  CHECK(park(parked, f.sync(f.one, 7)) == Outcome::kParked);
  CHECK(park(parked, StagedChunkWork{f.one, nullptr, f.caller(8)}) == Outcome::kParked);
  CHECK(park(parked, run(f.two, 2)) == Outcome::kParked);
  f.sessions.close(f.one->id);
  one = {};
  CHECK_FALSE(parked.take());
  one = parked.hold(f.one);
  parked.drop(*f.one);
  CHECK(parked.size() == 1);
  REQUIRE(f.link->sent.size() == 2);
  for (const auto& term : f.link->sent) CHECK(code_of(term) == "not_found");
  CHECK(park(parked, run(f.one, 3)) == Outcome::kFree);
  one = {};
  CHECK_FALSE(parked.take());
  parked.drop(*f.one);  // nothing is there any more
  CHECK(f.link->sent.size() == 2);
}

}  // namespace gpu_node::service
