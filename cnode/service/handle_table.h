// The handles of a session by id: an index of integers over a pool of handles that are used again. Tensors come and go
// by the hundred thousand a second; none of them costs an allocation here. Device thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/flat_map.h"
#include "base/thread_owner.h"
#include "chain/device_model.h"
#include "program/compiled.h"
#include "program/executor.h"
#include "program/tensor.h"
#include "service/upload.h"

namespace gpu_node::service {

using ErrorRef = std::shared_ptr<const Error>;

// A model of chains, its numbers on the device.
struct HeldModel {
  std::shared_ptr<chain::DeviceModel> model;
  program::Payment payment;
};
using ModelRef = std::shared_ptr<const HeldModel>;

// A program, and what its session pays for it.
struct HeldProgram {
  program::CompiledProgramRef program;
  program::Payment payment;
  program::Kernels kernels;  // that its first run most likely needs
};
using ProgramRef = std::shared_ptr<const HeldProgram>;

// What an id stands for: a tensor, the error that its making ended in, a tensor whose bytes are still coming, a model
// of chains, or a program.
using Handle = std::variant<program::Tensor, ErrorRef, UploadRef, ModelRef, ProgramRef>;

class HandleTable {
 public:
  size_t size() const { return index_.size(); }

  // Host memory that it takes once there is one more. It falls when the table becomes empty, not before.
  uint64_t bytes_with_one_more() const {
    const size_t places = pool_.size() + (free_.empty() ? 1 : 0);
    return index_.bytes(1) + places * sizeof(Handle) + free_.capacity() * sizeof(uint32_t);
  }

  Handle* find(int64_t id) {
    thread_.check(kOwned);
    const uint32_t* place = index_.find(id);
    return place ? &pool_[*place] : nullptr;
  }
  const Handle* find(int64_t id) const { return const_cast<HandleTable*>(this)->find(id); }

  // Puts |handle| under |id|, in place of what is there.
  void put(int64_t id, Handle&& handle) {
    if (Handle* there = find(id)) {
      *there = std::move(handle);
      return;
    }
    uint32_t place = static_cast<uint32_t>(pool_.size());
    if (free_.empty()) {
      pool_.push_back(std::move(handle));
    } else {
      place = free_.back();
      free_.pop_back();
      pool_[place] = std::move(handle);
    }
    index_.insert(id, place);
  }

  void erase(int64_t id) {
    thread_.check(kOwned);
    const uint32_t* found = index_.find(id);
    if (!found) return;
    const uint32_t place = *found;
    index_.erase(id);
    if (index_.size() == 0 && pool_.size() > kKept) return clear();  // a few are soon needed again
    pool_[place] = ErrorRef();
    free_.push_back(place);
  }

  void clear() { *this = HandleTable(); }

  // Calls |visit| with every handle.
  template <typename Visit>
  void for_each(Visit visit) const {
    thread_.check(kOwned);
    index_.for_each([&](int64_t id, uint32_t place) { visit(id, pool_[place]); });
  }

 private:
  static constexpr size_t kKept = 4096;  // handles whose memory an empty table keeps

  static constexpr const char* kOwned = "a session's handles";

  [[no_unique_address]] ThreadOwner thread_;
  FlatMap<uint32_t> index_;  // id to its place in pool_
  std::deque<Handle> pool_;
  std::vector<uint32_t> free_;
};

}  // namespace gpu_node::service
