// Work of sessions that a job of theirs holds back, or that wait for their turn: it waits here in the order it came,
// and is taken in that order when no job holds its session. Work of other sessions passes by. Device thread only, but
// for size().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "service/later_use.h"
#include "service/session_hold.h"
#include "service/work.h"

namespace gpu_node::service {

class ParkedWork {
 public:
  struct Limits {
    size_t items_of_session = size_t{4} * kMaxPendingInstructions;
    size_t items = 65536;
    uint64_t bytes_of_session = 256u << 20;  // of messages
    uint64_t bytes = 512u << 20;
    // What is refused for its bytes may still have programs, up to so many times the limits.
    uint64_t programs_factor = 2;
  };

  ParkedWork() : ParkedWork(Limits()) {}
  explicit ParkedWork(const Limits& limits) : limits_(limits) {}

  // Holds back what comes of |session| from now on, for as long as the hold lives.
  SessionHold hold(const SessionRef& session);

  enum class Outcome : uint8_t {
    kFree,    // nothing holds its session: it is to be done now
    kParked,  // taken; commands whose bytes are too many are refused in their results, not here
    kFull,    // held, but there is no room: it is left as it was
  };
  Outcome park(Work& work);

  // Keeps |work|, which was begun: its session's next.
  void put_back(Work&& work);
  // Keeps |work| of a session that has none here and that nothing holds, whatever the limits; is_full() says when that
  // should not go on.
  void add(Work&& work) { put_back(std::move(work)); }
  bool is_full() const { return size() >= limits_.items / 2 || bytes_ >= limits_.bytes / 2; }

  // The next piece of a live session that no job holds, in the order of that session; of the same session as before, as
  // long as it has some here, until its turn is ended.
  std::optional<Work> take();
  void end_turn(const Session& session);
  // Whether there may be one.
  bool has_ready() const { return !ready_.empty(); }

  // A message that was begun and is not over, by its session and number.
  struct Begun {
    uint64_t session = 0;
    int64_t seq = 0;
  };
  // Those of others than |session| that may free memory when they go on: that do not wait for any themselves.
  std::vector<Begun> begun_by_others(const Session& session) const;
  // Calls |f| with the session and the work of each.
  template <typename F>
  void each_begun(F f) const {
    for (const auto& [id, lane] : lanes_) {
      if (const RunWork* run = lane.begun()) f(id, *run);
    }
  }
  bool is_begun(const Begun& message) const;

  // Shows |use| what is here of |session|, until something needs what it is about: whether there was such.
  bool is_needed(const Session& session, LaterUse& use) const;

  // Drops what is here of |session|, which has ended, and tells those who wait for it.
  void drop(const Session& session);

  bool empty() const { return size() == 0; }
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  friend class SessionHold;
  // Of a session that is held, or whose work has not all been done yet.
  struct Lane {
    SessionRef session;
    uint32_t holds = 0;
    bool ready = false;  // it is among those
    uint64_t bytes = 0;
    std::deque<Work> work;

    // Its first message, where that was begun; nullptr otherwise.
    const RunWork* begun() const {
      const RunWork* run = work.empty() ? nullptr : std::get_if<RunWork>(&work.front());
      return run != nullptr && run->paused != nullptr ? run : nullptr;
    }
  };

  void release(uint64_t session);
  void make_ready(uint64_t session, Lane& lane);
  bool has_room(Lane& lane);
  void forget_answered(Lane& lane);
  void uncount(Lane& lane, const Work& work);

  const Limits limits_;
  std::unordered_map<uint64_t, Lane> lanes_;
  std::deque<uint64_t> ready_;  // sessions with work that nothing holds, in turn
  uint64_t bytes_ = 0;
  std::atomic<size_t> size_{0};
};

}  // namespace gpu_node::service
