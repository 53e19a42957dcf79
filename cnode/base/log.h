// One-line key=value logging to standard error, with syslog priorities ("<3>...") when a service manager reads it.
#pragma once

#include <string>
#include <string_view>

namespace gpu_node {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

// Sets the least severe level that is written (kInfo at start).
void set_log_level(LogLevel level);

// Writes one line: "<level> <event> <details>". |details| is "key=value ..." and may be empty. Thread-safe. Lines of
// one |event| beyond 20 in a second are dropped and counted; the count is written once the second is over.
void log_line(LogLevel level, std::string_view event, std::string_view details = {});

}  // namespace gpu_node
