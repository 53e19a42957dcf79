// The command line of gpu_node.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/heap.h"
#include "command/commands.h"
#include "command/exit_code.h"

namespace gpu_node {
namespace {

constexpr const char* kUsage =
    "gpu_node: a GPU for the BEAM that is a node of its own\n"
    "\n"
    "  gpu_node run --name NAME@HOST [SETTINGS]   serve in the foreground; prints one line when ready\n"
    "  gpu_node status [--watch] [--json]         what the running node does; see gpu_node status --help\n"
    "  gpu_node check [SETTINGS]                  test devices, memory, compiler and a real dispatch, by steps\n"
    "  gpu_node version\n"
    "\n"
    "Settings: by flag, else by the environment (GPU_NODE_NAME, GPU_NODE_COOKIE_FILE, ...; RELEASE_NODE,\n"
    "RELEASE_COOKIE, ERL_DIST_PORT), else by the JSON file of --config.\n"
    "\n";

constexpr const char* kExitCodes =
    "\n"
    "The cache: --cache-dir, else $CACHE_DIRECTORY (systemd), else $XDG_CACHE_HOME/gpu_node, else ~/.cache/gpu_node.\n"
    "Mesa's drivers keep what they compile in its folder mesa: MESA_SHADER_CACHE_DIR is set to it, unless that,\n"
    "MESA_SHADER_CACHE_DISABLE, MESA_GLSL_CACHE_DIR or MESA_GLSL_CACHE_DISABLE is set already.\n"
    "\n"
    "The cookie: --cookie-file, else RELEASE_COOKIE, else $CREDENTIALS_DIRECTORY/cookie, else ~/.erlang.cookie.\n"
    "\n"
    "SIGTERM drains and exits; a second one exits at once.\n"
    "\n"
    "Exit codes: 0 ok; 64 unknown command or flag; 69 no device or driver (status: no node answers); 70 a defect;\n"
    "73 the name is taken or the address cannot be listened on; 75 the device is lost or hung (start again);\n"
    "77 no cookie, one that others can read, or one that is refused; 78 bad configuration.\n";

int usage(FILE* out, int code) {
  std::fprintf(out, "%s%s%s", kUsage, settings_help().c_str(), kExitCodes);
  return code;
}

int with_settings(Command name, int (*command)(const Settings&), const std::vector<std::string>& arguments) {
  bool usage_error = false;
  const Result<Settings> settings =
      read_settings(name, arguments, [](const char* key) -> const char* { return std::getenv(key); }, &usage_error);
  if (!settings.ok()) {
    std::fprintf(stderr, "gpu_node: %s\n", settings.error().message.c_str());
    return usage_error ? kExitUsage : kExitConfig;
  }
  set_log_level(settings.value().log_level);
  return command(settings.value());
}

int dispatch(const std::string& command, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments)
    if (argument == "--help") {
      if (command != "status") return usage(stdout, kExitOk);
      std::fputs(status_help(), stdout);
      return kExitOk;
    }
  if (command == "run") return with_settings(Command::kRun, run_command, arguments);
  if (command == "status") return with_settings(Command::kStatus, status_command, arguments);
  if (command == "check") return with_settings(Command::kCheck, check_command, arguments);
  if (command == "version" || command == "--version") {
    std::printf("gpu_node %s\n", version_text());
    return kExitOk;
  }
  if (command == "help" || command == "--help" || command == "-h") return usage(stdout, kExitOk);
  std::fprintf(stderr, "gpu_node: unknown command %s\n\n", command.c_str());
  return usage(stderr, kExitUsage);
}

}  // namespace
}  // namespace gpu_node

int main(int argc, char** argv) {
  gpu_node::prepare_heap();
  if (argc < 2) return gpu_node::usage(stderr, gpu_node::kExitUsage);
  return gpu_node::dispatch(argv[1], std::vector<std::string>(argv + 2, argv + argc));
}
