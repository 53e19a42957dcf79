#include "vulkan/spirv_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/log.h"

namespace gpu_node::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHeader = "gpu_node spirv 1 ";
constexpr size_t kDigestChars = 64;
constexpr size_t kHeaderBytes = kHeader.size() + kDigestChars + 1;
constexpr size_t kMaxModuleBytes = 16 << 20;

struct Entry {
  fs::path path;
  fs::file_time_type used;
  uint64_t bytes;
};

std::vector<Entry> entries_of(const std::string& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->is_regular_file(ignored)) continue;
    const uint64_t bytes = at->file_size(ignored);
    if (!ignored) entries.push_back({at->path(), at->last_write_time(ignored), bytes});
  }
  return entries;
}

}  // namespace

std::string SpirvCache::path(const std::string& hash) const {
  return folder_ + "/" + hash.substr(0, 2) + "/" + hash + ".spv";
}

std::optional<std::vector<uint32_t>> SpirvCache::load(const std::string& hash) {
  if (folder_.empty()) return std::nullopt;
  const std::string file = path(hash);
  const Result<std::string> content = read_file(file, kMaxModuleBytes);
  if (!content.ok()) {
    if (content.error().code != ErrorCode::kNotFound)
      log_line(LogLevel::kWarning, "spirv_cache_read", "error=\"" + content.error().message + "\"");
    return std::nullopt;
  }
  const std::string_view text = *content;
  const bool framed = text.size() > kHeaderBytes && text.starts_with(kHeader) && text[kHeaderBytes - 1] == '\n';
  const std::string_view body = framed ? text.substr(kHeaderBytes) : std::string_view();
  if (!framed || body.size() % sizeof(uint32_t) != 0 || text.substr(kHeader.size(), kDigestChars) != sha256_hex(body)) {
    log_line(LogLevel::kWarning, "spirv_cache_corrupt", "file=" + file);
    remove(hash);
    return std::nullopt;
  }
  ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // the time of last use; a read-only folder keeps the old one
  std::vector<uint32_t> words(body.size() / sizeof(uint32_t));
  std::memcpy(words.data(), body.data(), body.size());
  return words;
}

void SpirvCache::store(const std::string& hash, std::span<const uint32_t> words) {
  if (folder_.empty() || !writable_ || words.empty()) return;
  const std::string_view body(reinterpret_cast<const char*>(words.data()), words.size_bytes());
  std::string content(kHeader);
  content.append(sha256_hex(body)).append("\n").append(body);
  make_room(content.size());
  const Result<void> written = write_file_atomically(path(hash), content);
  if (written.ok()) return;
  if (writable_.exchange(false))
    log_line(LogLevel::kWarning, "spirv_cache_not_written",
             "folder=" + folder_ + " error=\"" + written.error().message + "\" (compiled again at every start)");
}

void SpirvCache::remove(const std::string& hash) {
  if (!folder_.empty()) ::unlink(path(hash).c_str());
}

void SpirvCache::make_room(uint64_t bytes) {
  const MutexLock lock(mutex_);
  if (!used_bytes_ || *used_bytes_ + bytes > limit_bytes_) {
    std::vector<Entry> entries = entries_of(folder_);
    uint64_t used = 0;
    for (const Entry& entry : entries) used += entry.bytes;
    // Below the limit by an eighth, so that the next files do not each read the whole folder.
    if (used + bytes > limit_bytes_) {
      std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
      for (const Entry& entry : entries) {
        if (used + bytes <= limit_bytes_ - limit_bytes_ / 8) break;
        std::error_code error;
        if (fs::remove(entry.path, error)) used -= entry.bytes;
      }
    }
    used_bytes_ = used;
  }
  *used_bytes_ += bytes;
}

}  // namespace gpu_node::vulkan
