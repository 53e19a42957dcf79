// Signals and the end of standard input, as events that the main thread waits for. SIGPIPE and SIGHUP are ignored.
#pragma once

namespace gpu_node {

enum class Event { kTerminate, kInputClosed };

// Installs the handlers. Call before any thread is made.
void install_signal_handlers();

// Waits for SIGTERM or SIGINT, or, with |watch_input|, for standard input to close; at most |timeout_ms| (-1: for
// ever). Returns false when nothing came.
bool wait_for_event(bool watch_input, int timeout_ms, Event* event);

}  // namespace gpu_node
