#include "tensor/shape.h"

#include <array>

namespace gpu_node {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 62;

// Groups of adjacent dimensions that are one run of memory, dimensions of 1 left out.
struct Run {
  int64_t extent;
  int64_t stride;
};

}  // namespace

Result<int64_t> checked_element_count(const Shape& shape) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0) return Error{ErrorCode::kInvalidArgument, "shape " + shape_text(shape) + " has a negative dimension"};
    if (dim == 0) empty = true;
  }
  if (empty) return int64_t{0};
  for (int64_t dim : shape) {
    if (count > kMaxElements / dim)
      return Error{ErrorCode::kInvalidArgument, "shape " + shape_text(shape) + " has more than 2^62 elements"};
    count *= dim;
  }
  return count;
}

// A dimension of 0 makes any others legal, so products wrap until it comes.
int64_t element_count(const Shape& shape) {
  uint64_t count = 1;
  for (int64_t dim : shape) count *= static_cast<uint64_t>(dim);
  return static_cast<int64_t>(count);
}

std::string shape_text(const Shape& shape) {
  std::string text = "{";
  for (int i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "}";
}

std::string type_text(Dtype dtype, const Shape& shape) { return std::string(dtype_name(dtype)) + shape_text(shape); }

Dims row_major_strides(const Shape& shape) {
  Dims strides = shape;
  uint64_t stride = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = static_cast<int64_t>(stride);
    stride *= static_cast<uint64_t>(shape[i] > 0 ? shape[i] : 1);
  }
  return strides;
}

bool IndexMap::is_row_major() const {
  uint64_t expected = 1;
  bool in_order = true;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    in_order = in_order && strides[i] == static_cast<int64_t>(expected);
    expected *= static_cast<uint64_t>(shape[i]);
  }
  return in_order;
}

IndexMap transposed(const IndexMap& map, const Dims& axes) {
  IndexMap result;
  result.offset = map.offset;
  for (int64_t axis : axes) {
    result.shape.push_back(map.shape[static_cast<int>(axis)]);
    result.strides.push_back(map.strides[static_cast<int>(axis)]);
  }
  return result;
}

IndexMap broadcast_to(const IndexMap& map, const Shape& shape, const Dims& axes) {
  IndexMap result;
  result.offset = map.offset;
  result.shape = shape;
  for (int i = 0; i < shape.size(); ++i) result.strides.push_back(0);
  for (int i = 0; i < axes.size(); ++i)
    if (map.shape[i] != 1) result.strides[static_cast<int>(axes[i])] = map.strides[i];
  return result;
}

std::optional<IndexMap> reshaped(const IndexMap& map, const Shape& shape) {
  if (map.is_row_major()) {
    IndexMap result = IndexMap::row_major(shape);
    result.offset = map.offset;
    return result;
  }
  // Each run of memory must be cut into whole result dimensions.
  std::array<Run, kMaxRank> runs;
  int run_count = 0;
  for (int i = 0; i < map.shape.size(); ++i) {
    if (map.shape[i] == 1) continue;
    Run* last = run_count > 0 ? &runs[static_cast<size_t>(run_count - 1)] : nullptr;
    if (last != nullptr && last->stride == map.strides[i] * map.shape[i]) {
      last->extent *= map.shape[i];
      last->stride = map.strides[i];
    } else {
      runs[static_cast<size_t>(run_count++)] = {map.shape[i], map.strides[i]};
    }
  }
  IndexMap result;
  result.offset = map.offset;
  result.shape = shape;
  result.strides = shape;
  int run = run_count - 1;
  int64_t left = run >= 0 ? runs[static_cast<size_t>(run)].extent : 1;
  int64_t stride = run >= 0 ? runs[static_cast<size_t>(run)].stride : 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 1) {
      result.strides[i] = 0;
      continue;
    }
    if (left == 1 && run > 0) {
      --run;
      left = runs[static_cast<size_t>(run)].extent;
      stride = runs[static_cast<size_t>(run)].stride;
    }
    if (left % shape[i] != 0) return std::nullopt;
    result.strides[i] = stride;
    stride *= shape[i];
    left /= shape[i];
  }
  return result;
}

}  // namespace gpu_node
