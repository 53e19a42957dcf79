#include "base/file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/concat.h"
#include "base/hex.h"

namespace gpu_node {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "write " + path);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

std::string_view type_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "of an unknown type";
}

Result<void> check_readable(const std::string& path, const struct stat& status, size_t limit_bytes, ReadBy who) {
  const auto refused = [](std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; };
  if (!S_ISREG(status.st_mode))
    return refused(concat(path, " is ", type_of(status.st_mode), "; only a regular file is read"));
  if (who == ReadBy::kOwner && (status.st_mode & 077) != 0)
    return refused("others than its owner can reach the file; run: chmod 0400 " + path);
  if (static_cast<uint64_t>(status.st_size) > limit_bytes)
    return refused(concat(path, " has ", status.st_size, " bytes, at most ", limit_bytes, " are read"));
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t limit_bytes, ReadBy who) {
  // Looked at before it is opened, as opening a device may do something, and after, as it may have been replaced; what
  // would have been waited for is then open without waiting.
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return errno_error(errno, "open " + path);
  GPU_TRY(check_readable(path, status, limit_bytes, who));
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0) return errno_error(errno, "open " + path);
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "open " + path);
  GPU_TRY(check_readable(path, status, limit_bytes, who));
  std::string content;
  char block[65536];
  for (;;) {
    const ssize_t n = ::read(file.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "read " + path);
    if (n == 0) return content;
    content.append(block, static_cast<size_t>(n));
    if (content.size() > limit_bytes)
      return Error{ErrorCode::kInvalidArgument, concat(path, " has more than ", limit_bytes, " bytes")};
  }
}

Result<void> make_folders(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string folder = path.substr(0, at);
    struct stat status{};
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, "mkdir " + folder);
    if (::stat(folder.c_str(), &status) != 0) return errno_error(errno, "mkdir " + folder);
    if (!S_ISDIR(status.st_mode)) return Error{ErrorCode::kInvalidArgument, folder + " is there, and is no folder"};
    if (at == std::string::npos) return {};
  }
}

Result<void> write_file_atomically(const std::string& path, std::string_view content) {
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) GPU_TRY(make_folders(path.substr(0, slash)));
  std::string temporary = path + ".XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return errno_error(errno, "create " + temporary);
  Result<void> written = write_all(file.get(), content, temporary);
  if (written.ok() && ::fsync(file.get()) != 0) written = errno_error(errno, "fsync " + temporary);
  if (written.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) written = errno_error(errno, "rename " + path);
  if (!written.ok()) ::unlink(temporary.c_str());
  return written;
}

std::string sha256_hex(std::string_view content) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(content.data(), content.size(), digest, &size, EVP_sha256(), nullptr) != 1) return {};
  return hex({digest, size});
}

}  // namespace gpu_node
