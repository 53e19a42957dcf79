// Equal keys, equal text: what debug builds hold a hit of the kernel cache against. A key that leaves out something its
// text depends on gives wrong numbers and no error, and shows only where two kernels meet under it.
//
// A hit is compared when it is a key's first, second, fourth or eighth. The first is mostly the recording of what was
// just prefetched, so later ones, which come from other shapes, count for more; but texts are long and tests make
// hundreds of thousands of hits, so the count is bounded, and the text goes with the last comparison. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::vulkan {

class TextCheck {
 public:
  static constexpr uint32_t kLastCompared = 8;

  // Keeps what the kernel of |key| was made from.
  void keep(const std::string& key, std::string glsl);

  // Counts a hit of |key|, and compares the text that |emit| gives where it is time to. kInternal, with the first line
  // that differs, where it is another one.
  Result<void> check(std::string_view key, const KernelCache::Emit& emit);

 private:
  struct Kept {
    std::string glsl;
    uint32_t hits = 0;
  };

  Mutex mutex_;
  std::unordered_map<std::string, Kept> kept_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::vulkan
