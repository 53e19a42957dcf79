// While one lives, what its session sends waits (parked_work.h). Device thread only.
#pragma once

#include <cstdint>
#include <utility>

namespace gpu_node::service {

class ParkedWork;

class SessionHold {
 public:
  SessionHold() = default;
  SessionHold(ParkedWork& parked, uint64_t session) : parked_(&parked), session_(session) {}
  SessionHold(SessionHold&& other) noexcept
      : parked_(std::exchange(other.parked_, nullptr)), session_(other.session_) {}
  SessionHold& operator=(SessionHold&& other) noexcept {
    std::swap(parked_, other.parked_);
    std::swap(session_, other.session_);
    return *this;
  }
  ~SessionHold();

  bool of(uint64_t session) const { return session_ == session; }

 private:
  ParkedWork* parked_ = nullptr;
  uint64_t session_ = 0;
};

}  // namespace gpu_node::service
