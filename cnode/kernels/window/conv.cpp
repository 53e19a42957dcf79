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

// An axis of the product's result: so many steps, each of |times| elements along axis |of| of the convolution's, which
// has batch, filters and spatial axes in this order.
struct ResultAxis {
  int64_t size = 1;
  int of = 0;
  int64_t times = 1;
};

// A convolution as one product: images where each is one of a batch of products, groups, then rows (filters) or columns
// (images where they are side by side, places), then what is contracted.
struct ConvProduct {
  Place left, right;
  ProductAxes axes;
  std::vector<ResultAxis> result;
  std::optional<ir::Axes> permutation;  // of the convolution's result

  // |map|, of the convolution's shape, as one of the product's.
  IndexMap of_result(const IndexMap& map) const {
    IndexMap whole = map;
    if (permutation) whole = transposed(map, dims_of(*permutation));
    IndexMap made{{}, {}, map.offset};
    for (const ResultAxis& axis : result) {
      made.shape.push_back(axis.size);
      made.strides.push_back(whole.strides[axis.of] * axis.times);
    }
    return made;
  }
};

Result<ConvProduct> product_of(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
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
  ConvProduct made{bare(kernel), bare(input), {}, {}, given.output_permutation};
  Shape shape = instruction.results[0].type.shape;
  if (made.permutation) shape = transposed(IndexMap::row_major(shape), dims_of(*made.permutation)).shape;
  const int64_t channels = kernel.map.shape[1], batch = shape[0];
  const int64_t by_batch = given.batch_group_size.value, by_feature = given.feature_group_size.value;
  const int64_t filters = kernel.map.shape[0] / (by_batch * by_feature);
  int64_t places = 1;
  for (int d = 0; d < spatial; ++d) places *= shape[2 + d];
  const bool own_image = batch == 1 || places >= kOwnImage;

  const auto add_batch = [&](const ResultAxis& axis, int64_t left_stride, int64_t right_stride) {
    made.axes.batch_left.push_back(made.left.map.shape.size());
    made.axes.batch_right.push_back(made.right.map.shape.size());
    add_axis(made.left, axis.size, left_stride);
    add_axis(made.right, axis.size, right_stride);
    made.result.push_back(axis);
  };
  const Dims &in = input.map.strides, &of = kernel.map.strides;
  if (own_image) add_batch({batch, 0}, 0, in[0]);
  add_batch({by_batch, 1, filters}, filters * of[0], batch * in[0]);
  add_batch({by_feature, 1, filters}, filters * of[0], channels * in[1]);
  add_axis(made.left, filters, of[0]);
  made.result.push_back({filters, 1});
  if (!own_image) {
    add_axis(made.right, batch, in[0]);
    made.result.push_back({batch, 0});
  }
  for (int d = 0; d < spatial; ++d) {
    add_axis(made.right, shape[2 + d], in[2 + d] * or_one(given.strides, d));
    made.result.push_back({shape[2 + d], 2 + d});
  }
  const auto add_contracted = [&](int64_t size, int64_t left_stride, int64_t right_stride) {
    made.axes.contract_left.push_back(made.left.map.shape.size());
    made.axes.contract_right.push_back(made.right.map.shape.size());
    add_axis(made.left, size, left_stride);
    add_axis(made.right, size, right_stride);
  };
  add_contracted(channels, of[1], in[1]);
  for (int d = 0; d < spatial; ++d)
    add_contracted(kernel.map.shape[2 + d], of[2 + d], in[2 + d] * or_one(given.kernel_dilation, d));
  return made;
}

}  // namespace

Result<void> plan_conv(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  GPU_ASSIGN(const ConvProduct product, product_of(instruction, operands, plan));
  Place to = plan.result();
  to.map = product.of_result(to.map);
  return append_product(product.left, product.right, product.axes, to, plan);
}

Result<void> plan_finished_conv(const ir::Instruction& instruction, std::span<const Arg> operands,
                                const Epilogue& epilogue, PlanBuilder& plan) {
  GPU_ASSIGN(const ConvProduct product, product_of(instruction, operands, plan));
  Epilogue beside = epilogue;
  for (BlockInput& input : beside.inputs) {
    if (auto* place = std::get_if<Place>(&input)) place->map = product.of_result(place->map);
    if (auto* counter = std::get_if<ir::Counter>(&input)) counter->map = product.of_result(counter->map);
  }
  for (Place& place : beside.to) place.map = product.of_result(place.map);
  const ir::TensorType& type = instruction.results[0].type;
  Place whole{Binding::Kind::kScratch, 0, type.dtype, product.of_result(IndexMap::row_major(type.shape))};
  whole.map = IndexMap::row_major(whole.map.shape);
  return append_product(product.left, product.right, product.axes, whole, plan, &beside);
}

}  // namespace gpu_node::kernels
