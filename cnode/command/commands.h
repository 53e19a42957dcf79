// The commands of gpu_node. Each returns the exit code of the process.
#pragma once

#include "command/options.h"

namespace gpu_node {

int run_command(const Settings& settings);
int status_command(const Settings& settings);
int check_command(const Settings& settings);

// The folder of compiled kernels: --cache-dir, else the user's cache folder; empty: none.
std::string cache_folder(const Settings& settings);

const char* version_text();

}  // namespace gpu_node
