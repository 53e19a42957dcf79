#include "kernels/epilogue.h"

#include <algorithm>

#include "kernels/glsl/write_block.h"
#include "kernels/literal.h"

namespace gpu_node::kernels {
namespace {

constexpr scalar::ValueNumber kElement = 0;

}  // namespace

Result<BoundEpilogue> bind_epilogue(const Epilogue& epilogue, std::span<const int> groups, const PlanBuilder& plan) {
  BoundEpilogue bound;
  bound.code.block = epilogue.block;
  SmallList<int64_t, 8> offsets;
  std::vector<const IndexMap*> strided;
  const auto add_map = [&](const IndexMap& map, int64_t offset) {
    offsets.push_back(offset);
    if (!map.is_row_major()) strided.push_back(&map);
    return map.is_row_major();
  };
  const auto add_place = [&](const Place& place, bool written) -> Result<bool> {
    GPU_ASSIGN(const Bound at, plan.bind(place, written));
    bound.bindings.push_back(at.binding);
    return add_map(place.map, at.offset);
  };
  for (const BlockInput& input : epilogue.inputs) {
    using enum EpilogueCode::Read;
    if (const auto* number = std::get_if<Scalar>(&input)) {
      LiteralBits bits = literal_bits(*number);
      bits.truncate(words_of_number(number->dtype));
      bound.words.insert(bound.words.end(), bits.begin(), bits.end());
      bound.code.inputs.push_back({kNumber, false});
    } else if (const auto* counter = std::get_if<ir::Counter>(&input)) {
      bound.code.inputs.push_back({kCounter, add_map(counter->map, counter->map.offset)});
    } else {
      GPU_ASSIGN(const bool flat, add_place(std::get<Place>(input), false));
      bound.code.inputs.push_back({kTensor, flat});
    }
  }
  for (const Place& place : epilogue.to) {
    GPU_ASSIGN(const bool flat, add_place(place, true));
    bound.code.flat_result.push_back(flat);
  }
  const auto put = [&bound](int64_t value) { bound.words.push_back(static_cast<uint32_t>(value)); };
  for (const int64_t offset : offsets) put(offset);
  int axis = 0;
  for (const int size : groups) {
    Axes axes;
    for (const int end = axis + size; axis < end; ++axis) {
      axes.push_back({epilogue.to[0].map.shape[axis], {}});
      for (const IndexMap* map : strided) axes.back().strides.push_back(map->strides[axis]);
    }
    merge_axes(axes);
    if (strided.empty()) axes.clear();
    for (const Axis& one : axes) {
      put(one.size);
      for (const int64_t stride : one.strides) put(stride);
    }
    bound.code.ranks.push_back(static_cast<uint32_t>(axes.size()));
  }
  return bound;
}

bool fits_kernel(const Epilogue& epilogue, size_t others, const PlanBuilder& plan) {
  size_t buffers = others + epilogue.to.size();
  const auto fits = [&plan](const Place& place) { return plan.bind(place, false).ok(); };
  for (const BlockInput& input : epilogue.inputs) {
    const auto* place = std::get_if<Place>(&input);
    if (place == nullptr) continue;
    ++buffers;
    if (!fits(*place)) return false;
  }
  return buffers <= plan.device().max_buffers && std::all_of(epilogue.to.begin(), epilogue.to.end(), fits);
}

const Place* place_of_element(const Epilogue& epilogue) {
  for (size_t i = 0; i < epilogue.to.size(); ++i)
    if (epilogue.block.results()[i] == kElement) return &epilogue.to[i];
  return nullptr;
}

Result<void> append_epilogue(const Epilogue& epilogue, const Place& from, PlanBuilder& plan) {
  scalar::Block block;
  for (const scalar::Value& value : epilogue.block.values()) {
    if (value.kind == scalar::ValueKind::kInput)
      block.input(value.type);
    else
      block.step(*value.op, value.type, value.operands.span());
  }
  SmallList<BlockInput, 4> inputs;
  inputs.push_back(from);
  inputs.append(epilogue.inputs.begin(), epilogue.inputs.end());
  SmallList<Place, 4> to;
  for (size_t i = 0; i < epilogue.to.size(); ++i) {
    if (epilogue.block.results()[i] == kElement) continue;
    block.result(epilogue.block.results()[i]);
    to.push_back(epilogue.to[i]);
  }
  if (to.empty()) return {};
  return append_block(block, inputs.span(), to.span(), plan);
}

}  // namespace gpu_node::kernels
