#include "service/kept_tensors.h"

#include <utility>

namespace gpu_node::service {
namespace {

// A process that makes many small tensors leaves as many kept ones behind, each with a buffer of its own.
constexpr size_t kMaxKeptTensors = 1u << 16;

const program::Storage* storage_of(const Handle& handle) {
  const auto* tensor = std::get_if<program::Tensor>(&handle);
  return tensor ? tensor->storage.get() : nullptr;
}

}  // namespace

void KeptTensors::keep(const TensorName& name, Handle handle, uint64_t session, Clock::time_point until) {
  erase(name);  // a peer may give an id twice
  const program::Storage* storage = storage_of(handle);
  if (storage && storage->size_bytes > limit_bytes_) {
    given_up_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (storage && storages_[storage]++ == 0) bytes_.fetch_add(storage->size_bytes, std::memory_order_relaxed);
  by_name_[name] = by_end_.emplace(until, Entry{name, session, std::move(handle)});
  while (bytes() > limit_bytes_ || by_end_.size() > kMaxKeptTensors) {
    forget(by_end_.begin());
    given_up_.fetch_add(1, std::memory_order_relaxed);
  }
}

const Handle* KeptTensors::find(const TensorName& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second->second.handle;
}

KeptTensors::ByEnd::iterator KeptTensors::forget(ByEnd::iterator entry) {
  if (const program::Storage* storage = storage_of(entry->second.handle)) {
    const auto counted = storages_.find(storage);
    if (--counted->second == 0) {
      bytes_.fetch_sub(storage->size_bytes, std::memory_order_relaxed);
      storages_.erase(counted);
    }
  }
  by_name_.erase(entry->second.name);
  return by_end_.erase(entry);
}

bool KeptTensors::erase(const TensorName& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return false;
  forget(found->second);
  return true;
}

template <typename Wanted>
uint64_t KeptTensors::forget_where(Wanted wanted) {
  uint64_t count = 0;
  for (auto it = by_end_.begin(); it != by_end_.end();) {
    if (!wanted(it->second)) {
      ++it;
      continue;
    }
    it = forget(it);
    ++count;
  }
  return count;
}

void KeptTensors::erase_session(uint64_t session) {
  forget_where([session](const Entry& entry) { return entry.session == session; });
}

void KeptTensors::expire(Clock::time_point now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) forget(by_end_.begin());
}

bool KeptTensors::give_up(const Account* payer) {
  const uint64_t count = forget_where([payer](const Entry& entry) {
    const program::Storage* storage = storage_of(entry.handle);
    return storage && (!payer || storage->payment.payer() == payer);
  });
  given_up_.fetch_add(count, std::memory_order_relaxed);
  return count > 0;
}

}  // namespace gpu_node::service
