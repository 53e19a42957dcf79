// The commands of gpu_node. Each returns the exit code of the process.
#pragma once

#include "command/options.h"

namespace gpu_node {

int run_command(const Settings& settings);
int status_command(const Settings& settings);
const char* status_help();
int check_command(const Settings& settings);

const char* version_text();

}  // namespace gpu_node
