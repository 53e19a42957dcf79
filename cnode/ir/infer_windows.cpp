// Shapes of what goes by windows: reductions over them, scatters from them, convolutions.
#include <limits>

#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;  // of any number here, so that their products are small

Result<void> check_each(const Inference& inference, std::string_view name, const std::optional<Dims>& values,
                        int count) {
  if (!values) return {};
  if (values->size() != count)
    return invalid(inference, name, " must be one for each of ", counted(count, "dimension"), ", not ", values->size());
  for (const int64_t value : *values)
    if (value < 1 || value > kMost) return invalid(inference, name, ": ", value, " is outside 1 to 2^40");
  return {};
}

Result<void> check_padding(const Inference& inference, const Padding& padding, int count) {
  if (static_cast<int>(padding.size()) != count)
    return invalid(inference, "padding ", padding_text(padding), " must be one for each of ",
                   counted(count, "dimension"));
  for (const Edges& edges : padding)
    if (edges.interior != 0 || std::abs(edges.low) > kMost || std::abs(edges.high) > kMost)
      return invalid(inference, "padding ", padding_text(padding), " must be {Low, High} each, at most 2^40");
  return {};
}

int64_t or_one(const std::optional<Dims>& values, int d) { return values ? (*values)[d] : 1; }

// How many places a window of |size| has in |extent| elements.
Result<int64_t> places(const Inference& inference, int axis, int64_t extent, const Edges& edges, int64_t size,
                       int64_t stride) {
  const int64_t padded = extent + edges.low + edges.high;
  if (size > padded)
    return invalid(inference, "axis ", axis, ": a window over ", size, " does not fit into ", padded, " of ",
                   inference.operand_text(0), " with padding");
  return (padded - size) / stride + 1;
}

Result<Shape> window_places(const Inference& inference, const Dims& window, const Padding& padding,
                            const std::optional<Dims>& strides, const std::optional<Dims>& dilations) {
  const Shape& from = inference.shape(0);
  GPU_TRY(check_each(inference, "window", window, from.size()));
  GPU_TRY(check_each(inference, "strides", strides, from.size()));
  GPU_TRY(check_each(inference, "window_dilations", dilations, from.size()));
  GPU_TRY(check_padding(inference, padding, from.size()));
  if (2 * from.size() > kMaxRank)
    return invalid(inference, inference.operand_text(0), " has ", from.size(), " dimensions; windows go over at most ",
                   kMaxRank / 2);
  Shape shape;
  for (int d = 0; d < from.size(); ++d) {
    if (or_one(dilations, d) > kMost / window[d]) return invalid(inference, "axis ", d, ": the window is above 2^40");
    const int64_t size = (window[d] - 1) * or_one(dilations, d) + 1;
    GPU_ASSIGN(const int64_t count,
               places(inference, d, from[d], padding[static_cast<size_t>(d)], size, or_one(strides, d)));
    shape.push_back(count);
  }
  return shape;
}

Result<void> check_permutation(const Inference& inference, std::string_view name, const std::optional<Axes>& axes,
                               int rank) {
  if (!axes) return {};
  GPU_TRY(check_axes(inference, name, *axes, inference.dtype(0), inference.shape(0)));
  if (static_cast<int>(axes->size()) == rank) return {};
  return invalid(inference, name, " ", axes_text(*axes), " must name each of ", counted(rank, "axis"), " once");
}

Shape permuted(const Shape& shape, const std::optional<Axes>& axes) {
  if (!axes) return shape;
  Shape other;
  for (const int axis : *axes) other.push_back(shape[axis]);
  return other;
}

}  // namespace

Result<Shape> infer_window(const Inference& inference) {
  const auto& given = inference.instruction.attributes.as<WindowAttributes>();
  return window_places(inference, given.window, given.padding, given.strides, given.window_dilations);
}

Result<Shape> infer_window_fold(const Inference& inference) {
  GPU_TRY(check_scalar(inference, 1));
  const auto& given = inference.instruction.attributes.as<WindowFoldAttributes>();
  return window_places(inference, given.window, given.padding, given.strides, given.window_dilations);
}

Result<Shape> infer_window_scatter(const Inference& inference) {
  const auto& given = inference.instruction.attributes.as<WindowScatterAttributes>();
  GPU_ASSIGN(const Shape shape, window_places(inference, given.window, given.padding, given.strides, {}));
  if (inference.shape(1) != shape)
    return invalid(inference, "source ", inference.operand_text(1), " must have one element for each of the ",
                   shape_text(shape), " places of the window");
  GPU_TRY(check_scalar(inference, 2));
  return inference.shape(0);
}

Result<Shape> infer_conv(const Inference& inference) {
  const auto& given = inference.instruction.attributes.as<ConvAttributes>();
  const int rank = inference.shape(0).size(), spatial = rank - 2;
  if (spatial < 0 || inference.shape(1).size() != rank)
    return invalid(inference, inference.operand_text(0), " and ", inference.operand_text(1),
                   " must have as many dimensions, at least 2");
  if (4 + 2 * spatial > kMaxRank)
    return invalid(inference, inference.operand_text(0), " has ", spatial, " spatial dimensions; the limit is ",
                   (kMaxRank - 4) / 2);
  GPU_TRY(check_permutation(inference, "input_permutation", given.input_permutation, rank));
  GPU_TRY(check_permutation(inference, "kernel_permutation", given.kernel_permutation, rank));
  GPU_TRY(check_permutation(inference, "output_permutation", given.output_permutation, rank));
  GPU_TRY(check_each(inference, "strides", given.strides, spatial));
  GPU_TRY(check_each(inference, "input_dilation", given.input_dilation, spatial));
  GPU_TRY(check_each(inference, "kernel_dilation", given.kernel_dilation, spatial));
  GPU_TRY(check_padding(inference, given.padding, spatial));
  const Shape input = permuted(inference.shape(0), given.input_permutation);
  const Shape kernel = permuted(inference.shape(1), given.kernel_permutation);
  const int64_t features = given.feature_group_size.value, batches = given.batch_group_size.value;
  if (features > 1 && batches > 1)
    return invalid(inference, "feature_group_size ", features, " and batch_group_size ", batches,
                   ": only one of them can be above 1");
  if (input[1] % features != 0 || input[1] / features != kernel[1])
    return invalid(inference, "the input has ", counted(input[1], "channel"), " in ", counted(features, "group"),
                   ", the kernel ", kernel[1], " for each");
  if (input[0] % batches != 0 || kernel[0] % (features * batches) != 0)
    return invalid(inference, "a batch of ", input[0], " and ", counted(kernel[0], "filter"), " do not divide into ",
                   counted(features * batches, "group"));
  Shape shape = {input[0] / batches, kernel[0]};
  for (int d = 0; d < spatial; ++d) {
    const int64_t extent = input[2 + d], window = kernel[2 + d];
    const int64_t wide = or_one(given.input_dilation, d), apart = or_one(given.kernel_dilation, d);
    if (extent > kMost || window > kMost || wide > kMost / std::max<int64_t>(extent, 1) ||
        apart > kMost / std::max<int64_t>(window, 1))
      return invalid(inference, "spatial axis ", d, " is above 2^40 with its dilation");
    const int64_t dilated = extent > 0 ? (extent - 1) * wide + 1 : 0;
    GPU_ASSIGN(const int64_t count, places(inference, 2 + d, dilated, given.padding[static_cast<size_t>(d)],
                                           window > 0 ? (window - 1) * apart + 1 : 0, or_one(given.strides, d)));
    shape.push_back(count);
  }
  if (!given.output_permutation) return shape;
  // The axis at place i of the permutation is where the shape's axis i goes.
  Shape result = shape;
  for (int i = 0; i < rank; ++i) result[(*given.output_permutation)[static_cast<size_t>(i)]] = shape[i];
  return result;
}

}  // namespace gpu_node::ir
