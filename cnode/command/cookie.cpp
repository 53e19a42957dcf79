#include "command/cookie.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/concat.h"
#include "base/file.h"

namespace gpu_node {
namespace {

constexpr size_t kMaxCookieBytes = 255;
constexpr size_t kMaxCookieFileBytes = 4096;  // some end in empty lines
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
  Result<std::string> content = read_file(path, kMaxCookieFileBytes, ReadBy::kOwner);
  if (!content.ok()) return with_context(std::move(content).error(), "cookie of " + path);
  return checked(path, std::move(content).value());
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
