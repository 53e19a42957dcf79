// The files of a cache in a folder of its own, each bound to its name. Any thread.
//
// A file is a line "gpu_node KIND FORMAT DIGEST" and the content; the digest covers name and content, so that a file
// counts only under the name that it was written for. A name says all that its content depends on. What is not exactly
// that (damaged, renamed, of another format, too large, no regular file) is logged, removed and counts as missing. The
// least recently used go when the folder outgrows its limits. What cannot be written is logged, once until something
// can be again, and costs nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"

namespace gpu_node::vulkan {

struct CacheLimits {
  uint64_t file_bytes = 0;    // of one file
  uint64_t folder_bytes = 0;  // of all of them
  uint64_t folder_files = UINT64_MAX;
};

class CacheFiles {
 public:
  // |folder| empty: nothing is kept. |kind| is "KIND FORMAT" of the first line.
  CacheFiles(std::string folder, std::string_view kind, const CacheLimits& limits);

  bool kept() const { return !folder_.empty(); }
  std::string path(std::string_view name) const;

  std::optional<std::string> load(std::string_view name);
  Result<void> store(std::string_view name, std::string_view content);
  // Logs that the file is of no use, and removes it. For what load() cannot see.
  void refuse(std::string_view name, std::string_view reason) const;

 private:
  std::string digest(std::string_view name, std::string_view content) const;
  void make_room(uint64_t bytes);

  const std::string folder_;
  const std::string header_;
  const CacheLimits limits_;
  Mutex mutex_;
  bool counted_ GPU_NODE_GUARDED_BY(mutex_) = false;  // what the folder holds, at the first store
  uint64_t used_bytes_ GPU_NODE_GUARDED_BY(mutex_) = 0;
  uint64_t used_files_ GPU_NODE_GUARDED_BY(mutex_) = 0;
  bool failing_ GPU_NODE_GUARDED_BY(mutex_) = false;
};

}  // namespace gpu_node::vulkan
