// Plans conv as one product: the contraction goes over channels and over the places of the kernel, which of the input
// are strides. So nothing of the input is written anew but what is padded or dilated.
#include "kernels/dot/product.h"
#include "kernels/families.h"
#include "kernels/window/windows.h"

namespace gpu_node::kernels {
namespace {

// Below so many places of the kernel in an image, images are better side by side than each for itself.
constexpr int64_t kOwnImage = 256;

Place permuted(const Place& place, const std::optional<ir::Axes>& axes) {
  Place other = place;
  if (axes) other.map = transposed(place.map, dims_of(*axes));
  return other;
}

int64_t or_one(const std::optional<Dims>& values, int d) { return values ? (*values)[d] : 1; }

// A place that grows axis by axis.
Place bare(const Place& place) {
  Place other = place;
  other.map.shape.clear();
  other.map.strides.clear();
  return other;
}
void add_axis(Place& place, int64_t size, int64_t stride) {
  place.map.shape.push_back(size);
  place.map.strides.push_back(stride);
}

}  // namespace

Result<void> plan_conv(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& given = instruction.attributes.as<ir::ConvAttributes>();
  const Place kernel = permuted(plan.placed(source_of(operands[1], 1)), given.kernel_permutation);
  const int spatial = kernel.map.shape.size() - 2;
  ir::Padding padding = {{}, {}};
  for (int d = 0; d < spatial; ++d) {
    ir::Edges edges = given.padding[static_cast<size_t>(d)];
    edges.interior = or_one(given.input_dilation, d) - 1;
    padding.push_back(edges);
  }
  GPU_ASSIGN(const Place input, padded(permuted(plan.placed(source_of(operands[0], 0)), given.input_permutation),
                                       padding, Scalar{Dtype::u8, uint64_t{0}}, plan));
  // The result with batch, filters and spatial axes in this order.
  Place whole = plan.result();
  if (const auto& axes = given.output_permutation) {
    Dims order;
    for (const int64_t axis : dims_of(*axes)) order.push_back(axis);
    whole.map = transposed(whole.map, order);
  }
  const int64_t channels = kernel.map.shape[1], batch = whole.map.shape[0];
  const int64_t by_batch = given.batch_group_size.value, by_feature = given.feature_group_size.value;
  const int64_t filters = kernel.map.shape[0] / (by_batch * by_feature);
  int64_t places = 1;
  for (int d = 0; d < spatial; ++d) places *= whole.map.shape[2 + d];
  const bool own_image = batch == 1 || places >= kOwnImage;

  // Of both sides and of the result: images where each is one of a batch of products, groups, then rows (filters) or
  // columns (images where they are side by side, places), then what is contracted.
  Place left = bare(kernel), right = bare(input), to = bare(whole);
  ProductAxes axes;
  const auto add_batch = [&](int64_t size, int64_t left_stride, int64_t right_stride, int64_t stride) {
    axes.batch_left.push_back(left.map.shape.size());
    axes.batch_right.push_back(right.map.shape.size());
    add_axis(left, size, left_stride);
    add_axis(right, size, right_stride);
    add_axis(to, size, stride);
  };
  const Dims &in = input.map.strides, &of = kernel.map.strides, &out = whole.map.strides;
  if (own_image) add_batch(batch, 0, in[0], out[0]);
  add_batch(by_batch, filters * of[0], batch * in[0], filters * out[1]);
  add_batch(by_feature, filters * of[0], channels * in[1], filters * out[1]);
  add_axis(left, filters, of[0]);
  add_axis(to, filters, out[1]);
  if (!own_image) {
    add_axis(right, batch, in[0]);
    add_axis(to, batch, out[0]);
  }
  for (int d = 0; d < spatial; ++d) {
    add_axis(right, whole.map.shape[2 + d], in[2 + d] * or_one(given.strides, d));
    add_axis(to, whole.map.shape[2 + d], out[2 + d]);
  }
  const auto add_contracted = [&](int64_t size, int64_t left_stride, int64_t right_stride) {
    axes.contract_left.push_back(left.map.shape.size());
    axes.contract_right.push_back(right.map.shape.size());
    add_axis(left, size, left_stride);
    add_axis(right, size, right_stride);
  };
  add_contracted(channels, of[1], in[1]);
  for (int d = 0; d < spatial; ++d)
    add_contracted(kernel.map.shape[2 + d], of[2 + d], in[2 + d] * or_one(given.kernel_dilation, d));
  return append_product(left, right, axes, to, plan);
}

}  // namespace gpu_node::kernels
