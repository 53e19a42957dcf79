// Whether what another thread makes is there: looked at, never waited for.
#pragma once

#include <chrono>
#include <future>

namespace gpu_node {

template <typename T>
bool is_ready(const std::shared_future<T>& made) {
  return made.valid() && made.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace gpu_node
