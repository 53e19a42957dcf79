#include "fuse/apart.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/flat_map.h"
#include "fuse/fuse.h"
#include "fuse/graph.h"
#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max() / 4;

// By instruction of the program that was sent, the steps that carry it out.
using StepsOf = std::vector<std::vector<uint32_t>>;

StepsOf steps_of(const Steps& steps, size_t instructions) {
  StepsOf found(instructions);
  for (uint32_t s = 0; s < steps.steps.size(); ++s)
    for (const uint32_t i : instructions_of(steps.steps[s])) found[i].push_back(s);
  return found;
}

bool meet(const StepsOf& steps, const Step& one, const Step& other) {
  const std::vector<uint32_t> others = instructions_of(other);
  for (const uint32_t i : instructions_of(one))
    for (const uint32_t k : others)
      if (i != k)
        for (const uint32_t step : steps[i])
          if (std::find(steps[k].begin(), steps[k].end(), step) != steps[k].end()) return true;
  return false;
}

// A program's steps by what they make, with their types.
class Makers {
 public:
  Makers(const ir::Program& program, const Steps& steps) : steps_(steps) {
    for (size_t i = 0; i < program.inputs.size(); ++i) add(static_cast<ir::ValueName>(i), program.inputs[i], kInput);
    for (uint32_t s = 0; s < steps.steps.size(); ++s)
      for (const ir::Definition& result : steps.steps[s].results()) add(result.name, result.type, s);
  }

  static constexpr uint32_t kInput = ~uint32_t{0};

  uint32_t maker(ir::ValueName name) const { return of(name).step; }
  const ir::TensorType& type(ir::ValueName name) const { return *of(name).type; }

  bool is_view(uint32_t s) const {
    const ir::Instruction* instruction = steps_.steps[s].instruction();
    if (instruction == nullptr || instruction->operands.empty() || instruction->is_literal(0)) return false;
    return kernels::is_view(*instruction, type(std::get<ir::ValueName>(instruction->operands[0])).dtype);
  }

 private:
  struct Value {
    const ir::TensorType* type = nullptr;
    uint32_t step = kInput;
  };
  void add(ir::ValueName name, const ir::TensorType& type, uint32_t step) {
    names_.insert(name, static_cast<uint32_t>(values_.size()));
    values_.push_back({&type, step});
  }
  const Value& of(ir::ValueName name) const { return values_[*names_.find(name)]; }

  const Steps& steps_;
  std::vector<Value> values_;
  FlatMap<uint32_t> names_;
};

bool is_computed_by_element(const Step& step) {
  const ir::Instruction* instruction = step.instruction();
  return instruction == nullptr || is_elementwise(*instruction);
}

// Whether what |step| computes by element is behind a product of |name|.
bool is_factor(const Step& step, ir::ValueName name) {
  const auto* finished = std::get_if<ir::Finished>(&step.work);
  if (finished == nullptr) return false;
  const auto factors = finished->operands.span().first(finished->instruction.operands.size());
  return std::find(factors.begin(), factors.end(), name) != factors.end();
}

struct Lifted {
  Why why;
  StepsOf steps;
};

std::vector<Lifted> lifted(const ir::Program& program, const Limits& limits) {
  std::vector<Lifted> all;
  const std::array<std::pair<Why, size_t Limits::*>, 5> kinds = {{{Why::kSteps, &Limits::weight},
                                                                  {Why::kSteps, &Limits::epilogue},
                                                                  {Why::kReads, &Limits::reads},
                                                                  {Why::kResults, &Limits::results},
                                                                  {Why::kBuffers, &Limits::buffers}}};
  for (const auto& [why, limit] : kinds) {
    Limits others = limits;
    others.*limit = kNoLimit;
    all.push_back({why, steps_of(fused(program, others), program.instructions.size())});
  }
  return all;
}

// How a step takes what another makes.
struct Taken {
  bool through_view = false;  // a view is between
  bool as_factor = false;
};

Why why_apart(const Steps& steps, const std::vector<Lifted>& others, const Apart& pair, const Taken& taken) {
  const Step &maker = steps.steps[pair.maker], &user = steps.steps[pair.user];
  if (taken.as_factor || !is_computed_by_element(maker) || !is_computed_by_element(user)) return Why::kOwnKernel;
  for (const Lifted& other : others)
    if (meet(other.steps, maker, user)) return other.why;
  if (taken.through_view) return Why::kView;
  const auto elements = [](const Step& step) { return element_count(step.results()[0].type.shape); };
  return elements(maker) == elements(user) ? Why::kWaits : Why::kElements;
}

}  // namespace

std::string_view word(Why why) {
  static constexpr std::array<std::string_view, 8> kWords = {"own_kernel", "steps",    "reads", "results",
                                                             "buffers",    "elements", "view",  "waits"};
  return kWords[static_cast<size_t>(why)];
}

std::vector<uint32_t> instructions_of(const Step& step) {
  std::vector<uint32_t> all;
  step.each_origin([&all](uint32_t origin) { all.push_back(origin); });
  if (all.empty()) all.push_back(step.origin);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::vector<Apart> apart(const ir::Program& program, const Steps& steps, const Limits& limits) {
  const Makers makers(program, steps);
  std::vector<uint32_t> seen_in(steps.steps.size(), Makers::kInput);  // by view: the step that makes what it shows
  std::vector<Apart> all;
  std::vector<Taken> taken;
  for (uint32_t user = 0; user < steps.steps.size(); ++user) {
    const bool is_view = makers.is_view(user);
    steps.steps[user].each_operand([&](ir::ValueName name) {
      uint32_t maker = makers.maker(name);
      bool seen = false;
      if (maker != Makers::kInput && makers.is_view(maker)) {
        seen = true;
        maker = seen_in[maker];
      }
      if (maker == Makers::kInput) return;
      if (is_view) {
        seen_in[user] = maker;
        return;
      }
      const auto is_known = [&](const Apart& pair) { return pair.user == user && pair.maker == maker; };
      if (std::find_if(all.rbegin(), all.rend(), is_known) != all.rend()) return;
      all.push_back({maker, user, Why::kWaits});
      taken.push_back({seen, is_factor(steps.steps[user], name)});
    });
  }
  if (all.empty()) return all;
  const std::vector<Lifted> others = lifted(program, limits);
  for (size_t k = 0; k < all.size(); ++k) all[k].why = why_apart(steps, others, all[k], taken[k]);
  return all;
}

}  // namespace gpu_node::fuse
