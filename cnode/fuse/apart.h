// Why steps of which one takes what another gives are not one step: for whoever wonders what became of a program. Found
// by fusing it again under other limits, so it says what the passes do and not what they were meant to.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fuse/groups.h"
#include "fuse/steps.h"

namespace gpu_node::fuse {

enum class Why : uint8_t {
  kOwnKernel,  // one of them is no elementwise step
  kSteps,      // together they would have too many steps,
  kReads,      // read too many tensors,
  kResults,    // write too many,
  kBuffers,    // or bind more than the device does
  kElements,   // they have different numbers of elements
  kView,       // what is between them is seen in another way
  kWaits,      // one waits for a third that waits for the other, or gives what others want too
};

std::string_view word(Why why);

struct Apart {
  uint32_t maker = 0, user = 0;  // steps
  Why why = Why::kWaits;
};

// The instructions of the program that was sent which |step| carries out, ascending.
std::vector<uint32_t> instructions_of(const Step& step);

// Of |steps|, which fused(program, limits) gave, those that are apart, by user. Views are seen through: nothing is
// computed for them.
std::vector<Apart> apart(const ir::Program& program, const Steps& steps, const Limits& limits);

}  // namespace gpu_node::fuse
