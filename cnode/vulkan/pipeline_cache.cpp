#include "vulkan/pipeline_cache.h"

#include <unistd.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/concat.h"
#include "base/file.h"
#include "base/log.h"

namespace gpu_node::vulkan {
namespace {

constexpr std::string_view kHeader = "gpu_node pipelines 1 ";
constexpr size_t kHeaderBytes = kHeader.size() + 64 + 1;
constexpr size_t kMaxCacheBytes = 256 << 20;

}  // namespace

Result<std::unique_ptr<PipelineCache>> PipelineCache::create(Context& context, const std::string& folder) {
  std::string file;
  if (!folder.empty()) file = concat(folder, "/pipelines-", context.info().uuid, "-", context.physical.driver_version);
  std::unique_ptr<PipelineCache> cache(new PipelineCache(context, std::move(file)));
  const std::string data = cache->load();
  cache->was_loaded_ = !data.empty();
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  VkPipelineCache raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context.vk.vkCreatePipelineCache(context.device.get(), &info, nullptr, &raw), "vkCreatePipelineCache");
  cache->cache_ = {context.device.get(), raw, context.vk.vkDestroyPipelineCache};
  const MutexLock lock(cache->mutex_);
  if (!data.empty()) cache->saved_digest_ = sha256_hex(data);
  return cache;
}

std::string PipelineCache::load() const {
  if (file_.empty()) return {};
  Result<std::string> content = read_file(file_, kMaxCacheBytes);
  if (!content.ok()) {
    if (content.error().code != ErrorCode::kNotFound)
      log_line(LogLevel::kWarning, "pipeline_cache_read", "error=\"" + content.error().message + "\"");
    return {};
  }
  const std::string_view text = *content;
  const std::string_view data = text.size() > kHeaderBytes ? text.substr(kHeaderBytes) : std::string_view();
  if (!text.starts_with(kHeader) || text.substr(kHeader.size(), 64) != sha256_hex(data) || !fits_device(data)) {
    log_line(LogLevel::kWarning, "pipeline_cache_ignored", "file=" + file_ + " reason=corrupt_or_foreign");
    return {};
  }
  return std::string(data);
}

bool PipelineCache::fits_device(std::string_view data) const {
  VkPipelineCacheHeaderVersionOne header;
  if (data.size() < sizeof header) return false;
  std::memcpy(&header, data.data(), sizeof header);
  return header.headerSize >= sizeof header && header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
         header.vendorID == context_.physical.vendor_id && header.deviceID == context_.physical.device_id &&
         std::memcmp(header.pipelineCacheUUID, context_.physical.pipeline_cache_uuid, VK_UUID_SIZE) == 0;
}

Result<std::string> PipelineCache::save() {
  const MutexLock lock(mutex_);
  if (file_.empty()) return std::string();
  size_t size = 0;
  GPU_TRY_VK(context_.vk.vkGetPipelineCacheData(context_.device.get(), get(), &size, nullptr),
             "vkGetPipelineCacheData");
  std::string data(size, '\0');
  GPU_TRY_VK(context_.vk.vkGetPipelineCacheData(context_.device.get(), get(), &size, data.data()),
             "vkGetPipelineCacheData");
  data.resize(size);
  if (size == 0 || size + kHeaderBytes > kMaxCacheBytes) return file_;
  const std::string digest = sha256_hex(data);
  if (digest == saved_digest_ && ::access(file_.c_str(), F_OK) == 0) return file_;
  const Result<void> written = write_file_atomically(file_, std::string(kHeader) + digest + "\n" + data);
  if (written.ok()) {
    saved_digest_ = digest;
    return file_;
  }
  if (!std::exchange(failure_logged_, true))
    log_line(LogLevel::kWarning, "pipeline_cache_not_written",
             "file=" + file_ + " error=\"" + written.error().message + "\"");
  return written.error();
}

}  // namespace gpu_node::vulkan
