#include "vulkan/spirv_cache.h"

#include <cstring>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

std::string name_of(const std::string& hash) { return concat(hash.substr(0, 2), "/", hash, ".spv"); }

}  // namespace

std::optional<std::vector<uint32_t>> SpirvCache::load(const std::string& hash) {
  const std::optional<std::string> content = files_.load(name_of(hash));
  if (!content) return std::nullopt;
  std::vector<uint32_t> words(content->size() / sizeof(uint32_t));
  std::memcpy(words.data(), content->data(), words.size() * sizeof(uint32_t));
  return words;
}

void SpirvCache::store(const std::string& hash, std::span<const uint32_t> words) {
  (void)files_.store(name_of(hash), {reinterpret_cast<const char*>(words.data()), words.size_bytes()});
}

void SpirvCache::refuse(const std::string& hash, std::string_view reason) {
  if (files_.kept()) files_.refuse(name_of(hash), reason);
}

}  // namespace gpu_node::vulkan
