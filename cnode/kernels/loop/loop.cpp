// Plans a part of a loop: as many rounds as a dispatch may have, on any driver and for everybody's wait.
#include "kernels/loop/loop.h"

#include <algorithm>
#include <memory>

#include "kernels/check_block.h"
#include "kernels/glsl/position_text.h"
#include "kernels/loop/loop_shader.h"
#include "kernels/plan_builder.h"

namespace gpu_node::kernels {
namespace {

// Well below what an invocation's loops may have on old drivers (ARCHITECTURE 11).
constexpr double kMostRounds = 16'384, kLeastRounds = 16;
// Of a dispatch: steps of all elements, and of each, which a card computes side by side.
constexpr double kSoftwareSteps = 8e6, kSteps = 4e8, kStepsInLine = 1e6;

// Of a round: steps of all elements, those of an invocation, and how often its loops run in it.
uint32_t rounds_of(double steps, double in_line, double iterations, const vulkan::DeviceInfo& device) {
  const double by_time = std::min((device.software ? kSoftwareSteps : kSteps) / steps, kStepsInLine / in_line);
  const double by_driver = static_cast<double>(device.max_loop_iterations) / 2 / std::max(iterations, 1.0);
  return static_cast<uint32_t>(std::min(std::clamp(by_time, kLeastRounds, kMostRounds), by_driver));
}

// Bindings: the state; whether it goes on, unless it is the first part; what changes; whether it goes on.
void bind_state(size_t state, size_t changed, bool first, Dispatch& dispatch) {
  const auto bind = [&](Binding::Kind kind, size_t index, bool written) {
    dispatch.bindings.push_back({kind, static_cast<uint32_t>(index), 0, 0, written});
  };
  for (size_t k = 0; k < state + (first ? 0 : 1); ++k) bind(Binding::Kind::kOperand, k, false);
  for (size_t k = 0; k < changed + 1; ++k) bind(Binding::Kind::kResult, k, true);
}

// Appends some rounds, and says how many.
Result<uint32_t> append_loop(const ElementLoop& code, bool first, PlanBuilder& plan) {
  GPU_TRY(check_block(code.condition, plan));
  GPU_TRY(check_block(code.body, plan));
  Dispatch dispatch;
  bind_state(code.state.size(), code.body.results().size(), first, dispatch);
  ElementLoopKernel kernel{code, first};
  dispatch.key = kernel.key();
  dispatch.emit = [kernel = std::move(kernel), device = &plan.device()] { return kernel.emit(*device); };
  const auto elements = static_cast<double>(element_count(code.shape));
  const double each = steps_of(code.condition) + steps_of(code.body);
  const uint32_t words[] = {static_cast<uint32_t>(elements), rounds_of(each * elements, each, 1, plan.device())};
  plan.set_parameters(words, dispatch);
  plan.set_grid(words[0], element_local_size(plan.device()), dispatch);
  dispatch.grid.units = elements * words[1];
  GPU_TRY(plan.append(std::move(dispatch)));
  return words[1];
}

Result<uint32_t> append_loop(const GroupLoop& code, bool first, PlanBuilder& plan) {
  GroupLoopKernel kernel;
  kernel.code = std::make_shared<const GroupLoop>(code);
  kernel.first = first;
  GroupPlanner group(plan);
  const uint32_t rounds_at = group.add_word(0);
  std::vector<uint32_t> places;
  for (size_t k = 0; k < code.body.inputs; ++k) {
    const GroupValue& value = code.body.values[k];
    places.push_back(group.place(value));
    if (value.is_number())
      kernel.state.emplace_back();
    else
      kernel.state.push_back({group.add_word(places.back()), group.add_word(value.count)});
  }
  const auto too_much = [&] { return plan.unsupported("a round is more than a workgroup's work"); };
  GPU_ASSIGN(std::optional<GroupLayout> condition, group.add(code.condition, places));
  if (!condition) return too_much();
  kernel.condition = *std::move(condition);
  GPU_ASSIGN(std::optional<GroupLayout> body, group.add(code.body, places));
  if (!body) return too_much();
  kernel.body = *std::move(body);
  for (const uint32_t value : code.body.outputs)
    kernel.next.push_back(code.body.values[value].is_number() ? 0 : group.add_word(group.offset(value)));
  if (group.memory().bytes() > plan.device().shared_memory_bytes) return too_much();
  const uint32_t rounds = rounds_of(group.steps(), group.steps_in_line(), group.iterations(), plan.device());
  if (rounds == 0) return too_much();
  std::vector<uint32_t> words(group.words().begin(), group.words().end());
  words[rounds_at] = rounds;
  kernel.memory = group.memory();
  kernel.invocations = group.invocations();
  kernel.words = static_cast<uint32_t>(words.size());

  Dispatch dispatch;
  bind_state(code.body.inputs, code.body.outputs.size(), first, dispatch);
  plan.set_parameters(words, dispatch);
  dispatch.grid = {{1, 1, 1}, group.steps() * rounds};
  dispatch.key = kernel.key();
  dispatch.emit = [kernel = std::move(kernel), device = &plan.device()] { return kernel.emit(*device); };
  GPU_TRY(plan.append(std::move(dispatch)));
  return rounds;
}

}  // namespace

Result<LoopPlan> plan_loop(const LoopCode& code, bool first, const vulkan::DeviceInfo& device) {
  PlanBuilder builder("while", device);
  GPU_ASSIGN(const uint32_t rounds,
             std::visit([&](const auto& loop) { return append_loop(loop, first, builder); }, code.code));
  return LoopPlan{builder.take(), rounds};
}

}  // namespace gpu_node::kernels
