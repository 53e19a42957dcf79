// Tensors whose handle was collected where it was made while another BEAM node may have been sent it: each is kept for
// a grace time, in which it can still be attached.
//
// What is kept is bounded in bytes and in number: those nearest their end go first. Device thread only, but for the
// figures.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "base/hash.h"
#include "service/session.h"

namespace gpu_node::service {

struct TensorNameHash {
  size_t operator()(const TensorName& name) const {
    return static_cast<size_t>((name.session ^ static_cast<uint64_t>(name.id)) * kHashFactor);
  }
};

class KeptTensors {
 public:
  explicit KeptTensors(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Keeps |handle|, a tensor or the error of one, under |name| until |until|, for |session|, which let go of it. One
  // that is larger than the limit goes at once.
  void keep(const TensorName& name, Handle handle, uint64_t session, Clock::time_point until);

  // The kept tensor |name|, or nullptr.
  const Handle* find(const TensorName& name) const;

  // Forgets |name|; false when it was not kept.
  bool erase(const TensorName& name);
  void erase_session(uint64_t session);
  void expire(Clock::time_point now);
  bool empty() const { return by_end_.empty(); }

  // Forgets those that |payer| pays for (nullptr: all), because their memory is needed. False when there was none.
  bool give_up(const Account* payer);

  // Of the storages that kept tensors refer to. Any thread.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // How many went before their time, so far. Any thread.
  uint64_t given_up() const { return given_up_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    TensorName name;
    uint64_t session;
    Handle handle;
  };
  using ByEnd = std::multimap<Clock::time_point, Entry>;

  ByEnd::iterator forget(ByEnd::iterator entry);
  template <typename Wanted>
  uint64_t forget_where(Wanted wanted);

  const uint64_t limit_bytes_;
  ByEnd by_end_;
  std::unordered_map<TensorName, ByEnd::iterator, TensorNameHash> by_name_;
  std::unordered_map<const program::Storage*, uint32_t> storages_;  // views share one
  std::atomic<uint64_t> bytes_{0}, given_up_{0};
};

}  // namespace gpu_node::service
