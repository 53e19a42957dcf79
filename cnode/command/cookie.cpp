#include "command/cookie.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/concat.h"

namespace gpu_node {
namespace {

constexpr size_t kMaxCookieBytes = 255;
constexpr size_t kShortCookieBytes = 20;

Error wrong(const std::string& source, const std::string& text) {
  return {ErrorCode::kInvalidArgument, "cookie of " + source + ": " + text};
}

Result<std::string> checked(const std::string& source, std::string cookie) {
  while (!cookie.empty() && (cookie.back() == '\n' || cookie.back() == '\r')) cookie.pop_back();
  if (cookie.empty()) return wrong(source, "it is empty");
  if (cookie.size() > kMaxCookieBytes) return wrong(source, concat("it is longer than ", kMaxCookieBytes, " bytes"));
  if (!std::all_of(cookie.begin(), cookie.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; }))
    return wrong(source, "it has bytes that are not printable ASCII");
  if (cookie.size() < kShortCookieBytes)
    log_line(LogLevel::kWarning, "cookie_short",
             concat("source=", source, " advice=\"use at least ", kShortCookieBytes, " random bytes\""));
  return cookie;
}

Result<std::string> read_cookie_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return with_context(errno_error(errno, "open " + path), "cookie");
  struct stat status{};
  const bool known = ::fstat(fd, &status) == 0;
  char block[kMaxCookieBytes + 8];
  const ssize_t n = known ? ::read(fd, block, sizeof block) : -1;
  const int error = errno;
  ::close(fd);
  if (n < 0) return with_context(errno_error(error, "read " + path), "cookie");
  if ((status.st_mode & 077) != 0)
    return wrong(path, "others than its owner can reach the file; run: chmod 0400 " + path);
  return checked(path, std::string(block, static_cast<size_t>(n)));
}

// The bytes stand in /proc/PID/environ until they are overwritten; unsetenv would leave them there.
Result<std::string> take_variable(const char* name, char* value) {
  std::string cookie = value;
  for (volatile char* c = value; *c; ++c) *c = '*';
  ::unsetenv(name);
  return checked(std::string("$") + name, std::move(cookie));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Result<std::string> read_cookie(const Settings& settings) {
  char* release = std::getenv("RELEASE_COOKIE");
  if (!settings.cookie_file.empty()) {
    if (release) (void)take_variable("RELEASE_COOKIE", release);
    return read_cookie_file(settings.cookie_file);
  }
  if (release && *release) return take_variable("RELEASE_COOKIE", release);
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY")) {
    const std::string path = std::string(folder) + "/cookie";
    if (exists(path)) return read_cookie_file(path);
  }
  const char* home = std::getenv("HOME");
  const std::string path = std::string(home ? home : "") + "/.erlang.cookie";
  if (exists(path)) return read_cookie_file(path);
  return Error{ErrorCode::kNotFound,
               "no cookie: give --cookie-file FILE, RELEASE_COOKIE, $CREDENTIALS_DIRECTORY/cookie or " + path};
}

}  // namespace gpu_node
