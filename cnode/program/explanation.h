// What a compiled program comes to on a device: its steps, what each is dispatched as and about how much it reads and
// writes, for inputs that lie row by row. Nothing is run and nothing compiled.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "kernels/plan.h"
#include "program/compiled.h"

namespace gpu_node::program {

struct ExplainedDispatch {
  std::string key;
  std::array<uint32_t, 3> groups{};
  vulkan::KernelCache::Emit emit;
};

struct ExplainedStep {
  std::vector<uint32_t> instructions;  // of sent(), ascending
  bool is_view = false;                // the result is a view, of a copy where something is dispatched
  bool is_loop = false;                // what it comes to depends on its rounds, and is not said
  std::vector<ExplainedDispatch> dispatches;
  // Operands once for each dispatch that binds them, results once, scratch by each dispatch that reads or writes it.
  uint64_t read_bytes = 0, written_bytes = 0;
  std::optional<Error> refusal;  // then nothing is known of its dispatches
};

struct ExplainedPair {
  uint32_t maker = 0, user = 0;  // steps
  std::string_view why;          // a word of fuse/apart.h
};

// Step by step, so that whoever has other things to do can do them in between.
class Explainer {
 public:
  Explainer(CompiledProgramRef program, const vulkan::DeviceInfo& device);

  size_t steps() const { return program_->steps().size(); }
  bool done() const { return next_ == steps(); }
  // REQUIRES !done().
  ExplainedStep next();

  // Steps of which one takes what the other gives, and why they are not one; nothing where nobody asked for that.
  std::vector<ExplainedPair> apart() const;
  // How long fusing takes: it is done again.
  Clock::duration time_fusing() const;

 private:
  Result<kernels::Plan> plan(ExplainedStep& step);
  void count(const kernels::Plan& plan, ExplainedStep& step) const;

  const CompiledProgramRef program_;
  const vulkan::DeviceInfo& device_;
  std::vector<kernels::TensorArg> values_;  // by place, as they lie
  std::vector<kernels::Arg> operands_;      // of the step at hand
  size_t next_ = 0;
};

}  // namespace gpu_node::program
