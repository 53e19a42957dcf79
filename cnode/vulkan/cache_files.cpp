#include "vulkan/cache_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "base/file.h"
#include "base/log.h"

namespace gpu_node::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigestChars = 64;

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

CacheFiles::CacheFiles(std::string folder, std::string_view kind, const CacheLimits& limits)
    : folder_(std::move(folder)), header_(concat("gpu_node ", kind, " ")), limits_(limits) {}

std::string CacheFiles::path(std::string_view name) const { return concat(folder_, "/", name); }

std::string CacheFiles::digest(std::string_view name, std::string_view content) const {
  return sha256_hex(concat(name, "\n", sha256_hex(content)));
}

std::optional<std::string> CacheFiles::load(std::string_view name) {
  if (!kept()) return std::nullopt;
  const std::string file = path(name);
  Result<std::string> read = read_file(file, limits_.file_bytes);
  if (!read.ok()) {
    if (read.error().code == ErrorCode::kInvalidArgument)
      refuse(name, read.error().message);
    else if (read.error().code != ErrorCode::kNotFound)
      log_line(LogLevel::kWarning, "cache_file_not_read", concat("reason=\"", read.error().message, "\""));
    return std::nullopt;
  }
  const std::string_view text = *read;
  const size_t head = header_.size() + kDigestChars + 1;
  if (!text.starts_with(header_) || text.size() < head || text[head - 1] != '\n') {
    refuse(name, concat("it does not begin with \"", header_, "DIGEST\""));
    return std::nullopt;
  }
  const std::string_view content = text.substr(head);
  if (text.substr(header_.size(), kDigestChars) != digest(name, content)) {
    refuse(name, "its digest is not that of its name and content");
    return std::nullopt;
  }
  ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // the time of last use; a read-only folder keeps the old one
  read->erase(0, head);
  return std::move(read).value();
}

Result<void> CacheFiles::store(std::string_view name, std::string_view content) {
  if (!kept()) return {};
  const Result<void> written = [&]() -> Result<void> {
    std::string text = concat(header_, digest(name, content), "\n", content);
    if (text.size() > limits_.file_bytes)
      return Error{ErrorCode::kQuota,
                   concat(path(name), " would have ", text.size(), " bytes, the limit is ", limits_.file_bytes)};
    make_room(text.size());
    return write_file_atomically(path(name), text);
  }();
  const MutexLock lock(mutex_);
  if (!std::exchange(failing_, !written.ok()) && !written.ok())
    log_line(LogLevel::kWarning, "cache_file_not_written",
             concat("reason=\"", written.error().message, "\" effect=\"made again at every start\""));
  return written;
}

void CacheFiles::refuse(std::string_view name, std::string_view reason) const {
  const std::string file = path(name);
  const bool removed = std::remove(file.c_str()) == 0;  // a folder too, where it is empty
  log_line(LogLevel::kWarning, "cache_file_refused",
           concat("file=", file, " reason=\"", reason, "\" removed=", removed ? "yes" : "no"));
}

void CacheFiles::make_room(uint64_t bytes) {
  const MutexLock lock(mutex_);
  const auto fits = [&](uint64_t files, uint64_t used) {
    return used + bytes <= limits_.folder_bytes && files < limits_.folder_files;
  };
  if (!counted_ || !fits(used_files_, used_bytes_)) {
    std::vector<Entry> entries = entries_of(folder_);
    std::erase_if(entries, [&](const Entry& entry) {  // what load() would refuse makes no other go
      if (entry.bytes <= limits_.file_bytes) return false;
      refuse(entry.path.lexically_relative(folder_).string(),
             concat("it has ", entry.bytes, " bytes, at most ", limits_.file_bytes, " are read"));
      return true;
    });
    uint64_t used = 0;
    uint64_t files = entries.size();
    for (const Entry& entry : entries) used += entry.bytes;
    if (!fits(files, used)) {
      std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
      // Below the limit by an eighth, so that the next files do not each read the whole folder.
      const uint64_t spare = limits_.folder_bytes / 8;
      for (const Entry& entry : entries) {
        if (fits(files, used + spare)) break;
        std::error_code error;
        if (!fs::remove(entry.path, error)) continue;
        used -= entry.bytes;
        --files;
      }
    }
    counted_ = true;
    used_bytes_ = used;
    used_files_ = files;
  }
  used_bytes_ += bytes;
  ++used_files_;
}

}  // namespace gpu_node::vulkan
