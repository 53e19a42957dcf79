#include "command/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <variant>

#include "base/concat.h"
#include "base/file.h"

namespace gpu_node {
namespace {

constexpr size_t kMaxFileBytes = 1u << 20;

// Where a value is put, and so what it may be.
using Target = std::variant<std::string Settings::*, int64_t Settings::*, bool Settings::*, LogLevel Settings::*>;

// The commands that take a flag, as bits.
constexpr uint8_t kRun = static_cast<uint8_t>(Command::kRun), kStatus = static_cast<uint8_t>(Command::kStatus),
                  kCheck = static_cast<uint8_t>(Command::kCheck), kAny = kRun | kStatus | kCheck;

struct Setting {
  std::string_view flag;  // without "--"; in the file with '_' for '-'; in the environment GPU_NODE_ and upper case
  Target target;
  uint8_t commands;
  std::string_view argument;  // of the flag, for --help
  std::string_view meaning;
  int64_t least = 0, most = 0;        // of an integer
  std::string_view environment = {};  // a further variable, asked after GPU_NODE_...
};

const Setting kSettings[] = {
    {"name", &Settings::name, kRun | kStatus, "NAME@HOST", "the node's name, taken verbatim (required by run)", 0, 0,
     "RELEASE_NODE"},
    {"cookie-file", &Settings::cookie_file, kRun | kStatus, "FILE", "file with the cookie, readable by its owner only"},
    {"listen", &Settings::listen, kRun, "ADDRESS", "IPv4 address to listen on (127.0.0.1)"},
    {"port", &Settings::port, kRun | kStatus, "N", "control port, N + 1 for bulk; 0: any (0)", 0, 65534,
     "ERL_DIST_PORT"},
    {"no-epmd", &Settings::no_epmd, kRun, "", "neither ask nor start epmd; needs --port"},
    {"insecure-listen-any", &Settings::insecure_listen_any, kRun, "", "allow --listen 0.0.0.0"},
    {"device", &Settings::device, kRun | kCheck, "INDEX|NAME",
     "the device, by index or by a part of its name (first real GPU)"},
    {"memory-limit", &Settings::memory_limit, kRun | kCheck, "BYTES",
     "of device memory; 0: three quarters of it; never more than the host allows (0)", 0, int64_t{1} << 50},
    {"cache-dir", &Settings::cache_dir, kRun | kCheck, "FOLDER",
     "of compiled kernels, the driver's too; none: no cache (see below)"},
    {"incarnation", &Settings::incarnation, kRun, "N", "raised by the supervisor at each start (1)", 1, 4294967295},
    {"allow-raw-shaders", &Settings::allow_raw_shaders, kRun, "",
     "take shaders of clients: GLSL to compile, SPIR-V to run"},
    {"validation", &Settings::validation, kRun | kCheck, "", "run under the Khronos validation layer"},
    {"watchdog-ms", &Settings::watchdog_ms, kRun | kCheck, "N",
     "a submission that takes longer ends the process (30000)", 100, 86'400'000},
    {"log-level", &Settings::log_level, kAny, "LEVEL", "error, warning, info or debug (info)"},
    {"exit-on-stdin-eof", &Settings::exit_on_stdin_eof, kRun, "", "exit when standard input closes"},
    {"json", &Settings::json, kStatus, "", "status: print JSON"},
    {"watch", &Settings::watch, kStatus, "", "status: ask again every second"},
    {"config", &Settings::config, kAny, "FILE", "JSON object of these settings, '_' for '-'"},
};

std::string replaced(std::string_view text, char from, char to) {
  std::string result(text);
  std::replace(result.begin(), result.end(), from, to);
  return result;
}

std::string environment_name(const Setting& setting) {
  std::string name = "GPU_NODE_" + replaced(setting.flag, '-', '_');
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name;
}

const Setting* find_setting(std::string_view flag) {
  const auto found = std::find_if(std::begin(kSettings), std::end(kSettings),
                                  [flag](const Setting& setting) { return setting.flag == flag; });
  return found == std::end(kSettings) ? nullptr : found;
}

bool takes(Command command, const Setting& setting) { return (setting.commands & static_cast<uint8_t>(command)) != 0; }

std::string keys_allowed() {
  std::string text;
  for (const Setting& setting : kSettings) text += (text.empty() ? "" : ", ") + replaced(setting.flag, '-', '_');
  return text;
}

std::string flags_allowed(Command command) {
  std::string text;
  for (const Setting& setting : kSettings)
    if (takes(command, setting)) text += concat(text.empty() ? "" : ", ", "--", setting.flag);
  return text;
}

Error bad_value(std::string_view source, std::string_view value, const std::string& expected) {
  return {ErrorCode::kInvalidArgument, std::string(source) + "=" + std::string(value) + ": expected " + expected};
}

struct Put {
  const Setting& setting;
  std::string_view source;  // how the user named it
  std::string_view value;
  Settings& settings;

  Result<void> operator()(std::string Settings::* target) const {
    if (value.empty()) return bad_value(source, value, "a text");
    settings.*target = value;
    return {};
  }
  Result<void> operator()(int64_t Settings::* target) const {
    int64_t number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (code != std::errc() || end != value.data() + value.size() || number < setting.least || number > setting.most)
      return bad_value(source, value, concat("an integer of ", setting.least, " to ", setting.most));
    settings.*target = number;
    return {};
  }
  Result<void> operator()(bool Settings::* target) const {
    if (value != "true" && value != "false" && value != "1" && value != "0")
      return bad_value(source, value, "true, false, 1 or 0");
    settings.*target = value == "true" || value == "1";
    return {};
  }
  Result<void> operator()(LogLevel Settings::* target) const {
    static constexpr std::string_view kNames[] = {"error", "warning", "info", "debug"};
    const auto found = std::find(std::begin(kNames), std::end(kNames), value);
    if (found == std::end(kNames)) return bad_value(source, value, "error, warning, info or debug");
    settings.*target = static_cast<LogLevel>(found - std::begin(kNames));
    return {};
  }
};

Result<void> put(const Setting& setting, std::string_view source, std::string_view value, Settings& settings) {
  return std::visit(Put{setting, source, value, settings}, setting.target);
}

Result<std::map<std::string_view, std::string>> read_flags(Command command, std::span<const std::string> arguments) {
  std::map<std::string_view, std::string> flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (!argument.starts_with("--"))
      return Error{ErrorCode::kInvalidArgument, "unexpected argument " + std::string(argument)};
    const size_t equals = argument.find('=');
    const std::string_view flag = argument.substr(2, equals == argument.npos ? equals : equals - 2);
    const Setting* setting = find_setting(flag);
    if (!setting || !takes(command, *setting))
      return Error{ErrorCode::kInvalidArgument, concat(setting ? concat("--", flag, " is no flag of ", name_of(command))
                                                               : concat("unknown flag --", flag),
                                                       ", allowed: ", flags_allowed(command))};
    std::string value;
    if (equals != argument.npos) {
      value = argument.substr(equals + 1);
    } else if (std::holds_alternative<bool Settings::*>(setting->target)) {
      value = "true";
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return Error{ErrorCode::kInvalidArgument, "--" + std::string(flag) + " needs a value"};
    }
    if (!flags.emplace(setting->flag, std::move(value)).second)
      return Error{ErrorCode::kInvalidArgument, "--" + std::string(flag) + " is given more than once"};
  }
  return flags;
}

Result<void> put_file(const std::string& path, Settings& settings) {
  GPU_ASSIGN(const std::string text, read_file(path, kMaxFileBytes));
  GPU_ASSIGN(const auto values, parse_settings_file(path, text));
  for (const auto& [key, value] : values) {
    const Setting* setting = key.find('-') == key.npos ? find_setting(replaced(key, '_', '-')) : nullptr;
    if (!setting || setting->flag == "config")
      return Error{ErrorCode::kInvalidArgument, path + ": unknown key " + key + ", allowed: " + keys_allowed()};
    GPU_TRY(put(*setting, path + ": " + key, value, settings));
  }
  return {};
}

// A variable that is set and not empty.
std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  if (name.empty()) return std::nullopt;
  const char* value = environment(std::string(name).c_str());
  if (!value || !*value) return std::nullopt;
  return value;
}

Result<void> put_environment(const Environment& environment, Settings& settings) {
  for (const Setting& setting : kSettings) {
    std::string name = environment_name(setting);
    std::optional<std::string> value = variable(environment, name);
    if (!value) {
      name = setting.environment;
      value = variable(environment, name);
    }
    if (value) GPU_TRY(put(setting, name, *value, settings));
  }
  return {};
}

}  // namespace

std::string_view name_of(Command command) {
  return command == Command::kRun ? "run" : command == Command::kStatus ? "status" : "check";
}

Result<Settings> read_settings(Command command, std::span<const std::string> arguments, const Environment& environment,
                               bool* usage_error) {
  *usage_error = true;
  GPU_ASSIGN(const auto flags, read_flags(command, arguments));
  *usage_error = false;
  const auto config = flags.find("config");
  const std::optional<std::string> path =
      config != flags.end() ? std::optional(config->second) : variable(environment, "GPU_NODE_CONFIG");
  Settings settings;
  if (path) GPU_TRY(put_file(*path, settings));
  GPU_TRY(put_environment(environment, settings));
  for (const auto& [flag, value] : flags) GPU_TRY(put(*find_setting(flag), "--" + std::string(flag), value, settings));
  return settings;
}

Result<void> check_run_settings(const Settings& settings) {
  const auto wrong = [](std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; };
  if (settings.name.empty()) return wrong("no name: give --name NAME@HOST, GPU_NODE_NAME or RELEASE_NODE");
  const size_t at = settings.name.find('@');
  if (at == settings.name.npos || at == 0 || at + 1 == settings.name.size() ||
      settings.name.find('@', at + 1) != settings.name.npos || settings.name.size() > 250)
    return wrong("name=" + settings.name + ": expected NAME@HOST, at most 250 bytes");
  if (settings.listen == "0.0.0.0" && !settings.insecure_listen_any)
    return wrong(
        "listen=0.0.0.0: whoever reaches this host and has the cookie could use the device; name one "
        "address, or add --insecure-listen-any");
  if (settings.no_epmd && settings.port == 0)
    return wrong("no-epmd needs a port: without epmd nobody could find a free one");
  return {};
}

std::string settings_help() {
  std::string text;
  for (const Setting& setting : kSettings) {
    std::string line = "  --" + std::string(setting.flag) + " " + std::string(setting.argument);
    line.resize(std::max<size_t>(line.size() + 1, 28), ' ');
    text += line + std::string(setting.meaning) + "\n";
  }
  return text;
}

}  // namespace gpu_node
