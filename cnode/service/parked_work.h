// Work of sessions that a job of theirs holds back: it waits here in the order it came, and is taken in that order once
// no job holds its session. Work of other sessions passes by. Device thread only, but for size().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "service/session_hold.h"
#include "service/work.h"

namespace gpu_node::service {

class ParkedWork {
 public:
  struct Limits {
    size_t items_of_session = size_t{4} * kMaxPendingInstructions;
    size_t items = 65536;
    uint64_t bytes_of_session = 64u << 20;  // of messages
    uint64_t bytes = 256u << 20;
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

  // The next piece of a live session that no job holds any more, in the order of that session.
  std::optional<Work> take();

  // Drops what is here of |session|, which has ended, and tells those who wait for it.
  void drop(const Session& session);

  bool empty() const { return size() == 0; }
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  friend class SessionHold;
  // Of a session that is held, or whose work has not all been taken yet.
  struct Lane {
    SessionRef session;
    uint32_t holds = 0;
    uint64_t bytes = 0;
    std::deque<Work> work;
  };

  void release(uint64_t session);
  bool has_room(Lane& lane);
  void forget_answered(Lane& lane);
  void uncount(Lane& lane, const Work& work);

  const Limits limits_;
  std::unordered_map<uint64_t, Lane> lanes_;
  std::deque<uint64_t> ready_;  // sessions that were released with work waiting, each at least once
  uint64_t bytes_ = 0;
  std::atomic<size_t> size_{0};
};

}  // namespace gpu_node::service
