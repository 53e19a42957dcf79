// A host of files in a folder of its own: what /proc and the control groups would say.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.h"

namespace gpu_node::test {

class MadeUpHost {
 public:
  MadeUpHost() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gpu_node_host.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  ~MadeUpHost() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  MadeUpHost(const MadeUpHost&) = delete;
  MadeUpHost& operator=(const MadeUpHost&) = delete;

  MadeUpHost& file(const std::string& path, std::string_view text) {
    REQUIRE(write_file_atomically(root_ + path, text).ok());
    return *this;
  }
  // What /proc/meminfo says, in MiB.
  MadeUpHost& memory(uint64_t total, uint64_t available) {
    return file("/proc/meminfo",
                "MemTotal:       " + std::to_string(total * 1024) +
                    " kB\nMemFree:         1024 kB\nMemAvailable:   " + std::to_string(available * 1024) + " kB\n");
  }
  // A process in the group |path| of version 2, mounted where it usually is.
  MadeUpHost& group(const std::string& path) {
    return file("/proc/self/cgroup", "0::" + path + "\n")
        .file("/proc/self/mountinfo", "29 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace gpu_node::test
