// The one thread that owns the device: it takes work in order, records it, and submits when somebody reads, when enough
// is recorded, or when nothing has come for a moment. It never waits for a read: those are parked until the timeline
// reaches them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "base/bounded_queue.h"
#include "jobs/turns.h"
#include "service/interpreter.h"
#include "service/parked_work.h"
#include "service/reads.h"
#include "service/spare_commands.h"
#include "service/work.h"
#include "vulkan/device.h"

namespace gpu_node::service {

class DeviceThread {
 public:
  struct Shared {
    SessionTable& sessions;
    UploadTable& uploads;
    PendingCalls& calls;
    SpareCommands& spare;
    std::function<bool(CompileWork&&)> compile;  // hands a family to its compiler; false when that is full
  };
  // What the thread has counted; every field only grows.
  struct Counters {
    std::atomic<uint64_t> instructions{0}, instructions_failed{0}, validate_ns{0}, record_ns{0};
    std::atomic<uint64_t> downloads_bytes{0};
  };

  // |on_fatal| is called on the device thread when the device is lost.
  DeviceThread(vulkan::Device& device, const Shared& shared, std::function<void(const Error&)> on_fatal);
  ~DeviceThread();

  // Queues |work|; false when the queue is full or closed, |work| is then as it was. Any thread.
  bool push(Work&& work);

  // Refuses further work; the thread ends once all that is queued is done and answered.
  void close();
  // True once it has ended.
  bool finished() const { return finished_.load(std::memory_order_acquire); }

  // Work that waits, for its turn or for a job of its session.
  size_t depth() const { return queue_.size() + parked_.size(); }
  // Of the messages that wait for their turn.
  uint64_t queued_bytes() const { return queued_bytes_.load(std::memory_order_relaxed); }
  const Counters& counters() const { return counters_; }
  uint64_t unknown_frees() const { return interpreter_.unknown_frees(); }
  uint64_t attached() const { return interpreter_.attached(); }
  const KeptTensors& kept() const { return interpreter_.kept(); }

  // What runs, as of the last pass over it.
  struct JobView {
    jobs::TaskView task;
    Clock::time_point begun;
  };
  std::vector<JobView> jobs() const {
    const MutexLock lock(views_mutex_);
    return views_;
  }

  // For the watchdog: raised with every step, and since when the thread has been in its present piece of work.
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }
  std::optional<Clock::time_point> busy_since() const;

 private:
  void loop();
  std::optional<Work> next_work();
  // What comes next, waiting for it until then. Nothing when it is not to be done now: a job holds its session, or its
  // turn has not come.
  std::optional<Work> take_queued(Clock::time_point until);
  // True when |work| is not to be done now, because something of its session is not.
  bool hold_back(Work& work);
  // What |attempt| gives of |work|; nothing where it lacks something: it is put back until that is there.
  template <typename Tried, typename Attempt>
  auto try_work(Tried& work, Attempt attempt) -> std::optional<decltype(attempt())>;
  // Puts |work| back, its session's next, until what it lacks is there. The session pays for |reserved_bytes|
  // meanwhile.
  void put_back(Work&& work, Lacking lacking, uint64_t reserved_bytes);
  // Whether |work| may be recorded though the device has enough to do.
  bool passes_by(const Work& work) const;
  void add(std::unique_ptr<WaitedJob> job);
  void housekeeping();
  bool idle() const;
  // Whether so much is recorded that it is worth a submission; whether the device has enough to do.
  bool has_enough() const;
  bool is_busy() const;
  // Whether a loop waits for the device; whether for what is not submitted yet.
  bool has_looks() const;
  bool look_wants_submit() const;
  void wait_for_device();
  void wait_a_little();
  bool submit();
  // Between the commands of a message, the steps of a program and the parts of a long dispatch, of which there may be
  // any number: what was recorded is submitted as between messages. False when the message is to wait: the device has
  // enough to do, or others wait for their turn.
  bool go_on();
  bool turn_is_over() const;
  // What turns are measured by: the device's work, by estimates, and making buffers for it.
  double spent_ms() const;
  bool others_wait() const { return queue_.size() > 0 || parked_.has_ready(); }
  // What others than |session| have begun that is going to free memory, as a question whether it is over. Jobs are not:
  // they may take minutes.
  Interpreter::Over others_free(const Session& session) const;
  // Gives idle memory back to the host, a little at a time, once nobody has wanted anything for a while.
  void tidy(Clock::time_point now);
  void look_for_loss();
  void advance_jobs();
  void show_jobs();
  void check(const Result<void>& done);
  void fatal(const Error& error);

  // Sends the acknowledgement that is owed, if one is.
  void acknowledge();

  void perform(WakeWork&) {}
  void perform(RunWork& work);
  void perform(DownloadWork& work);
  void perform(SyncWork& work);
  void perform(UploadOpenWork& work);
  void perform(AttachWork& work);
  void perform(DataWork& work);
  void perform(ModelWork& work);
  void perform(ChainWork& work);
  void perform(SampleWork& work);
  template <typename Job, typename JobWork, typename Request>
  void start(JobWork& work, const Request& request);
  void perform(PendingJobWork& work);
  void perform(DispatchWork& work);
  void perform(ExplainWork& work);
  void perform(StagedChunkWork& work);
  void perform(UploadDoneWork& work);
  Result<void> start_download(DownloadWork& work);
  Result<vulkan::BufferRef> copy_chunk(const Session& session, const Chunk& chunk);

  vulkan::Device& device_;
  vulkan::Recorder& recorder_;
  const program::Pace pace_;
  const Shared shared_;
  const std::function<void(const Error&)> on_fatal_;
  BoundedQueue<Work> queue_;
  std::atomic<uint64_t> queued_bytes_{0};
  std::atomic<uint64_t> progress_{0};
  std::atomic<Clock::rep> busy_since_{0};
  std::atomic<bool> closing_{false};
  std::atomic<bool> finished_{false};
  std::atomic<bool> ending_{false};  // loops are given up, however far they are
  Counters counters_;
  mutable Mutex views_mutex_;
  std::vector<JobView> views_ GPU_NODE_GUARDED_BY(views_mutex_);
  Interpreter interpreter_;
  Reads reads_{counters_.downloads_bytes};
  ParkedWork parked_;
  // Of sessions whose next piece of work lacks something.
  struct Wait {
    Lacking lacking;
    PendingCallRef call;  // nullptr where nobody waits for an answer
    SessionHold hold;
    program::Payment payment;  // for the buffers that are made for it
    bool looks() const { return lacking.submission.any(); }
    bool is_over() const { return lacking.is_there() || (call != nullptr && call->answered()); }
  };
  std::vector<Wait> waits_;
  std::unique_ptr<Trial> spare_trial_;
  bool took_parked_ = false;     // the last piece of work was of these
  bool slice_was_last_ = false;  // since a job recorded, none of these was done
  uint64_t turn_of_ = 0;         // session
  double turn_began_ms_ = 0;     // of spent_ms()
  jobs::Turns jobs_;
  // The last message that is done and not acknowledged; an acknowledgement covers the messages before it.
  SessionRef owed_to_;
  int64_t owed_seq_ = 0;
  uint32_t owed_commands_ = 0;
  Clock::time_point owed_until_{};
  uint64_t staged_bytes_ = 0;  // recorded copies out of staging since the last submission
  uint32_t unsubmitted_items_ = 0;
  Clock::time_point last_work_{};
  Clock::time_point last_busy_{};  // something was there to be done, or was being done
  Clock::time_point wait_began_{};
  Clock::time_point looked_for_loss_{};
  bool busy_ = false;  // is_busy() when it was last asked; false while nothing runs
  bool lost_ = false;
  bool heap_returned_ = false;  // since last_busy_
  std::thread thread_;
};

}  // namespace gpu_node::service
