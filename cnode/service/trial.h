// A piece of work that is tried until it has what it needs: kernels and large buffers that are being made, memory that
// others are about to free. Device thread only.
#pragma once

#include <functional>
#include <utility>

#include "program/attempt.h"
#include "program/loop_run.h"

namespace gpu_node::service {

// What a piece of work waits for.
struct Lacking {
  vulkan::KernelCache::Pending kernel;
  vulkan::Pending<void> buffer;
  std::function<bool()> others_over;  // whether what others had begun is; empty: that is not waited for
  program::AwaitedSubmission submission;

  bool any() const { return kernel.valid() || buffer.valid() || others_over != nullptr || submission.any(); }
  bool is_there() const {
    return (!kernel.valid() || kernel.ready()) && (!buffer.valid() || buffer.ready()) &&
           (others_over == nullptr || others_over()) && submission.is_over();
  }
};

struct Trial {
  program::Attempt attempt;
  // The last try found no memory, and this says whether others have freed theirs. They are waited for once.
  std::function<bool()> others_over;
  bool waited_for_others = false;

  Lacking lacking() const { return {attempt.kernel, attempt.buffers.lacking(), others_over, {}}; }
  bool lacks() const { return attempt.lacks() || others_over != nullptr; }
  // Before each try.
  void begin() { others_over = nullptr; }
  // The work is done, or given up.
  void end() {
    attempt.buffers.clear();
    attempt.kernel = {};
    others_over = nullptr;
    waited_for_others = false;
  }
};

}  // namespace gpu_node::service
