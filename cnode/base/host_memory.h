// What of the host's memory this process may have: what the host has available, what its control groups (cgroup v1 and
// v2) allow, and its own limit of address space. And how pages are taken and given back for certain.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gpu_node {

// Something that bounds how much memory this process can have.
struct MemoryBound {
  std::string name;  // "MemAvailable", "memory.max of cgroup /a/b", "RLIMIT_AS"
  uint64_t total_bytes = 0;
  uint64_t used_bytes = 0;  // by whoever else it bounds, too

  uint64_t free_bytes() const { return total_bytes > used_bytes ? total_bytes - used_bytes : 0; }
  // What stays free for all that is not counted here: code that is compiled, messages, other processes.
  uint64_t reserve_bytes() const;
  // The most that may ever be used, and what may be used on top of what is.
  uint64_t usable_bytes() const { return total_bytes - reserve_bytes(); }
  uint64_t room_bytes() const { return free_bytes() > reserve_bytes() ? free_bytes() - reserve_bytes() : 0; }
  // "memory.max of cgroup /a: 734003200 bytes, 600000000 used, 91750400 kept free"
  std::string text() const;
};

// A control group that this process is in: its own or one above.
struct Cgroup {
  std::string folder;   // its files
  std::string path;     // in the hierarchy, for messages
  bool unified = true;  // version 2

  bool operator==(const Cgroup&) const = default;
};

// The groups that limit memory, this process's own first, by the texts of /proc/self/cgroup and /proc/self/mountinfo.
std::vector<Cgroup> memory_cgroups(std::string_view cgroup, std::string_view mountinfo);

// The value of |key| ("MemAvailable:", "total_inactive_file") in lines of keys and numbers, in bytes where it says kB.
std::optional<uint64_t> number_of(std::string_view text, std::string_view key);

// A limit as control groups write it; nothing where there is none: "max", and version 1's largest number of pages.
std::optional<uint64_t> cgroup_limit(std::string_view text);

// Any thread.
class HostMemory {
 public:
  // |root|: of the host's files, another one in tests. The control groups are those at this moment.
  explicit HostMemory(std::string root = {});

  // All that bounds this process, as it is now; what cannot be read bounds nothing.
  std::vector<MemoryBound> look() const;
  // The one with the least room.
  std::optional<MemoryBound> tightest() const;

 private:
  std::optional<std::string> text_of(const std::string& path) const;
  void look_at_system(std::vector<MemoryBound>& bounds) const;
  void look_at(const Cgroup& group, std::vector<MemoryBound>& bounds) const;
  void look_at_address_space(std::vector<MemoryBound>& bounds) const;

  const std::string root_;
  std::vector<Cgroup> groups_;
};

// Says whether more memory can be taken, and looks at the host no more often than it must. One thread.
class HostRoom {
 public:
  explicit HostRoom(const HostMemory& host) : host_(host) {}

  // Counts |bytes| that are about to be taken. Where they do not fit: what is in the way, and nothing is counted.
  // |promised_bytes|: of those counted before, what is not taken yet.
  std::optional<std::string> take(uint64_t bytes, uint64_t promised_bytes = 0);
  // What is there now is looked at anew.
  void forget() { looked_ = {}; }

 private:
  const HostMemory& host_;
  std::optional<MemoryBound> bound_;
  uint64_t taken_bytes_ = 0;  // since it was looked at
  Clock::time_point looked_{};
};

// The host gives memory page by page as it is written. This takes the pages of [from, from + bytes) at once, so that
// they count as used, for every process that looks.
void take_pages(std::byte* from, uint64_t bytes);
// Writes zeros where there are none. Of fresh pages that is nowhere, and they are there for whoever comes next.
void clear_bytes(std::byte* from, uint64_t bytes);
// Gives the pages that lie wholly inside back to the host, whatever maps them: they read as zeros, or undefined.
void give_pages_back(std::byte* from, uint64_t bytes);

}  // namespace gpu_node
