// Plans fft, ifft, rfft, irfft, fft2 and ifft2: axes that are not transformed are rows, in two dimensions, before and
// behind the axis.
#include <algorithm>

#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/fourier/transform.h"

namespace gpu_node::kernels {
namespace {

// Size and stride of axes |first| to |end| walked as one; nothing where they cannot be.
struct One {
  int64_t size = 1, stride = 0;
};
std::optional<One> as_one(const IndexMap& map, int first, int end) {
  One one;
  for (int d = end; d-- > first;) {
    if (map.shape[d] == 1) continue;
    if (one.size == 1)
      one.stride = map.strides[d];
    else if (map.strides[d] != one.stride * one.size)
      return {};
    one.size *= map.shape[d];
  }
  return one;
}

// |place| with the axes before |axis|, those behind it, and it.
std::optional<Place> rows_of(const Place& place, int axis) {
  const std::optional<One> outer = as_one(place.map, 0, axis);
  const std::optional<One> inner = as_one(place.map, axis + 1, place.map.shape.size());
  if (!outer || !inner) return {};
  Place rows = place;
  rows.map.shape = {outer->size, inner->size, place.map.shape[axis]};
  rows.map.strides = {outer->stride, inner->stride, place.map.strides[axis]};
  return rows;
}

// What transforms read of |dtype|: each type read is a large kernel more, so other types are converted before.
Dtype read_as(Dtype dtype, const vulkan::DeviceInfo& device) {
  if (is_complex(dtype) || dtype == Dtype::f32 || dtype == Dtype::f64) return dtype;
  return is_integer(dtype) && dtype_info(dtype).bits > 16 && device.has_f64 ? Dtype::f64 : Dtype::f32;
}

// |transform| along |axis|.
Result<void> append_along(Place from, const Place& to, int axis, const Transform& transform, PlanBuilder& plan) {
  int64_t& extent = from.map.shape[axis];
  extent = std::min(extent, transform.mirrored ? transform.length / 2 + 1 : transform.length);
  if (element_count(from.map.shape) == 0) return append_fill(Scalar{Dtype::u8, uint64_t{0}}, to, plan);
  const Dtype dtype = read_as(from.dtype, plan.device());
  std::optional<Place> rows = rows_of(from, axis);
  if (!rows || dtype != from.dtype) {
    const Place dense = plan.add_scratch(dtype, from.map.shape);
    GPU_TRY(append_conversion(from, dense, plan));
    rows = rows_of(dense, axis);
  }
  return append_transform(*rows, *rows_of(to, axis), transform, plan);
}

bool is_inverse(ir::Code code) {
  return code == ir::Code::kIfft || code == ir::Code::kIrfft || code == ir::Code::kIfft2;
}

Result<void> append_two(const ir::Instruction& instruction, const Place& from, PlanBuilder& plan) {
  const auto& given = instruction.attributes.as<ir::Fourier2Attributes>();
  const Place& to = plan.result();
  const int rank = to.map.shape.size();
  const int first = given.axes ? (*given.axes)[0] : rank - 2, second = given.axes ? (*given.axes)[1] : rank - 1;
  Transform transform{to.map.shape[second], is_inverse(instruction.op->code), false, given.eps};
  Shape between = from.map.shape;
  between[second] = transform.length;
  between[first] = std::min(between[first], to.map.shape[first]);
  if (element_count(between) == 0) return append_fill(Scalar{Dtype::u8, uint64_t{0}}, to, plan);
  Place cut = from;
  cut.map.shape[first] = between[first];
  const Place half = plan.add_scratch(to.dtype, between);
  GPU_TRY(append_along(cut, half, second, transform, plan));
  transform.length = to.map.shape[first];
  return append_along(half, to, first, transform, plan);
}

}  // namespace

Result<void> plan_fourier(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place from = plan.placed(source_of(operands[0], 0));
  const ir::Code code = instruction.op->code;
  if (code == ir::Code::kFft2 || code == ir::Code::kIfft2) return append_two(instruction, from, plan);
  const auto& given = instruction.attributes.as<ir::FourierAttributes>();
  const Place& to = plan.result();
  const auto axis = static_cast<int>(given.axis.value_or(to.map.shape.size() - 1));
  const bool half = code == ir::Code::kRfft;
  const int64_t length = given.length ? given.length->value : half ? from.map.shape[axis] : to.map.shape[axis];
  return append_along(from, to, axis, {length, is_inverse(code), code == ir::Code::kIrfft, given.eps}, plan);
}

}  // namespace gpu_node::kernels
