// The driver's VkPipelineCache, kept on disk per device and driver version. Any thread.
//
// A file is a line "gpu_node pipelines 1 DIGEST", DIGEST the SHA-256 of what follows, and the driver's data. The driver
// sees data only when digest and Vulkan's own header (vendor, device, cache UUID) are right; anything else counts as
// empty.
#pragma once

#include <string>

#include "base/mutex.h"
#include "vulkan/context.h"

namespace gpu_node::vulkan {

class PipelineCache {
 public:
  // |folder| empty: nothing is kept.
  static Result<std::unique_ptr<PipelineCache>> create(Context& context, const std::string& folder);

  VkPipelineCache get() const { return cache_.get(); }
  const std::string& file() const { return file_; }  // empty: nothing is kept
  // Whether this driver had left data there.
  bool was_loaded() const { return was_loaded_; }

  // Writes what the cache holds, if that changed since the last time or the file is gone; returns the file's path,
  // empty where nothing is kept. A failure is logged once.
  Result<std::string> save();

 private:
  PipelineCache(Context& context, std::string file) : context_(context), file_(std::move(file)) {}
  std::string load() const;
  bool fits_device(std::string_view data) const;

  Context& context_;
  const std::string file_;
  Handle<VkPipelineCache> cache_;
  bool was_loaded_ = false;
  Mutex mutex_;
  std::string saved_digest_ GPU_NODE_GUARDED_BY(mutex_);
  bool failure_logged_ GPU_NODE_GUARDED_BY(mutex_) = false;
};

}  // namespace gpu_node::vulkan
