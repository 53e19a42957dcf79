// The driver's VkPipelineCache, kept on disk: FOLDER/DEVICE-BUILD, a file for each device and each build of its driver.
// Any thread.
//
// DEVICE is the device's UUID, BUILD its vendor, its id, the driver's version and pipelineCacheUUID: Mesa keeps all but
// the last over a security update. The driver sees data only when the file is whole, was written for that name, and
// Vulkan's own header (vendor, device, cache UUID) is right; anything else counts as empty.
#pragma once

#include <string>

#include "base/mutex.h"
#include "vulkan/cache_files.h"
#include "vulkan/context.h"

namespace gpu_node::vulkan {

// A build of a driver that is gone leaves its file: of lavapipe 200 bytes, of a card's driver megabytes. Nobody can
// tell whether it comes back (an older container on the same folder), so the least recently used go, not those of
// others.
inline constexpr CacheLimits kPipelineCacheLimits{
    .file_bytes = 256 << 20, .folder_bytes = uint64_t{1} << 30, .folder_files = 32};

class PipelineCache {
 public:
  // |folder| empty: nothing is kept.
  static Result<std::unique_ptr<PipelineCache>> create(Context& context, const std::string& folder,
                                                       const CacheLimits& limits = kPipelineCacheLimits);

  VkPipelineCache get() const { return cache_.get(); }
  const std::string& file() const { return file_; }  // empty: nothing is kept
  // Whether this driver had left data there.
  bool was_loaded() const { return was_loaded_; }

  // Writes what the cache holds, if that changed since the last time or the file is gone; returns the file's path,
  // empty where nothing is kept.
  Result<std::string> save();

 private:
  PipelineCache(Context& context, const std::string& folder, const CacheLimits& limits);
  std::string load();
  bool fits_device(std::string_view data) const;

  Context& context_;
  CacheFiles files_;
  const std::string name_;
  const std::string file_;
  Handle<VkPipelineCache> cache_;
  bool was_loaded_ = false;
  Mutex mutex_;
  std::string saved_digest_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::vulkan
