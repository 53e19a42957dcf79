#include "base/host_memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#ifdef __FreeBSD__
#include <sys/sysctl.h>
#include <sys/types.h>
#endif

#include "base/concat.h"
#include "base/file.h"

namespace gpu_node {
namespace {

constexpr uint64_t kMebi = uint64_t{1} << 20;
constexpr uint64_t kClearedAtOnce = 4096;
constexpr size_t kMaxFileBytes = 4u << 20;
// Version 1 says "no limit" as the largest multiple of a page; no host has that much.
constexpr uint64_t kUnlimited = uint64_t{1} << 60;
// For so long what was seen of the host is believed, while little is taken.
constexpr std::chrono::milliseconds kBelieved{10};
constexpr uint64_t kLittleShare = 16;  // of the room that there was

std::string_view cut_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view cut_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

bool has_item(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == item) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

// Paths in mountinfo have blanks and backslashes as three octal digits.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

struct Mount {
  std::string root, point;  // what of the hierarchy is mounted, and where
};

// Where a hierarchy that limits memory is mounted. Version 2 has one, version 1 one by controller.
std::vector<Mount> mounts_of(std::string_view mountinfo, bool unified) {
  std::vector<Mount> mounts;
  while (!mountinfo.empty()) {
    std::string_view line = cut_line(mountinfo);
    const size_t dash = line.find(" - ");
    if (dash == line.npos) continue;
    std::string_view behind = line.substr(dash + 3);
    const std::string_view kind = cut_word(behind);
    cut_word(behind);  // the source
    const std::string_view options = cut_word(behind);
    if (kind != (unified ? "cgroup2" : "cgroup") || (!unified && !has_item(options, "memory"))) continue;
    for (int skipped = 0; skipped < 3; ++skipped) cut_word(line);
    std::string root = unescaped(cut_word(line));
    mounts.push_back({std::move(root), unescaped(cut_word(line))});
  }
  return mounts;
}

// |path| below |root|, "" for itself; nothing where it lies elsewhere.
std::optional<std::string> below(const std::string& path, const std::string& root) {
  if (root == "/") return path == "/" ? "" : path;
  if (path.compare(0, root.size(), root) != 0) return std::nullopt;
  if (path.size() == root.size()) return "";
  if (path[root.size()] != '/') return std::nullopt;
  return path.substr(root.size());
}

void add_groups(const std::string& path, const std::vector<Mount>& mounts, bool unified, std::vector<Cgroup>& groups) {
  if (mounts.empty()) return;
  const Mount* mount = mounts.data();
  std::optional<std::string> rest;
  for (size_t i = 0; i < mounts.size() && !rest; ++i) {
    rest = below(path, mounts[i].root);
    if (rest) mount = &mounts[i];
  }
  // A process that was moved out of what is mounted ("/../a") sees at least the limits of that.
  if (!rest || rest->find("/..") != std::string::npos) rest = "";
  for (std::string folder = *rest;; folder.resize(folder.rfind('/'))) {
    const std::string in_hierarchy = mount->root == "/" ? folder : mount->root + folder;
    groups.push_back({mount->point + folder, in_hierarchy.empty() ? "/" : in_hierarchy, unified});
    if (folder.empty()) return;
  }
}

uint64_t page_bytes() {
  static const auto bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// How far |at| lies in its page.
uint64_t past_page(const std::byte* at) { return reinterpret_cast<uintptr_t>(at) % page_bytes(); }

}  // namespace

uint64_t MemoryBound::reserve_bytes() const {
  return std::min(total_bytes, std::clamp(total_bytes / 8, 64 * kMebi, 512 * kMebi));
}

std::string MemoryBound::text() const {
  return concat(name, ": ", total_bytes, " bytes, ", used_bytes, " used, ", reserve_bytes(), " kept free");
}

std::optional<uint64_t> number_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = cut_line(text);
    if (cut_word(line) != key) continue;
    const std::optional<uint64_t> number = whole_number(cut_word(line));
    if (number && cut_word(line) == "kB") return *number * 1024;
    return number;
  }
  return std::nullopt;
}

std::optional<uint64_t> cgroup_limit(std::string_view text) {
  const std::optional<uint64_t> number = whole_number(cut_line(text));
  if (!number || *number >= kUnlimited) return std::nullopt;
  return number;
}

std::vector<Cgroup> memory_cgroups(std::string_view cgroup, std::string_view mountinfo) {
  std::vector<Cgroup> groups;
  while (!cgroup.empty()) {
    // "4:memory:/a/b", in version 2 "0::/a/b"
    const std::string_view line = cut_line(cgroup);
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool unified = line.substr(0, first) == "0" && controllers.empty();
    if (!unified && !has_item(controllers, "memory")) continue;
    add_groups(std::string(line.substr(second + 1)), mounts_of(mountinfo, unified), unified, groups);
  }
  return groups;
}

HostMemory::HostMemory(std::string root) : root_(std::move(root)) {
  const std::optional<std::string> cgroup = text_of("/proc/self/cgroup");
  const std::optional<std::string> mountinfo = text_of("/proc/self/mountinfo");
  if (cgroup && mountinfo) groups_ = memory_cgroups(*cgroup, *mountinfo);
}

std::optional<std::string> HostMemory::text_of(const std::string& path) const {
  Result<std::string> text = read_file(root_ + path, kMaxFileBytes);
  if (!text.ok()) return std::nullopt;
  return std::move(text).value();
}

std::vector<MemoryBound> HostMemory::look() const {
  std::vector<MemoryBound> bounds;
  look_at_system(bounds);
  for (const Cgroup& group : groups_) look_at(group, bounds);
  look_at_address_space(bounds);
  return bounds;
}

std::optional<MemoryBound> HostMemory::tightest() const {
  std::vector<MemoryBound> bounds = look();
  const auto least = std::min_element(bounds.begin(), bounds.end(), [](const MemoryBound& a, const MemoryBound& b) {
    return a.room_bytes() < b.room_bytes();
  });
  if (least == bounds.end()) return std::nullopt;
  return std::move(*least);
}

#ifdef __FreeBSD__
void HostMemory::look_at_system(std::vector<MemoryBound>& bounds) const {
  const auto count = [](const char* name) -> std::optional<uint64_t> {
    unsigned char bytes[sizeof(uint64_t)] = {};
    size_t size = sizeof bytes;
    if (::sysctlbyname(name, bytes, &size, nullptr, 0) != 0) return std::nullopt;
    if (size == sizeof(uint32_t)) return *reinterpret_cast<const uint32_t*>(bytes);
    return *reinterpret_cast<const uint64_t*>(bytes);
  };
  const auto total = count("hw.physmem"), free = count("vm.stats.vm.v_free_count");
  if (!total || !free) return;
  const uint64_t available = (*free + count("vm.stats.vm.v_inactive_count").value_or(0)) * page_bytes();
  bounds.push_back({"free and inactive memory", *total, *total - std::min(*total, available)});
}
#else
void HostMemory::look_at_system(std::vector<MemoryBound>& bounds) const {
  const std::optional<std::string> meminfo = text_of("/proc/meminfo");
  if (!meminfo) return;
  const std::optional<uint64_t> total = number_of(*meminfo, "MemTotal:");
  const std::optional<uint64_t> available = number_of(*meminfo, "MemAvailable:");
  if (total && available) bounds.push_back({"MemAvailable", *total, *total - std::min(*total, *available)});
}
#endif

void HostMemory::look_at(const Cgroup& group, std::vector<MemoryBound>& bounds) const {
  const auto text = [&](const char* file) { return text_of(group.folder + file); };
  // Version 1 can leave those below a group out of its account.
  const bool own = group == groups_.front();
  if (!group.unified && !own && text("/memory.use_hierarchy").value_or("1").starts_with("0")) return;
  const size_t before = bounds.size();
  for (const char* file : {"memory.max", "memory.high", "memory.limit_in_bytes"}) {
    if (group.unified == (file == std::string_view("memory.limit_in_bytes"))) continue;
    const std::optional<uint64_t> limit = cgroup_limit(text(concat("/", file).c_str()).value_or(""));
    if (limit) bounds.push_back({concat(file, " of cgroup ", group.path), *limit, 0});
  }
  if (bounds.size() == before) return;
  const std::string usage = text(group.unified ? "/memory.current" : "/memory.usage_in_bytes").value_or("");
  // What is only kept of files goes when memory is wanted.
  const std::string kept = text("/memory.stat").value_or("");
  const uint64_t files = number_of(kept, group.unified ? "inactive_file" : "total_inactive_file").value_or(0);
  const uint64_t used = whole_number(usage).value_or(0);
  for (size_t i = before; i < bounds.size(); ++i) bounds[i].used_bytes = used - std::min(used, files);
}

void HostMemory::look_at_address_space(std::vector<MemoryBound>& bounds) const {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const std::string pages = text_of("/proc/self/statm").value_or("");
  bounds.push_back({"RLIMIT_AS", limit.rlim_cur, whole_number(pages).value_or(0) * page_bytes()});
}

std::optional<std::string> HostRoom::take(uint64_t bytes, uint64_t promised_bytes) {
  const Clock::time_point now = Clock::now();
  const auto fits = [&] { return !bound_ || taken_bytes_ + bytes <= bound_->room_bytes(); };
  const bool little = bound_ && taken_bytes_ + bytes <= bound_->room_bytes() / kLittleShare;
  if (now - looked_ > kBelieved || (bound_ && !little)) {
    bound_ = host_.tightest();
    taken_bytes_ = promised_bytes;
    looked_ = now;
  }
  if (!fits()) return bound_->text();
  taken_bytes_ += bytes;
  return std::nullopt;
}

void take_pages(std::byte* from, uint64_t bytes) {
  if (bytes == 0) return;
  const uint64_t before = past_page(from);
#ifdef MADV_POPULATE_WRITE
  const uint64_t whole = (before + bytes + page_bytes() - 1) / page_bytes() * page_bytes();
  if (::madvise(from - before, whole, MADV_POPULATE_WRITE) == 0) return;
#endif
  // A system that has no call for it: by a write to each page that changes nothing.
  for (uint64_t at = 0; at < bytes; at += page_bytes() - past_page(from + at)) {
    volatile std::byte* const byte = from + at;
    *byte = *byte;
  }
}

void clear_bytes(std::byte* from, uint64_t bytes) {
  for (uint64_t count; bytes > 0; from += count, bytes -= count) {
    count = std::min(bytes, kClearedAtOnce);
    const bool clear = *from == std::byte{0} && std::memcmp(from, from + 1, count - 1) == 0;
    if (!clear) std::memset(from, 0, count);
  }
}

void give_pages_back(std::byte* from, uint64_t bytes) {
  const uint64_t skipped = (page_bytes() - past_page(from)) % page_bytes();
  if (bytes < skipped + page_bytes()) return;
  std::byte* const pages = from + skipped;
  const uint64_t whole = (bytes - skipped) / page_bytes() * page_bytes();
#ifdef MADV_REMOVE
  if (::madvise(pages, whole, MADV_REMOVE) == 0) return;  // of a file in memory
#endif
#ifdef __linux__
  static_cast<void>(::madvise(pages, whole, MADV_DONTNEED));
#else
  static_cast<void>(::madvise(pages, whole, MADV_FREE));
#endif
}

}  // namespace gpu_node
