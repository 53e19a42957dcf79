// What somebody may have put in a file's place: what cannot be read to its end, or should not be.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace gpu_node::test {

inline constexpr const char* kOddFiles[] = {"fifo", "socket", "device", "folder", "huge", "loop", "dangling"};

// Puts one of them at |path| in the place of what is there.
inline void put_odd_file(const std::string& how, const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  fs::remove_all(path);
  if (how == "fifo") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  if (how == "socket") {
    // A socket's name is short, so it is made elsewhere and moved.
    const std::string made = "/tmp/gpu_node_socket." + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", made.c_str());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
    fs::rename(made, path);
  }
  if (how == "device") fs::create_symlink("/dev/zero", path);
  if (how == "folder") fs::create_directory(path);
  if (how == "huge") {
    std::ofstream(path) << "gpu_node ";
    fs::resize_file(path, uintmax_t{1} << 40);  // sparse
  }
  if (how == "loop") fs::create_symlink(path.filename(), path);
  if (how == "dangling") fs::create_symlink("nowhere", path);
}

// While one of these lives, no file of this process may grow beyond |bytes|: as on a full disk, write() takes a part
// and then fails.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_) == 0);
    const rlimit small{bytes, old_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  void (*old_handler_)(int);
  rlimit old_{};
};

}  // namespace gpu_node::test
