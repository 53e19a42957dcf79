#include "vulkan/pipeline_cache.h"

#include <unistd.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/concat.h"
#include "base/file.h"
#include "base/hex.h"

namespace gpu_node::vulkan {
namespace {

// All that Vulkan names a device and a build of its driver by.
std::string name_of(const PhysicalDevice& device) {
  return concat(device.info.uuid, "-", device.vendor_id, "-", device.device_id, "-", device.driver_version, "-",
                hex(device.pipeline_cache_uuid));
}

}  // namespace

PipelineCache::PipelineCache(Context& context, const std::string& folder, const CacheLimits& limits)
    : context_(context),
      files_(folder, "pipelines 2", limits),
      name_(name_of(context.physical)),
      file_(files_.kept() ? files_.path(name_) : "") {}

Result<std::unique_ptr<PipelineCache>> PipelineCache::create(Context& context, const std::string& folder,
                                                             const CacheLimits& limits) {
  std::unique_ptr<PipelineCache> cache(new PipelineCache(context, folder, limits));
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

std::string PipelineCache::load() {
  std::optional<std::string> data = files_.load(name_);
  if (!data) return {};
  if (fits_device(*data)) return std::move(*data);
  files_.refuse(name_, "Vulkan's header is of another device or build");
  return {};
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
  if (!files_.kept()) return std::string();
  size_t size = 0;
  GPU_TRY_VK(context_.vk.vkGetPipelineCacheData(context_.device.get(), get(), &size, nullptr),
             "vkGetPipelineCacheData");
  std::string data(size, '\0');
  GPU_TRY_VK(context_.vk.vkGetPipelineCacheData(context_.device.get(), get(), &size, data.data()),
             "vkGetPipelineCacheData");
  data.resize(size);
  if (size == 0) return file_;
  const std::string digest = sha256_hex(data);
  if (digest == saved_digest_ && ::access(file_.c_str(), F_OK) == 0) return file_;
  GPU_TRY(files_.store(name_, data));
  saved_digest_ = digest;
  return file_;
}

}  // namespace gpu_node::vulkan
