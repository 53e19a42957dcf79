// SPIR-V on disk, one file per module: FOLDER/HH/HASH.spv, HASH the SHA-256 of all that made it. Any thread.
//
// A file is a line "gpu_node spirv 1 DIGEST", DIGEST the SHA-256 of what follows, and the words. A file that is not
// exactly that is removed and counts as missing. The least recently used go when the folder outgrows its limit; a
// folder that cannot be written is logged once and then only read.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace gpu_node::vulkan {

inline constexpr uint64_t kSpirvCacheBytes = uint64_t{256} << 20;

class SpirvCache {
 public:
  // |folder| empty: nothing is kept.
  explicit SpirvCache(std::string folder, uint64_t limit_bytes = kSpirvCacheBytes)
      : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

  std::optional<std::vector<uint32_t>> load(const std::string& hash);
  void store(const std::string& hash, std::span<const uint32_t> words);
  void remove(const std::string& hash);

 private:
  std::string path(const std::string& hash) const;
  void make_room(uint64_t bytes);

  const std::string folder_;
  const uint64_t limit_bytes_;
  std::atomic<bool> writable_{true};
  Mutex mutex_;
  std::optional<uint64_t> used_bytes_ GPU_NODE_GUARDED_BY(mutex_);  // counted at the first store
};

}  // namespace gpu_node::vulkan
