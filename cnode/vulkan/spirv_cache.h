// SPIR-V on disk, one file per module: FOLDER/HH/HASH.spv, HASH the SHA-256 of all that made it. Any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vulkan/cache_files.h"

namespace gpu_node::vulkan {

inline constexpr CacheLimits kSpirvCacheLimits{.file_bytes = 16 << 20, .folder_bytes = 256 << 20};

class SpirvCache {
 public:
  // |folder| empty: nothing is kept.
  explicit SpirvCache(std::string folder, const CacheLimits& limits = kSpirvCacheLimits)
      : files_(std::move(folder), "spirv 2", limits) {}

  std::optional<std::vector<uint32_t>> load(const std::string& hash);
  void store(const std::string& hash, std::span<const uint32_t> words);
  // Logs that the module is of no use, and removes it.
  void refuse(const std::string& hash, std::string_view reason);

 private:
  CacheFiles files_;
};

}  // namespace gpu_node::vulkan
