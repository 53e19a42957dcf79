// `gpu_node run`: opens the device, joins the cluster, serves until it is told to stop.
//
// Whatever happens on the way out, the process ends: a hung driver cannot be joined, so a guard ends it by force.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/concat.h"
#include "command/bridge.h"
#include "command/cache_folder.h"
#include "command/commands.h"
#include "command/cookie.h"
#include "command/exit_code.h"
#include "command/running_nodes.h"
#include "command/signals.h"
#include "service/request.h"

namespace gpu_node {
namespace {

constexpr int64_t kDrainMs = 5000;
constexpr int64_t kOrphanDrainMs = 500;  // whoever started us is gone, and with him most who wait
constexpr int64_t kTeardownMs = 1000;
constexpr uint32_t kControlBytes = 4096;  // of a frame, around the message that it carries
// For the answers that say why to leave the process before it ends.
constexpr std::chrono::milliseconds kLastWords{200};

int fail(int code, std::string_view what, const Error& error) {
  log_line(LogLevel::kError, what, "reason=\"" + error.message + "\"");
  return code;
}

void end_by_force_after(int64_t ms, int code) {
  std::thread([ms, code] {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ::_exit(code);
  }).detach();
}

std::string bulk_name(const Settings& settings) { return settings.alive() + "_bulk@" + settings.host(); }

dist::NodeOptions node_options(const Settings& settings, std::string cookie) {
  dist::NodeOptions options;
  options.alive = settings.alive();
  options.host = settings.host();
  options.cookie = std::move(cookie);
  options.listen_address = settings.listen;
  options.port = static_cast<int>(settings.port);
  options.use_epmd = !settings.no_epmd;
  options.max_frame_bytes = service::kMaxMessageBytes + kControlBytes;
  options.creation = static_cast<uint32_t>(settings.incarnation);
  return options;
}

vulkan::DeviceOptions device_options(const Settings& settings, const std::string& cache_folder) {
  vulkan::DeviceOptions options;
  options.selector = settings.device;
  options.memory_limit_bytes = static_cast<uint64_t>(settings.memory_limit);
  options.cache_folder = cache_folder;
  options.validation = settings.validation;
  return options;
}

void print_ready(const Settings& settings, const service::Service& service, const dist::Node& node) {
  const vulkan::DeviceInfo& device = service.device_info();
  const vulkan::MemoryLimit& limit = service.memory_limit();
  log_line(LogLevel::kInfo, "memory_limit",
           concat("bytes=", limit.bytes, " because=\"", limit.source, "\" asked=", settings.memory_limit,
                  " device=", device.memory_bytes));

  if (device.software)
    log_line(LogLevel::kWarning, "software_device",
             "device=\"" + device.name + "\" note=\"computes on the CPU; no real GPU was found or asked for\"");
  std::printf(
      "gpu_node ready name=%s device=\"%s\" software=%s version=%s incarnation=%lld control_port=%d bulk_port=%d\n",
      node.name().c_str(), device.name.c_str(), device.software ? "yes" : "no", version_text(),
      static_cast<long long>(settings.incarnation), node.port(dist::Channel::kControl),
      node.port(dist::Channel::kBulk));
  std::fflush(stdout);
}

// Serves until the process is told to stop; the exit code.
int serve(const Settings& settings, service::Service& service, dist::Node& node) {
  Event event = Event::kTerminate;
  while (!wait_for_event(settings.exit_on_stdin_eof, -1, &event)) {
  }
  const bool orphaned = event == Event::kInputClosed;
  const int64_t drain_ms = orphaned ? kOrphanDrainMs : kDrainMs;
  log_line(LogLevel::kInfo, "draining",
           concat("reason=", orphaned ? "input_closed" : "signal", " deadline_ms=", drain_ms));
  std::thread([] {
    Event again = Event::kTerminate;
    while (!wait_for_event(false, -1, &again)) {
    }
    ::_exit(kExitOk);  // told twice
  }).detach();
  end_by_force_after(drain_ms + kTeardownMs, kExitDeviceLost);
  node.stop_accepting();
  const bool drained = service.drain(Deadline::after_ms(drain_ms));
  std::this_thread::sleep_for(kLastWords);
  if (!drained) {
    log_line(LogLevel::kError, "drain_failed", "action=exit");
    ::_exit(kExitDeviceLost);
  }
  log_line(LogLevel::kInfo, "drained");
  // All is answered: a driver that still compiles what nobody waits for is not waited for.
  end_by_force_after(kTeardownMs, kExitOk);
  return kExitOk;
}

}  // namespace

int run_command(const Settings& settings) {
  if (const auto checked = check_run_settings(settings); !checked.ok())
    return fail(kExitConfig, "bad_configuration", checked.error());
  Result<std::string> cookie = read_cookie(settings);
  if (!cookie.ok()) return fail(kExitCookie, "no_cookie", cookie.error());
  const std::string own_cookie = cookie.value();
  const std::string cache_folder = use_cache_folder(settings);
  install_signal_handlers();
  Result<std::unique_ptr<vulkan::Device>> device = vulkan::Device::create(device_options(settings, cache_folder));
  if (!device.ok()) return fail(kExitNoDevice, "no_device", device.error());

  // Declared before the node, so that they outlive its threads.
  std::atomic<dist::Node*> joined{nullptr};
  service::ServiceOptions options;
  options.identity = {settings.name, bulk_name(settings), version_text(), static_cast<uint64_t>(settings.incarnation)};
  options.watchdog_ms = settings.watchdog_ms;
  options.allow_raw_shaders = settings.allow_raw_shaders;
  options.network = [&joined]() -> service::NetworkCounters {
    const dist::Node* node = joined.load();
    if (!node) return {};
    const dist::Node::Counters counters = node->counters();
    return {counters.connections, counters.handshakes_failed, counters.messages_in, counters.messages_out};
  };
  options.on_device_failure = [&joined](const std::string&) {
    if (dist::Node* node = joined.load()) node->set_silent(true);
    std::this_thread::sleep_for(kLastWords);
    ::_exit(kExitDeviceLost);
  };
  service::Service service(std::move(device).value(), std::move(options));
  Bridge bridge(service);
  Result<std::unique_ptr<dist::Node>> node =
      dist::Node::start(node_options(settings, std::move(cookie).value()), bridge);
  if (!node.ok()) return fail(kExitCannotJoin, "cannot_join", node.error());
  node.value()->register_name("gpu_node");
  joined = node.value().get();
  const RunningEntry entry(
      {settings.name, ::getpid(), settings.no_epmd ? settings.port : 0,
       settings.cookie_file.empty() ? "" : std::filesystem::absolute(settings.cookie_file).string()},
      settings.exit_on_stdin_eof ? std::optional(own_cookie) : std::nullopt);
  print_ready(settings, service, *node.value());
  const int code = serve(settings, service, *node.value());
  joined = nullptr;
  return code;
}

}  // namespace gpu_node
