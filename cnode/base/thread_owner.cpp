#include "base/thread_owner.h"

#ifndef NDEBUG

#include <cstdlib>

#include "base/concat.h"
#include "base/log.h"

namespace gpu_node {

void end_for_wrong_thread(const char* what) {
  log_line(LogLevel::kError, "wrong_thread", concat("used=\"", what, "\" reason=\"it belongs to another thread\""));
  std::abort();
}

}  // namespace gpu_node

#endif
