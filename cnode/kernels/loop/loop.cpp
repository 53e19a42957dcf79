// Plans a part of a loop: as many rounds as a dispatch may have, on any driver and for everybody's wait.
#include "kernels/loop/loop.h"

#include <algorithm>

#include "kernels/check_block.h"
#include "kernels/glsl/position_text.h"
#include "kernels/loop/loop_shader.h"
#include "kernels/plan_builder.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

// Well below what an invocation's loops may have on old drivers (ARCHITECTURE 11).
constexpr double kMostRounds = 16'384, kLeastRounds = 16;
// Of a dispatch: steps of all elements, and of each, which a card computes side by side.
constexpr double kSoftwareSteps = 8e6, kSteps = 4e8, kStepsInLine = 1e6;

double steps_of(const scalar::Block& block) {
  double steps = 1;
  for (const scalar::Value& value : block.values())
    if (value.op != nullptr) steps += scalar::is_function(*value.op, value.type) ? 16 : 1;
  return steps;
}

uint32_t rounds_of(const LoopCode& code, const vulkan::DeviceInfo& device) {
  const double each = steps_of(code.condition) + steps_of(code.body);
  const double all = each * static_cast<double>(element_count(code.shape));
  const double rounds = std::min((device.software ? kSoftwareSteps : kSteps) / all, kStepsInLine / each);
  return static_cast<uint32_t>(std::clamp(rounds, kLeastRounds, kMostRounds));
}

}  // namespace

Result<Plan> plan_loop(const LoopCode& code, bool first, const vulkan::DeviceInfo& device) {
  PlanBuilder builder("while", device);
  GPU_TRY(check_block(code.condition, builder));
  GPU_TRY(check_block(code.body, builder));
  const size_t changed = code.changed();
  Dispatch dispatch;
  const auto bind = [&](Binding::Kind kind, size_t index, bool written) {
    dispatch.bindings.push_back({kind, static_cast<uint32_t>(index), 0, 0, written});
  };
  for (size_t k = 0; k < code.state.size() + (first ? 0 : 1); ++k) bind(Binding::Kind::kOperand, k, false);
  for (size_t k = 0; k < changed + 1; ++k) bind(Binding::Kind::kResult, k, true);
  LoopKernel kernel{code, first};
  dispatch.key = kernel.key();
  dispatch.emit = [kernel = std::move(kernel), &device] { return kernel.emit(device); };
  const int64_t elements = element_count(code.shape);
  const uint32_t words[] = {static_cast<uint32_t>(elements), rounds_of(code, device)};
  builder.set_parameters(words, dispatch);
  builder.set_grid(static_cast<uint64_t>(elements), element_local_size(device), dispatch);
  dispatch.grid.units = static_cast<double>(elements) * words[1];
  GPU_TRY(builder.append(std::move(dispatch)));
  return builder.take();
}

}  // namespace gpu_node::kernels
