#include "service/attachments.h"

namespace gpu_node::service {

void Attachments::add(Session& session, int64_t id, const TensorName& origin, uint64_t bytes) {
  by_name_[{session.id, id}] = {origin, bytes};
  by_origin_.emplace(origin, Holder{&session, id});
  session.attached_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

std::optional<TensorName> Attachments::erase(Session& session, int64_t id) {
  if (by_name_.empty()) return std::nullopt;
  const auto found = by_name_.find({session.id, id});
  if (found == by_name_.end()) return std::nullopt;
  const TensorName origin = found->second.origin;
  const auto [first, last] = by_origin_.equal_range(origin);
  for (auto it = first; it != last; ++it) {
    if (it->second.session != &session || it->second.id != id) continue;
    by_origin_.erase(it);
    break;
  }
  session.attached_bytes.fetch_sub(found->second.bytes, std::memory_order_relaxed);
  by_name_.erase(found);
  return origin;
}

std::optional<Attachments::Holder> Attachments::find(const TensorName& origin) const {
  const auto found = by_origin_.find(origin);
  if (found == by_origin_.end()) return std::nullopt;
  return found->second;
}

}  // namespace gpu_node::service
