// The settings of gpu_node and where they come from: a flag, else the environment (GPU_NODE_<FLAG>), else the JSON file
// of --config, else the default. One table names them all (options.cpp); an unknown one, or a bad value, is an error
// that says what is allowed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace gpu_node {

struct Settings {
  std::string name;  // "gpu0@host", verbatim
  std::string cookie_file;
  std::string listen = "127.0.0.1";
  int64_t port = 0;
  bool no_epmd = false;
  bool insecure_listen_any = false;
  std::string device;
  int64_t memory_limit = 0;
  std::string cache_dir;  // "none": no cache on disk
  int64_t incarnation = 1;
  bool allow_raw_shaders = false;
  bool validation = false;
  int64_t watchdog_ms = 30'000;
  LogLevel log_level = LogLevel::kInfo;
  bool exit_on_stdin_eof = false;
  bool json = false, watch = false;  // of `status`
  std::string config;

  std::string alive() const { return name.substr(0, name.find('@')); }
  std::string host() const { return name.substr(name.find('@') + 1); }
};

using Environment = std::function<const char*(const char* name)>;

enum class Command : uint8_t { kRun = 1, kStatus = 2, kCheck = 4 };
std::string_view name_of(Command command);

// Reads the settings of `gpu_node COMMAND FLAGS...`; |arguments| is FLAGS. |usage_error| tells a wrong flag, one of
// another command among them, the caller's mistake, from a bad configuration. The environment and the file serve all
// commands, which take of them what is theirs.
Result<Settings> read_settings(Command command, std::span<const std::string> arguments, const Environment& environment,
                               bool* usage_error);

// What only `run` needs: a name, and a listening address that was meant.
Result<void> check_run_settings(const Settings& settings);

// The flags with their meanings, one a line, for --help.
std::string settings_help();

// The keys and values of the JSON object in |text|, the file |path|; numbers and booleans as their text.
Result<std::map<std::string, std::string>> parse_settings_file(const std::string& path, std::string_view text);

}  // namespace gpu_node
