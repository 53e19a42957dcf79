#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>

#include "base/concat.h"
#include "base/mutex.h"

namespace gpu_node {
namespace {

constexpr int kLinesPerSecond = 20;
std::atomic<LogLevel> g_level{LogLevel::kInfo};

struct Meter {
  int64_t second = 0;
  int written = 0;
  int dropped = 0;
};

struct Meters {
  Mutex mutex;
  std::map<std::string, Meter, std::less<>> by_event GPU_NODE_GUARDED_BY(mutex);
};

std::string format_line(LogLevel level, std::string_view event, std::string_view details) {
  static const bool to_journal = std::getenv("JOURNAL_STREAM") != nullptr;
  static constexpr std::string_view kNames[] = {"error", "warning", "info", "debug"};
  static constexpr std::string_view kPriorities[] = {"<3>", "<4>", "<6>", "<7>"};
  const auto index = static_cast<size_t>(level);
  std::string line;
  if (to_journal) line += kPriorities[index];
  line.append("gpu_node ").append(kNames[index]).append(" ").append(event);
  if (!details.empty()) line.append(" ").append(details);
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  line += '\n';
  return line;
}

void write_whole(const std::string& line) {
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

}  // namespace

void set_log_level(LogLevel level) { g_level = level; }

void log_line(LogLevel level, std::string_view event, std::string_view details) {
  if (level > g_level.load()) return;
  static Meters meters;
  const int64_t second =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  const MutexLock lock(meters.mutex);
  auto found = meters.by_event.find(event);
  if (found == meters.by_event.end()) found = meters.by_event.emplace(std::string(event), Meter{}).first;
  Meter& meter = found->second;
  if (meter.second != second) {
    if (meter.dropped > 0) write_whole(format_line(LogLevel::kWarning, event, concat("dropped_lines=", meter.dropped)));
    meter = Meter{second, 0, 0};
  }
  if (meter.written >= kLinesPerSecond) {
    ++meter.dropped;
    return;
  }
  ++meter.written;
  write_whole(format_line(level, event, details));
}

}  // namespace gpu_node
