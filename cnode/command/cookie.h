// Where the cookie comes from. It never comes by argument, is never logged, and is wiped from the environment once
// read.
#pragma once

#include <string>

#include "base/result.h"
#include "command/options.h"

namespace gpu_node {

// The cookie: of --cookie-file, else $RELEASE_COOKIE, else $CREDENTIALS_DIRECTORY/cookie, else ~/.erlang.cookie. A file
// that group or others can read is refused. Overwrites RELEASE_COOKIE in this process's environment.
Result<std::string> read_cookie(const Settings& settings);

}  // namespace gpu_node
