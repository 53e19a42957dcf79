#include "command/running_nodes.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>

#include "base/concat.h"
#include "base/file.h"
#include "base/log.h"

namespace gpu_node {
namespace {

constexpr size_t kMaxEntryBytes = 8192;
constexpr std::string_view kEntry = ".node", kCookie = ".cookie";

// The node's name as a file's: what is neither letter, digit, '.', '_', '-' nor '@' would be no name of a node.
bool is_file_name(std::string_view name) {
  return !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
           c == '-' || c == '@';
  });
}

// When |pid| was started, in ticks since the host was: tells it from a later process of that number. Empty: it is gone.
std::string start_of(int64_t pid) {
  const Result<std::string> stat = read_file(concat("/proc/", pid, "/stat"), kMaxEntryBytes);
  if (!stat.ok()) return "";
  const size_t name_end = stat.value().rfind(')');
  if (name_end == std::string::npos || stat.value().compare(name_end, 3, ") Z") == 0) return "";
  size_t at = name_end + 2;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) {
    at = stat.value().find(' ', at);
    if (at != std::string::npos) ++at;
  }
  return at == std::string::npos ? "" : stat.value().substr(at, stat.value().find(' ', at) - at);
}

bool runs(int64_t pid, const std::string& start) {
  if (pid <= 0 || (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH)) return false;
  return start.empty() || start_of(pid) == start;
}

std::map<std::string, std::string, std::less<>> pairs_of(const std::string& text) {
  std::map<std::string, std::string, std::less<>> pairs;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (const size_t equals = line.find('='); equals != std::string::npos)
      pairs[line.substr(0, equals)] = line.substr(equals + 1);
    at = end + 1;
  }
  return pairs;
}

int64_t number_of(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

void remove_entry(const std::string& path) {
  ::unlink((path + std::string(kEntry)).c_str());
  ::unlink((path + std::string(kCookie)).c_str());
}

// Writes the entry of |node|; its path, without the ends of its files.
Result<std::string> enter(const RunningNode& node, const std::optional<std::string>& own_cookie) {
  if (!is_file_name(node.name)) return Error{ErrorCode::kInvalidArgument, node.name + " is no name of a file"};
  (void)running_nodes();  // what others left behind goes
  GPU_ASSIGN(const std::string folder, running_nodes_folder());
  std::string path = folder + "/" + node.name;
  std::string cookie_file = node.cookie_file;
  if (own_cookie) {
    cookie_file = path + std::string(kCookie);
    GPU_TRY(write_file_atomically(cookie_file, *own_cookie));
  }
  const std::string text = concat("name=", node.name, "\npid=", node.pid, "\nstart=", start_of(node.pid),
                                  "\nport=", node.port, "\ncookie_file=", cookie_file, "\n");
  GPU_TRY(write_file_atomically(path + std::string(kEntry), text));
  return path;
}

}  // namespace

Result<std::string> running_nodes_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  std::string folder = variable("XDG_RUNTIME_DIR");
  // A service may have been given the name of a folder that nobody made.
  if (folder.empty() || ::access(folder.c_str(), F_OK) != 0) {
    folder = variable("TMPDIR");
    folder = concat(folder.empty() ? "/tmp" : folder, "/gpu_node-", ::geteuid());
  } else {
    folder += "/gpu_node";
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, folder);
  struct stat found{};
  if (::lstat(folder.c_str(), &found) != 0) return errno_error(errno, folder);
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 077) != 0)
    return Error{ErrorCode::kInvalidArgument,
                 folder + " is not a folder of this user alone: remove it, or set XDG_RUNTIME_DIR"};
  return folder;
}

Result<std::vector<RunningNode>> running_nodes() {
  GPU_ASSIGN(const std::string folder, running_nodes_folder());
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()), ::closedir);
  if (!listing) return errno_error(errno, folder);
  std::vector<RunningNode> nodes;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view file = entry->d_name;
    if (!file.ends_with(kEntry)) continue;
    const std::string path = folder + "/" + std::string(file.substr(0, file.size() - kEntry.size()));
    const Result<std::string> text = read_file(path + std::string(kEntry), kMaxEntryBytes, ReadBy::kOwner);
    if (!text.ok()) continue;
    auto pairs = pairs_of(text.value());
    RunningNode node{pairs["name"], number_of(pairs["pid"]), number_of(pairs["port"]), pairs["cookie_file"]};
    if (runs(node.pid, pairs["start"]))
      nodes.push_back(std::move(node));
    else
      remove_entry(path);
  }
  std::sort(nodes.begin(), nodes.end(), [](const RunningNode& a, const RunningNode& b) { return a.name < b.name; });
  return nodes;
}

RunningEntry::RunningEntry(const RunningNode& node, const std::optional<std::string>& own_cookie) {
  Result<std::string> path = enter(node, own_cookie);
  if (path.ok())
    path_ = std::move(path).value();
  else
    log_line(LogLevel::kDebug, "not_listed", concat("name=", node.name, " reason=\"", path.error().message, "\""));
}

RunningEntry::~RunningEntry() {
  if (!path_.empty()) remove_entry(path_);
}

}  // namespace gpu_node
