// The thread that something belongs to, checked in debug builds: whoever uses it first owns it until it is handed on.
//
// Where NDEBUG is defined all of this is nothing.
#pragma once

#include <atomic>
#include <thread>

namespace gpu_node {

#ifdef NDEBUG

class ThreadOwner {
 public:
  void check(const char*) const {}
  void hand_on() {}
};

#else

// Says on stderr whose |what| is not, and ends the process.
[[noreturn]] void end_for_wrong_thread(const char* what);

class ThreadOwner {
 public:
  ThreadOwner() = default;
  // A copy is nobody's yet, and what is assigned to keeps its owner.
  ThreadOwner(const ThreadOwner&) {}
  ThreadOwner& operator=(const ThreadOwner&) { return *this; }  // NOLINT(bugprone-unhandled-self-assignment): no state

  // Ends the process when |what| belongs to another thread.
  void check(const char* what) const {
    const std::thread::id here = std::this_thread::get_id();
    std::thread::id owner = owner_.load(std::memory_order_relaxed);
    if (owner == here) return;
    if (owner != std::thread::id() || !owner_.compare_exchange_strong(owner, here, std::memory_order_relaxed))
      end_for_wrong_thread(what);
  }
  // The thread that uses it next is its owner. For moments at which nobody uses it.
  void hand_on() { owner_.store(std::thread::id(), std::memory_order_relaxed); }

 private:
  mutable std::atomic<std::thread::id> owner_{std::thread::id()};
};

#endif

}  // namespace gpu_node
