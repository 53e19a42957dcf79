// What another thread makes for whoever holds a copy of this: where nobody does any more before it is begun, it is
// dropped.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "base/result.h"

namespace gpu_node::vulkan {

template <typename T>
class Pending {
 public:
  using Outcome = Result<T>;

  Pending() = default;
  // |wanted| lives as long as any copy does.
  explicit Pending(std::shared_future<Outcome> made, std::shared_ptr<const void> wanted = nullptr)
      : made_(std::move(made)), wanted_(std::move(wanted)) {}

  bool valid() const { return made_.valid(); }
  // Never waits.
  bool ready() const { return valid() && wait_for(std::chrono::milliseconds(0)); }
  void wait() const { made_.wait(); }
  // Whether it was ready in time.
  bool wait_for(std::chrono::milliseconds most) const { return made_.wait_for(most) == std::future_status::ready; }
  const std::shared_future<Outcome>& made() const { return made_; }
  // Waits.
  const Outcome& get() const { return made_.get(); }

 private:
  std::shared_future<Outcome> made_;
  std::shared_ptr<const void> wanted_;
};

}  // namespace gpu_node::vulkan
