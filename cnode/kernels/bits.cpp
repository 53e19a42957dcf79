#include "kernels/bits.h"

#include <algorithm>

#include "kernels/glsl/glsl_types.h"

namespace gpu_node::kernels {

Result<Bits> bits_of(Dtype dtype, const PlanBuilder& plan) {
  const int bytes = dtype_size_bytes(dtype);
  // Unsigned integers of the element's size, or rows of smaller ones where that size has none.
  Bits bits;
  if (bytes == 1)
    bits.type = Dtype::u8;
  else if (bytes == 2)
    bits.type = Dtype::u16;
  else if (bytes >= 8 && plan.device().has_i64)
    bits.type = Dtype::u64;
  bits.words = bytes / dtype_size_bytes(bits.type);
  GPU_TRY(check_types(plan.op(), {&bits.type, 1}, plan.device()));
  return bits;
}

Result<void> move_bits(Box& box, Bits bits, std::initializer_list<size_t> places, const PlanBuilder& plan) {
  for (const size_t place : places) box.origins[place].dtype = bits.type;
  if (bits.words == 1) return {};
  // The rank may be at its limit already: merging first leaves room unless nothing merges.
  merge_axes(box.axes);
  if (box.axes.size() >= kMaxRank)
    return plan.unsupported(concat("a move of elements of ", bits.words * dtype_size_bytes(bits.type),
                                   " bytes: no dimensions merge, and ", kMaxRank - 1, " are the limit for them"));
  Axis last{bits.words, {}};
  for (size_t p = 0; p < box.origins.size(); ++p) {
    const bool moves = std::find(places.begin(), places.end(), p) != places.end();
    last.strides.push_back(moves ? 1 : 0);
    if (!moves) continue;
    box.origins[p].offset *= bits.words;
    for (Axis& axis : box.axes) axis.strides[p] *= bits.words;
  }
  box.axes.push_back(std::move(last));
  return {};
}

}  // namespace gpu_node::kernels
