#include "command/status_text.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/concat.h"

namespace gpu_node {
namespace {

double number(const std::string& text) { return std::strtod(text.c_str(), nullptr); }
int64_t whole(const std::string& text) { return std::strtoll(text.c_str(), nullptr, 10); }

// "12", "1.2 million".
std::string count_text(double count) {
  char text[64];
  if (count < 10'000)
    std::snprintf(text, sizeof text, "%.0f", count);
  else if (count < 1e6)
    std::snprintf(text, sizeof text, "%.0f thousand", count / 1e3);
  else
    std::snprintf(text, sizeof text, "%.1f million", count / 1e6);
  return text;
}

std::string job_text(Leaves& stats, const std::string& at) {
  const double done = number(stats[at + "done"]), of = number(stats[at + "of"]);
  const double elapsed = number(stats[at + "elapsed_ms"]);
  std::string text = stats[at + "kind"] + " of session " + stats[at + "session"];
  if (of > 0) {
    char share[16];
    std::snprintf(share, sizeof share, " (%.0f %%)", 100 * done / of);
    text += ", " + count_text(done) + " of " + count_text(of) + share;
  } else if (done > 0) {
    text += ", " + count_text(done) + " rounds";
  }
  text += ", for " + duration_text(elapsed);
  // What is left at the pace so far, once there is one.
  if (of > 0 && done > 0 && done < of) text += ", about " + duration_text(elapsed * (of - done) / done) + " left";
  return text;
}

std::string activity_text(Leaves& stats) {
  const double window = number(stats["activity.window_ms"]);
  if (window <= 0) return "not known yet";
  const auto per_second = [&](const char* path) { return number(stats[path]) * 1000 / window; };
  char busy[32];
  std::snprintf(busy, sizeof busy, "busy %.0f %%", 100 * number(stats["activity.busy_ms"]) / window);
  return concat(busy, " of the last ", duration_text(window), "; ", count_text(per_second("activity.instructions")),
                " ops/s, ", bytes_text(per_second("activity.bytes_in")), "/s in, ",
                bytes_text(per_second("activity.bytes_out")), "/s out");
}

}  // namespace

std::string bytes_text(double bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  char text[64];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
  return text;
}

std::string duration_text(double ms) {
  const auto total = static_cast<int64_t>(ms / 1000);
  if (ms < 1000) return concat(static_cast<int64_t>(ms), " ms");
  if (total < 60) return concat(total, " s");
  if (total < 3600) return concat(total / 60, " min ", total % 60, " s");
  if (total < 86'400) return concat(total / 3600, " h ", total / 60 % 60, " min");
  return concat(total / 86'400, " d ", total / 3600 % 24, " h");
}

std::string status_text(Leaves& node, Leaves& stats) {
  std::string text;
  const auto line = [&](std::string label, const std::string& value) {
    label.resize(13, ' ');
    text += label + value + "\n";
  };
  const auto bytes = [&](const std::string& path) { return bytes_text(number(stats[path])); };
  line("node", node["name"] + ", bulk " + node["bulk_name"] + ", version " + node["version"]);
  line("device", node["device.name"] + (node["device.software"] == "true" ? " (SOFTWARE: computes on the CPU)" : ""));
  line("driver", node["device.driver"] + ", Vulkan " + node["device.api"]);
  line("activity", activity_text(stats));
  const int64_t jobs = whole(stats["activity.jobs"]);
  for (int64_t i = 0; i < jobs; ++i) line(i == 0 ? "jobs" : "", job_text(stats, concat("activity.jobs.", i, ".")));
  if (jobs == 0) line("jobs", "none");
  line("memory", bytes("memory.live_bytes") + " live (" + bytes("memory.kept_bytes") + " kept for others), " +
                     bytes("memory.pooled_bytes") + " pooled, " + bytes("memory.peak_bytes") + " peak, limit " +
                     bytes("memory.limit_bytes") + " (" + stats["memory.limit_source"] + ")");
  line("queue", stats["queue.depth"] + " waiting, the oldest for " + duration_text(number(stats["queue.oldest_ms"])));
  line("work", count_text(number(stats["counters.instructions"])) + " ops (" + stats["counters.instructions_failed"] +
                   " failed), " + count_text(number(stats["counters.dispatches"])) + " dispatches, " +
                   count_text(number(stats["counters.submits"])) + " submissions");
  line("kernels", stats["counters.shader_compiles"] + " compiled, " + stats["counters.spirv_cache_hits"] +
                      " from the cache, " + stats["counters.pipelines_created"] + " pipelines");
  line("up", duration_text(number(stats["uptime_ms"])) + ", incarnation " + stats["incarnation"] +
                 (stats["draining"] == "true" ? ", draining" : ""));
  const int64_t sessions = whole(stats["sessions"]);
  line("sessions", sessions == 0 ? "none" : stats["sessions"]);
  for (int64_t i = 0; i < sessions; ++i) {
    const std::string at = concat("sessions.", i, ".");
    line("", stats[at + "owner_node"] + ": " + bytes(at + "bytes") + " in " +
                 counted(whole(stats[at + "tensors"]), "tensor") + ", idle for " +
                 duration_text(number(stats[at + "idle_ms"])));
  }
  return text;
}

}  // namespace gpu_node
