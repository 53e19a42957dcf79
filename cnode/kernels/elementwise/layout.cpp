#include "kernels/elementwise/layout.h"

#include <algorithm>

#include "base/concat.h"
#include "kernels/glsl/shader_library.h"
#include "kernels/literal.h"
#include "scalar/op_code.h"
#include "vulkan/driver_quirks.h"

namespace gpu_node::kernels {
namespace {

// From this size on vectors pay: fewer, wider accesses. Below it launches cost more than memory, and a second kernel
// per op would only cost its compilation.
constexpr int64_t kVectorElements = 16384;
constexpr int64_t kVector = 4;

// Ranks are rounded up to 2 and 4, so that few kernels serve all shapes.
int kernel_rank(int rank) { return rank <= 2 ? 2 : 4; }

// Whether the push constants that emit.cpp declares, each aligned to its own size, are few enough.
bool fits_push_constants(const scalar::Block& block, const Layout& layout) {
  const auto rank = static_cast<size_t>(layout.rank);
  size_t words = std::max<size_t>(rank, 1);  // count, sizes
  for (const InputMode mode : layout.inputs)
    if (mode != InputMode::kLiteral) words += 1 + (is_strided(mode) ? rank : 0);
  words += block.results().size() * (1 + (layout.out_strided ? rank : 0));
  size_t input = 0;
  for (const scalar::Value& value : block.values()) {
    if (value.kind != scalar::ValueKind::kInput) continue;
    if (layout.inputs[input++] != InputMode::kLiteral || layout.numbers_in_buffer) continue;
    const size_t number = number_words(value.type);
    words = (words + number - 1) / number * number + number;
  }
  return fits_push(words);
}

// From so many steps on a block is four times too long for a vector, and no longer what memory waits for.
constexpr size_t kVectorSteps = 32;

// Of as many elements, in so many turns, invocations are still enough to fill a card. Long blocks start with what is
// the same for all elements, and it takes an invocation longer to begin than a turn takes.
constexpr int64_t kTurnElements = int64_t{1} << 20;
constexpr uint32_t kTurns = 4;
// Of vectors, so that more is read at once.
constexpr uint32_t kVectorTurns = 2;

bool is_step(const scalar::Value& value) { return value.kind == scalar::ValueKind::kStep; }

size_t steps_of(const scalar::Block& block) {
  return static_cast<size_t>(std::count_if(block.values().begin(), block.values().end(), is_step));
}

// Functions that are a few instructions where fma rounds once (shaders/lib/math_f32.glsl).
bool is_short(const scalar::Value& value, const vulkan::DeviceInfo& device) {
  return dtype_info(value.type).compute == ComputeType::kF32 && vulkan::fma_rounds_once(device.driver) &&
         library_has(concat("mi_", value.op->name, ".fma"));
}

// Complex numbers are pairs already; counters are computed for each element.
bool is_light(const scalar::Block& block, const InputPlaces& inputs, const vulkan::DeviceInfo& device) {
  for (const scalar::Value& value : block.values()) {
    if (is_complex(value.type)) return false;
    if (is_step(value) && scalar::is_heavy(*value.op, value.type) && !is_short(value, device)) return false;
  }
  for (const InputPlace& input : inputs)
    if (input.counted) return false;
  return steps_of(block) < kVectorSteps;
}

}  // namespace

Layout choose_layout(const scalar::Block& block, const Box& box, const InputPlaces& inputs) {
  Layout layout;
  const size_t rank = box.axes.size(), results = block.results().size(), out = box.origins.size() - results;
  const auto is_flat = [&](size_t place) { return rank == 0 || (rank == 1 && box.axes[0].strides[place] == 1); };
  const auto is_single = [&](size_t place) { return rank == 1 && box.axes[0].strides[place] == 0; };
  // The results are flat when their strides are row-major, whatever the operands' are.
  int64_t expected = 1;
  for (size_t a = rank; a-- > 0;) {
    for (size_t p = out; p < box.origins.size(); ++p)
      if (box.axes[a].strides[p] != expected) layout.out_strided = true;
    expected *= box.axes[a].size;
  }
  bool strided = layout.out_strided;
  for (const InputPlace& input : inputs) {
    if (input.at < 0) continue;
    const auto place = static_cast<size_t>(input.at);
    strided = strided || (!is_flat(place) && (input.counted || !is_single(place)));
  }
  // What lies as flat results do, or is one element, needs no coordinates. A kernel of a single op goes without these
  // distinctions, so that fewer serve all layouts.
  const bool mixes = strided && steps_of(block) > 1;
  const auto lies = [&](size_t place, auto stride) {
    return std::all_of(box.axes.begin(), box.axes.end(),
                       [&](const Axis& axis) { return axis.strides[place] == stride(axis); });
  };
  const auto lies_flat = [&](size_t place) {
    return !strided ||
           (mixes && !layout.out_strided && lies(place, [&](const Axis& axis) { return axis.strides[out]; }));
  };
  const auto lies_single = [&](size_t place) {
    return strided ? mixes && lies(place, [](const Axis&) { return int64_t{0}; }) : is_single(place);
  };
  for (const InputPlace& input : inputs) {
    const auto place = static_cast<size_t>(input.at);
    if (input.at < 0)
      layout.inputs.push_back(InputMode::kLiteral);
    else if (input.counted)
      layout.inputs.push_back(lies_flat(place) ? InputMode::kCounted : InputMode::kCountedStrided);
    else if (lies_single(place))
      layout.inputs.push_back(InputMode::kSingle);
    else
      layout.inputs.push_back(lies_flat(place) ? InputMode::kFlat : InputMode::kStrided);
  }
  if (strided) {
    layout.rank = kernel_rank(static_cast<int>(rank));
    if (rank > Layout::kMaxPushRank || !fits_push_constants(block, layout)) {
      layout.rank = 0;
      layout.in_buffer = true;
    }
  }
  if (!fits_push_constants(block, layout)) layout.numbers_in_buffer = true;
  return layout;
}

bool takes_vectors(const scalar::Block& block, const Box& box, const Bounds& bounds, const InputPlaces& inputs,
                   const vulkan::DeviceInfo& device) {
  if (box.axes.empty() || box.elements() < kVectorElements || !is_light(block, inputs, device)) return false;
  const size_t last = box.axes.size() - 1;
  if (box.axes[last].size % kVector != 0) return false;
  for (size_t p = 0; p < bounds.size(); ++p) {
    const int64_t step = box.axes[last].strides[p];
    const bool is_result = p + block.results().size() >= bounds.size();
    if (step == 0 && !is_result) continue;
    if (step != 1 || bounds[p].offset % kVector != 0) return false;
    for (size_t a = 0; a < last; ++a)
      if (box.axes[a].strides[p] % kVector != 0) return false;
  }
  return true;
}

void make_vectors(Layout& layout, Box& box, Bounds& bounds, const InputPlaces& inputs) {
  layout.vectors = true;
  const size_t last = box.axes.size() - 1;
  box.axes[last].size /= kVector;
  for (size_t p = 0; p < bounds.size(); ++p) {
    if (box.axes[last].strides[p] == 0) continue;
    bounds[p].offset /= kVector;
    for (size_t a = 0; a < last; ++a) box.axes[a].strides[p] /= kVector;
  }
  for (size_t k = 0; k < inputs.size(); ++k)
    if (layout.inputs[k] == InputMode::kStrided && box.axes[last].strides[static_cast<size_t>(inputs[k].at)] == 0)
      layout.inputs[k] = InputMode::kRepeated;
}

uint32_t turns_of(const scalar::Block& block, const Layout& layout, const Box& box, const vulkan::DeviceInfo& device) {
  if (device.software || box.elements() < kTurnElements) return 1;
  if (layout.vectors) return layout.strided() ? 1 : kVectorTurns;
  return steps_of(block) >= kVectorSteps ? kTurns : 1;
}

int64_t vector_tail(const scalar::Block& block, const Box& box, const InputPlaces& inputs,
                    const vulkan::DeviceInfo& device) {
  if (box.axes.size() != 1 || box.axes[0].size < kVectorElements || !is_light(block, inputs, device)) return 0;
  for (const int64_t stride : box.axes[0].strides)
    if (stride != 0 && stride != 1) return 0;
  return box.axes[0].size % kVector;
}

}  // namespace gpu_node::kernels
