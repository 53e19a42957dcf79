// Jobs that take turns, their pace, and what they wait for; without a device.
#include <doctest/doctest.h>

#include <thread>

#include "jobs/awaited.h"
#include "jobs/turns.h"

namespace gpu_node::jobs {
namespace {

using std::chrono::milliseconds;

// What became of a task, and what it was told.
struct Fate {
  std::vector<Slice> slices;
  int reports = 0;
  bool finished = false, gone = false, wanted = true;
  std::optional<ErrorCode> failed;
};

// Answers record() with |script|, one after the other.
class Scripted final : public Task {
 public:
  Scripted(Fate& fate, std::vector<Result<Next>> script, milliseconds every = milliseconds(0))
      : fate_(fate), script_(std::move(script)), every_(every) {}
  ~Scripted() override { fate_.gone = true; }

  Result<Next> record(const Slice& slice) override {
    REQUIRE(fate_.slices.size() < script_.size());
    fate_.slices.push_back(slice);
    return script_[fate_.slices.size() - 1];
  }
  bool wanted() const override { return fate_.wanted; }
  milliseconds report_every() const override { return every_; }
  void report() override { ++fate_.reports; }
  Result<void> finish() override {
    fate_.finished = true;
    return outcome;
  }
  void fail(const Error& error) override { fate_.failed = error.code; }

  Result<void> outcome;

 private:
  Fate& fate_;
  const std::vector<Result<Next>> script_;
  const milliseconds every_;
};

}  // namespace

TEST_CASE("jobs: a slice is asked for when the one before is complete, and told what that took") {
  Fate fate;
  Turns turns;
  turns.add(std::make_unique<Scripted>(fate, std::vector<Result<Next>>{Next::kSubmit, Next::kSubmit, Next::kDone}));
  CHECK(turns.record(0).value());
  CHECK_FALSE(turns.in_flight());
  // Not submitted yet: nothing further is recorded.
  CHECK(turns.record(0).value());
  CHECK(fate.slices.size() == 1);
  turns.submitted(5);
  CHECK(turns.in_flight());
  std::this_thread::sleep_for(milliseconds(3));
  CHECK_FALSE(turns.record(4).value());
  CHECK(fate.slices.size() == 1);
  CHECK(turns.record(5).value());
  turns.submitted(6);
  CHECK_FALSE(turns.record(6).value());
  CHECK(turns.empty());
  CHECK(fate.finished);
  CHECK(fate.gone);
  CHECK_FALSE(fate.failed);
  REQUIRE(fate.slices.size() == 3);
  CHECK(fate.slices[0].took_ms == 0);
  CHECK(fate.slices[1].took_ms >= 3);
  CHECK(fate.slices[1].aim_ms == kSliceMs);
}

TEST_CASE("jobs: where several take turns or others are about, slices are shorter, and one submission is for all") {
  Fate one, two;
  Turns turns;
  turns.add(std::make_unique<Scripted>(one, std::vector<Result<Next>>{Next::kSubmit, Next::kDone}));
  turns.add(std::make_unique<Scripted>(two, std::vector<Result<Next>>(4, Next::kSubmit)));
  CHECK(turns.record(0).value());
  turns.submitted(1);
  CHECK(turns.record(1).value());
  CHECK(one.finished);
  turns.submitted(2);
  CHECK(turns.record(2).value());
  turns.submitted(3);
  CHECK(turns.record(3, true).value());
  REQUIRE(two.slices.size() == 4);
  CHECK(one.slices[0].aim_ms == kSharedSliceMs);
  CHECK(two.slices[1].aim_ms == kSharedSliceMs);
  CHECK(two.slices[2].aim_ms == kSliceMs);
  CHECK(two.slices[3].aim_ms == kSharedSliceMs);
}

TEST_CASE("jobs: one that waits for a kernel is asked again, and holds up nobody") {
  Fate waits, works;
  Turns turns;
  turns.add(std::make_unique<Scripted>(
      waits, std::vector<Result<Next>>{Next::kWait, Next::kWait, Next::kSubmit, Next::kDone}));
  CHECK_FALSE(turns.record(0).value());
  CHECK(turns.waiting());
  turns.add(std::make_unique<Scripted>(works, std::vector<Result<Next>>{Next::kSubmit, Next::kDone}));
  CHECK(turns.record(0).value());
  CHECK(turns.waiting());
  turns.submitted(1);
  CHECK(turns.record(1).value());
  CHECK(works.finished);
  CHECK_FALSE(turns.waiting());
  CHECK(waits.slices[2].took_ms == 0);
  turns.submitted(2);
  CHECK_FALSE(turns.record(2).value());
  CHECK(waits.finished);
}

TEST_CASE("jobs: one that nobody wants is dropped, even while a slice of it is under way") {
  Fate fate;
  Turns turns;
  turns.add(std::make_unique<Scripted>(fate, std::vector<Result<Next>>{Next::kSubmit}));
  CHECK(turns.record(0).value());
  turns.submitted(1);
  fate.wanted = false;
  CHECK_FALSE(turns.record(0).value());
  CHECK(turns.empty());
  CHECK(fate.gone);
  CHECK_FALSE(fate.finished);
  CHECK_FALSE(fate.failed);
}

TEST_CASE("jobs: an error fails its own job alone, a lost device all") {
  Fate bad, unfinished, good;
  Turns turns;
  turns.add(std::make_unique<Scripted>(bad, std::vector<Result<Next>>{Error{ErrorCode::kOutOfMemory, "none"}}));
  auto task = std::make_unique<Scripted>(unfinished, std::vector<Result<Next>>{Next::kDone});
  task->outcome = Error{ErrorCode::kQuota, "too much"};
  turns.add(std::move(task));
  turns.add(std::make_unique<Scripted>(
      good, std::vector<Result<Next>>{Next::kSubmit, Error{ErrorCode::kDeviceLost, "gone"}}));
  CHECK(turns.record(0).value());
  CHECK(bad.failed == ErrorCode::kOutOfMemory);
  CHECK(bad.gone);
  CHECK(unfinished.failed == ErrorCode::kQuota);
  CHECK(unfinished.gone);
  CHECK_FALSE(good.gone);
  turns.submitted(1);
  const auto lost = turns.record(1);
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().code == ErrorCode::kDeviceLost);
  CHECK(good.failed == ErrorCode::kDeviceLost);
}

TEST_CASE("jobs: progress is reported as often as was asked for, with a slice") {
  Fate often, never;
  Turns turns;
  const std::vector<Result<Next>> script(6, Next::kWait);
  turns.add(std::make_unique<Scripted>(often, script, milliseconds(20)));
  turns.add(std::make_unique<Scripted>(never, script));
  CHECK_FALSE(turns.record(0).value());
  CHECK(often.reports == 0);
  std::this_thread::sleep_for(milliseconds(25));
  CHECK_FALSE(turns.record(0).value());
  CHECK(often.reports == 1);
  CHECK_FALSE(turns.record(0).value());
  CHECK(often.reports <= 2);  // 1, unless this thread slept here
  CHECK(never.reports == 0);
}

TEST_CASE("jobs: a kernel that another thread makes is looked at, not waited for") {
  AwaitedKernel kernel;
  CHECK_FALSE(kernel.asked());
  std::promise<Result<std::shared_ptr<const vulkan::Kernel>>> compiling;
  kernel.ask(vulkan::KernelCache::Pending(compiling.get_future().share()));
  CHECK(kernel.look().value() == nullptr);
  compiling.set_value(Error{ErrorCode::kCompileFailed, "line 3"});
  CHECK(kernel.look().error().code == ErrorCode::kCompileFailed);
  CHECK(kernel.get() == nullptr);
  CHECK_FALSE(kernel.asked());  // what failed may be asked for again

  struct Compiled : vulkan::Kernel {
    Compiled() : Kernel(2, 8, 0, {}) {}
  };
  const auto made = std::make_shared<const Compiled>();
  std::promise<Result<std::shared_ptr<const vulkan::Kernel>>> again;
  again.set_value(std::shared_ptr<const vulkan::Kernel>(made));
  AwaitedKernel found;
  found.ask(vulkan::KernelCache::Pending(again.get_future().share()));
  CHECK(found.get() == nullptr);
  CHECK(found.look().value() == made.get());
  CHECK(found.get() == made.get());
}

}  // namespace gpu_node::jobs
