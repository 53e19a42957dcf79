// Each part is a block over its shape; what only moves is copied.
#include "kernels/elementwise/map.h"

#include <optional>
#include <vector>

#include "kernels/check_block.h"
#include "kernels/elementwise/block_input.h"

namespace gpu_node::kernels {
namespace {

Place place_of(const ir::MapResult& result, const PlanBuilder& plan) {
  Place place = plan.result(result.result);
  place.map = result.map;
  return place;
}

// Whether operand |k| of a step is how far it shifts.
bool is_distance(const ir::MapStep& step, size_t k) { return step.op->code == ir::Code::kWidth && k == 1; }

// A part's code as a block. How far something is shifted stands in its text where it is a number: a program has the
// distances that its function is written with, and of a rotation whose distance is known drivers make one instruction,
// where otherwise they ask each time whether it is less than the width. All other numbers are parameters.
class PartCode {
 public:
  PartCode(const ir::MapPart& part, std::span<const Arg> operands) : part_(part), distances_(part.sources.size()) {
    std::vector<bool> wanted(part.sources.size());
    const auto want = [&](uint32_t value) {
      if (value < wanted.size()) wanted[value] = true;
    };
    for (const ir::MapStep& step : part.steps)
      for (size_t k = 0; k < step.operands.size(); ++k)
        if (distance_of(step, k) == nullptr) want(step.operands[k]);
    for (const ir::MapResult& result : part.results) want(result.value);
    for (size_t k = 0; k < part.sources.size(); ++k) {
      sources_.push_back(block_input(part.sources[k], operands));
      values_.push_back(wanted[k] ? block_.input(type_of(sources_[k])) : kNone);
      if (wanted[k]) inputs_.push_back(sources_[k]);
    }
    for (const ir::MapStep& step : part.steps) add(step);
  }

  scalar::Block& block() { return block_; }
  std::span<const BlockInput> inputs() const { return inputs_.span(); }
  const BlockInput& source(uint32_t k) const { return sources_[k]; }
  scalar::ValueNumber value(uint32_t value) const { return values_[value]; }

 private:
  static constexpr scalar::ValueNumber kNone = ~scalar::ValueNumber{0};

  const Scalar* distance_of(const ir::MapStep& step, size_t k) const {
    const bool is_source = is_distance(step, k) && step.operands[k] < part_.sources.size();
    return is_source ? std::get_if<Scalar>(&part_.sources[step.operands[k]]) : nullptr;
  }

  void add(const ir::MapStep& step) {
    SmallList<scalar::ValueNumber, 3> operands;
    for (size_t k = 0; k < step.operands.size(); ++k) {
      const uint32_t value = step.operands[k];
      if (const Scalar* number = distance_of(step, k)) {
        if (!distances_[value]) distances_[value] = block_.constant(*number);
        operands.push_back(*distances_[value]);
      } else {
        operands.push_back(values_[value]);
      }
    }
    values_.push_back(block_.step(*step.op, step.type, operands.span()));
  }

  const ir::MapPart& part_;
  scalar::Block block_;
  SmallList<BlockInput, 4> sources_, inputs_;
  std::vector<scalar::ValueNumber> values_;                    // by value of the part
  std::vector<std::optional<scalar::ValueNumber>> distances_;  // by source: that it is as a constant
};

Result<void> append_part(const ir::MapPart& part, std::span<const Arg> operands, PlanBuilder& plan) {
  if (element_count(part.shape) == 0) return {};
  PartCode code(part, operands);
  scalar::Block& block = code.block();
  GPU_TRY(check_block(block, plan));
  SmallList<Place, 2> to;
  for (const ir::MapResult& result : part.results) {
    const Place place = place_of(result, plan);
    if (result.value >= part.sources.size()) {
      block.result(code.value(result.value));
      to.push_back(place);
      continue;
    }
    const BlockInput& moved = code.source(result.value);
    if (std::holds_alternative<ir::Counter>(moved)) {
      static const ir::Op& kAsType = ir::op_called("as_type");
      block.result(block.step(kAsType, type_of(moved), {code.value(result.value)}));
      to.push_back(place);
      continue;
    }
    if (const auto* from = std::get_if<Place>(&moved))
      GPU_TRY(append_copy(*from, place, plan));
    else
      GPU_TRY(append_copy(std::get<Scalar>(moved), place, plan));
  }
  if (to.empty()) return {};
  return append_block(block, code.inputs(), to.span(), plan);
}

}  // namespace

Result<Plan> plan(const ir::Map& map, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  PlanBuilder builder("map", device);
  for (const auto& [name, type] : map.results) builder.add_result(type);
  for (const ir::MapPart& part : map.parts) GPU_TRY(append_part(part, operands, builder));
  return builder.take();
}

}  // namespace gpu_node::kernels
