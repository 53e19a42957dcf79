#include "kernels/elementwise/layout.h"

#include "kernels/elementwise/op_code.h"

namespace gpu_node::kernels {
namespace {

// From this size on vectors pay: fewer, wider accesses. Below it launches cost more than memory, and a second kernel
// per op would only cost its compilation.
constexpr int64_t kVectorElements = 16384;
constexpr int64_t kVector = 4;

// Ranks are rounded up to 2 and 4, so that few kernels serve all shapes.
int kernel_rank(int rank) { return rank <= 2 ? 2 : 4; }

// Words of the push constants that emit.cpp declares.
size_t push_words(const Layout& layout) {
  const auto rank = static_cast<size_t>(layout.rank);
  size_t words = rank + 1 + (layout.out_strided ? rank : 0);
  for (InputMode mode : layout.inputs) words += mode == InputMode::kLiteral ? 2 : 1 + (is_strided(mode) ? rank : 0);
  return words + 1;  // literals are aligned to two words
}

bool is_light(const ScalarProgram& program) {
  for (const ScalarProgram::Step& step : program.steps)
    if (is_heavy(*step.op, step.type)) return false;
  return true;
}

}  // namespace

Layout choose_layout(const Box& box, const InputPlaces& inputs) {
  Layout layout;
  const int rank = box.dims.size();
  const auto is_flat = [&](const Place& place) { return rank == 0 || (rank == 1 && place.strides[0] == 1); };
  const auto is_single = [&](const Place& place) { return rank == 1 && place.strides[0] == 0; };
  const Place& out = box.places.back();
  // The result is flat when its strides are row-major, whatever the operands' are.
  int64_t expected = 1;
  for (int d = rank - 1; d >= 0; --d) {
    if (out.strides[d] != expected) layout.out_strided = true;
    expected *= box.dims[d];
  }
  bool strided = layout.out_strided;
  for (const Place& place : box.places)
    if (&place != &out) strided = strided || (!is_flat(place) && !is_single(place));
  for (int input : inputs) {
    if (input < 0)
      layout.inputs.push_back(InputMode::kLiteral);
    else if (strided)
      layout.inputs.push_back(InputMode::kStrided);
    else
      layout.inputs.push_back(is_single(box.places[static_cast<size_t>(input)]) ? InputMode::kSingle
                                                                                : InputMode::kFlat);
  }
  if (!strided) return layout;
  layout.rank = kernel_rank(rank);
  if (rank > Layout::kMaxPushRank || push_words(layout) * sizeof(uint32_t) > kMaxPushBytes) {
    layout.rank = 0;
    layout.in_buffer = true;
  }
  return layout;
}

bool takes_vectors(const ScalarProgram& program, const Box& box, std::span<const Bound> bounds) {
  if (box.dims.empty() || box.elements() < kVectorElements || !is_light(program)) return false;
  const int last = box.dims.size() - 1;
  if (box.dims[last] % kVector != 0 || box.places.back().strides[last] != 1) return false;
  for (size_t p = 0; p < bounds.size(); ++p) {
    const Dims& strides = box.places[p].strides;
    if (strides[last] == 0) continue;
    if (strides[last] != 1 || bounds[p].offset % kVector != 0) return false;
    for (int d = 0; d < last; ++d)
      if (strides[d] % kVector != 0) return false;
  }
  return true;
}

void make_vectors(Layout& layout, Box& box, std::span<Bound> bounds, const InputPlaces& inputs) {
  layout.vectors = true;
  const int last = box.dims.size() - 1;
  box.dims[last] /= kVector;
  for (size_t p = 0; p < bounds.size(); ++p) {
    Dims& strides = box.places[p].strides;
    if (strides[last] == 0) continue;
    bounds[p].offset /= kVector;
    for (int d = 0; d < last; ++d) strides[d] /= kVector;
  }
  for (size_t k = 0; k < inputs.size(); ++k)
    if (layout.inputs[k] == InputMode::kStrided && box.places[static_cast<size_t>(inputs[k])].strides[last] == 0)
      layout.inputs[k] = InputMode::kRepeated;
}

int64_t vector_tail(const ScalarProgram& program, const Box& box) {
  if (box.dims.size() != 1 || box.dims[0] < kVectorElements || !is_light(program)) return 0;
  for (const Place& place : box.places)
    if (place.strides[0] != 0 && place.strides[0] != 1) return 0;
  return box.dims[0] % kVector;
}

}  // namespace gpu_node::kernels
