#include "kernels/elementwise/layout.h"

#include <algorithm>

#include "kernels/literal.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

// From this size on vectors pay: fewer, wider accesses. Below it launches cost more than memory, and a second kernel
// per op would only cost its compilation.
constexpr int64_t kVectorElements = 16384;
constexpr int64_t kVector = 4;

// Ranks are rounded up to 2 and 4, so that few kernels serve all shapes.
int kernel_rank(int rank) { return rank <= 2 ? 2 : 4; }

// Words of the push constants that emit.cpp declares.
size_t push_words(const Layout& layout, const scalar::Block& block) {
  const auto rank = static_cast<size_t>(layout.rank);
  const size_t results = block.results().size();
  size_t words = rank + results * (1 + (layout.out_strided ? rank : 0));
  size_t input = 0, alignment = 2;  // of literals
  for (const scalar::Value& value : block.values()) {
    if (value.kind != scalar::ValueKind::kInput) continue;
    const InputMode mode = layout.inputs[input++];
    const size_t literal = literal_words(value.type);
    if (mode == InputMode::kLiteral) alignment = std::max(alignment, literal);
    // Wider ones may leave a gap behind others.
    words += mode == InputMode::kLiteral ? 2 * literal - 2 : 1 + (is_strided(mode) ? rank : 0);
  }
  return words + alignment - 1;
}

// Complex numbers are pairs already.
bool is_light(const scalar::Block& block) {
  for (const scalar::Value& value : block.values())
    if (is_complex(value.type) || (value.kind == scalar::ValueKind::kStep && scalar::is_heavy(*value.op, value.type)))
      return false;
  return true;
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
  for (size_t p = 0; p < out; ++p) strided = strided || (!is_flat(p) && !is_single(p));
  for (int input : inputs) {
    if (input < 0)
      layout.inputs.push_back(InputMode::kLiteral);
    else if (strided)
      layout.inputs.push_back(InputMode::kStrided);
    else
      layout.inputs.push_back(is_single(static_cast<size_t>(input)) ? InputMode::kSingle : InputMode::kFlat);
  }
  if (!strided) return layout;
  layout.rank = kernel_rank(static_cast<int>(rank));
  if (rank > Layout::kMaxPushRank || !fits_push(push_words(layout, block))) {
    layout.rank = 0;
    layout.in_buffer = true;
  }
  return layout;
}

bool takes_vectors(const scalar::Block& block, const Box& box, const Bounds& bounds) {
  if (box.axes.empty() || box.elements() < kVectorElements || !is_light(block)) return false;
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
    if (layout.inputs[k] == InputMode::kStrided && box.axes[last].strides[static_cast<size_t>(inputs[k])] == 0)
      layout.inputs[k] = InputMode::kRepeated;
}

int64_t vector_tail(const scalar::Block& block, const Box& box) {
  if (box.axes.size() != 1 || box.axes[0].size < kVectorElements || !is_light(block)) return 0;
  for (const int64_t stride : box.axes[0].strides)
    if (stride != 0 && stride != 1) return 0;
  return box.axes[0].size % kVector;
}

}  // namespace gpu_node::kernels
