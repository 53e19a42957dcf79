#include "command/cache_folder.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/concat.h"
#include "base/file.h"

namespace gpu_node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderOfMesa = "MESA_SHADER_CACHE_DIR";

// By which somebody says where Mesa's drivers keep their kernels, or that they do not. The last two are older names.
constexpr const char* kVariablesOfMesa[] = {kFolderOfMesa.data(), "MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DIR",
                                            "MESA_GLSL_CACHE_DISABLE"};

}  // namespace

std::string cache_folder(const Settings& settings, const Environment& environment) {
  const auto variable = [&](const char* name) -> std::string {
    const char* value = environment(name);
    return value == nullptr ? "" : value;
  };
  if (settings.cache_dir == "none") return {};
  if (!settings.cache_dir.empty()) return settings.cache_dir;
  if (const std::string folders = variable("CACHE_DIRECTORY"); !folders.empty())
    return folders.substr(0, folders.find(':'));
  if (const std::string folder = variable("XDG_CACHE_HOME"); !folder.empty()) return folder + "/gpu_node";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/gpu_node";
  return {};
}

std::map<std::string, std::string> driver_cache_variables(const std::string& folder, const Environment& environment) {
  if (folder.empty()) return {};
  const auto said = [&](const char* name) { return environment(name) != nullptr; };
  if (std::any_of(std::begin(kVariablesOfMesa), std::end(kVariablesOfMesa), said)) return {};
  return {{std::string(kFolderOfMesa), folder + "/mesa"}};
}

void clean_driver_cache(const std::string& folder, uint64_t limit_bytes) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code unknown;
    const fs::file_type type = at->symlink_status(unknown).type();
    if (type == fs::file_type::directory) continue;
    if (type == fs::file_type::regular && at->file_size(unknown) <= limit_bytes) continue;
    const bool removed = fs::remove(at->path(), unknown);
    log_line(LogLevel::kWarning, "driver_cache_file_refused",
             concat("file=", at->path().string(), " removed=", removed ? "yes" : "no"));
  }
}

std::string use_cache_folder(const Settings& settings) {
  const Environment environment = [](const char* name) -> const char* { return std::getenv(name); };
  const std::string folder = cache_folder(settings, environment);
  if (folder.empty() && settings.cache_dir != "none")
    log_line(
        LogLevel::kWarning, "no_cache_folder",
        "reason=\"no --cache-dir, CACHE_DIRECTORY, XDG_CACHE_HOME or HOME\" effect=\"kernels are compiled at every "
        "start\"");
  for (const auto& [name, place] : driver_cache_variables(folder, environment)) {
    // Mesa makes the last two folders of a path at most, and is silent when it cannot.
    if (const Result<void> made = make_folders(place); !made.ok()) {
      log_line(LogLevel::kWarning, "driver_cache_not_moved",
               concat("variable=", name, " reason=\"", made.error().message, "\" effect=\"the driver's default\""));
      continue;
    }
    const bool bounded = environment("MESA_SHADER_CACHE_MAX_SIZE") || environment("MESA_GLSL_CACHE_MAX_SIZE");
    clean_driver_cache(place, bounded ? UINT64_MAX : kMesaCacheBytes);
    ::setenv(name.c_str(), place.c_str(), 1);
  }
  return folder;
}

}  // namespace gpu_node
