#include "kernels/linalg/matrices.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/elementwise/block.h"
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {

Result<Matrices> matrices_of(const Shape& shape, const PlanBuilder& plan) {
  const int64_t rows = shape[shape.size() - 2], columns = shape[shape.size() - 1];
  // Places are counted in 32 bits.
  if (element_count(shape) > std::numeric_limits<int32_t>::max())
    return plan.unsupported(
        concat("matrices of ", element_count(shape), " elements in all; at most 2147483647 are supported"));
  const int64_t count = element_count(shape) / std::max<int64_t>(rows * columns, 1);
  return Matrices{static_cast<uint32_t>(count), static_cast<uint32_t>(rows), static_cast<uint32_t>(columns)};
}

Dtype number_of(Dtype dtype, bool own, const PlanBuilder& plan) {
  const Dtype part = component_type(dtype);
  const bool wide = part == Dtype::f64 || (!own && plan.device().has_f64);
  if (is_complex(dtype)) return wide ? Dtype::c128 : Dtype::c64;
  return wide ? Dtype::f64 : Dtype::f32;
}

Place shaped(Place place, const Shape& shape) {
  const int64_t offset = place.map.offset;
  place.map = IndexMap::row_major(shape);
  place.map.offset = offset;
  return place;
}

Result<Place> dense_of(Dtype number, const Shape& shape, PlanBuilder& plan) {
  GPU_ASSIGN(const uint32_t scratch,
             plan.add_parts(1, element_count(shape), static_cast<uint32_t>(dtype_size_bytes(number))));
  return Place{Binding::Kind::kScratch, scratch, number, IndexMap::row_major(shape)};
}

Result<Place> computed(const Source& source, Dtype number, PlanBuilder& plan) {
  const Place from = plan.placed(source);
  GPU_ASSIGN(const Place made, dense_of(number, from.map.shape, plan));
  GPU_TRY(append_conversion(from, made, plan));
  return made;
}

Result<Place> lying_as(Dtype number, const Source& source, PlanBuilder& plan) {
  const Place from = plan.placed(source);
  if (from.dtype == number && plan.is_dense(from)) return from;
  return computed(from, number, plan);
}

Place written_for(const Place& result, Dtype number, PlanBuilder& plan) {
  return result.dtype == number && plan.is_dense(result) ? result : plan.add_scratch(number, result.map.shape);
}

Result<void> finish_result(const Place& written, const Place& result, PlanBuilder& plan) {
  if (written.kind == result.kind && written.index == result.index) return {};
  return append_conversion(written, result, plan);
}

Place transposed_matrices(const Place& place) {
  const int rank = place.map.shape.size();
  Dims axes;
  for (int d = 0; d < rank; ++d) axes.push_back(d < rank - 2 ? d : 2 * rank - 3 - d);
  Place other = place;
  other.map = transposed(place.map, axes);
  return other;
}

Place backwards(const Place& place, int axis_from_behind) {
  Place other = place;
  const int axis = place.map.shape.size() - axis_from_behind;
  other.map.offset += (place.map.shape[axis] - 1) * place.map.strides[axis];
  other.map.strides[axis] = -place.map.strides[axis];
  return other;
}

uint32_t gathered(const PlanBuilder& plan) {
  // Of a software driver's workgroup one thread runs all invocations.
  return std::min(plan.device().software ? 32u : 256u, std::bit_floor(plan.device().max_workgroup_invocations));
}

Result<void> append_linalg(const LinalgRun& run, std::initializer_list<Place> buffers,
                           std::initializer_list<uint32_t> parameters, PlanBuilder& plan) {
  const vulkan::DeviceInfo& device = plan.device();
  if (run.longest > device.max_loop_iterations)
    return plan.unsupported(concat("takes loops of ", run.longest, " steps; the driver of ", device.name,
                                   " ends them after ", device.max_loop_iterations));
  const bool rounds = run.kernel->knows_result && component_type(run.number) == Dtype::f64 &&
                      component_type(plan.result().dtype) != Dtype::f64;
  const LinalgShader shader{run.kernel, run.number, rounds,
                            !run.kernel->gathers  ? element_local_size(device)
                            : run.invocations > 0 ? run.invocations
                                                  : gathered(plan)};
  Dispatch dispatch;
  dispatch.key = shader.key();
  dispatch.emit = [shader, &device] { return shader.emit(device); };
  size_t at = 0;
  for (const Place& place : buffers) {
    GPU_ASSIGN(const Bound bound, plan.bind(place, run.kernel->buffers[at++].written));
    dispatch.bindings.push_back(bound.binding);
  }
  plan.set_parameters({parameters.begin(), parameters.size()}, dispatch);
  plan.set_grid(run.count, run.kernel->gathers ? 1 : shader.invocations, dispatch);
  dispatch.grid.units = std::max(run.work, static_cast<double>(run.count));
  return plan.append(std::move(dispatch));
}

}  // namespace gpu_node::kernels
