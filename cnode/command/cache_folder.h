// Where compiled kernels are kept: ours, and what the device's driver keeps by itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "command/options.h"

namespace gpu_node {

// --cache-dir, else the first folder of CACHE_DIRECTORY (systemd's CacheDirectory=), else gpu_node in the user's cache
// folder (XDG_CACHE_HOME, else ~/.cache). Empty: none.
std::string cache_folder(const Settings& settings, const Environment& environment);

// The variables that make drivers keep below |folder| what they compile; none where the environment says something of
// that already, or |folder| is empty.
std::map<std::string, std::string> driver_cache_variables(const std::string& folder, const Environment& environment);

inline constexpr uint64_t kMesaCacheBytes = uint64_t{1} << 30;  // where MESA_SHADER_CACHE_MAX_SIZE says nothing

// Removes from |folder| what Mesa (25.0.7) would wait for or read without end: what is neither a file nor a folder, and
// files of more than |limit_bytes|, which the whole cache may have.
void clean_driver_cache(const std::string& folder, uint64_t limit_bytes);

// Finds the folder and sets those variables in this process. REQUIRES one thread, and no Vulkan yet: the environment
// has no lock, and drivers read it when they are loaded.
std::string use_cache_folder(const Settings& settings);

}  // namespace gpu_node
