// Tensors of one session that stand for a tensor of another: what each was attached from, so that a tensor is found by
// its first name as long as anybody holds it, and what a session makes others pay for.
//
// Device thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "service/kept_tensors.h"

namespace gpu_node::service {

class Attachments {
 public:
  struct Holder {
    Session* session = nullptr;  // lives until erase() was called for all that it attached
    int64_t id = 0;
  };

  // Tensor |id| of |session|, of |bytes|, was attached from |origin|.
  void add(Session& session, int64_t id, const TensorName& origin, uint64_t bytes);
  // Tensor |id| of |session| is gone: what it was attached from, or nothing when it was not.
  std::optional<TensorName> erase(Session& session, int64_t id);

  // Somebody who has attached |origin|.
  std::optional<Holder> find(const TensorName& origin) const;

 private:
  struct Attachment {
    TensorName origin;
    uint64_t bytes = 0;
  };
  std::unordered_map<TensorName, Attachment, TensorNameHash> by_name_;
  std::unordered_multimap<TensorName, Holder, TensorNameHash> by_origin_;
};

}  // namespace gpu_node::service
