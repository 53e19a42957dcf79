// The ways an operand can lie in memory, for tests: each gives a view of the same shape over another storage.
#pragma once

#include "gpu/host_tensor.h"

namespace gpu_node::test {

enum class Layout { kRowMajor, kTransposed, kBroadcast, kReversed };
inline constexpr Layout kLayouts[] = {Layout::kRowMajor, Layout::kTransposed, Layout::kBroadcast, Layout::kReversed};

// A tensor of |shape|, all zero: stored row-major; with its axes in reverse order; with its first axis repeated; or
// backwards along every axis, behind five elements that are not part of it.
inline HostTensor make_tensor(Dtype dtype, const Shape& shape, Layout layout) {
  switch (layout) {
    case Layout::kTransposed: {
      Shape reversed;
      Dims axes;
      for (int d = shape.size(); d-- > 0;) {
        reversed.push_back(shape[d]);
        axes.push_back(d);
      }
      HostTensor tensor(dtype, reversed);
      tensor.map = transposed(tensor.map, axes);
      return tensor;
    }
    case Layout::kBroadcast: {
      if (shape.empty()) return HostTensor(dtype, shape);
      Shape stored = shape;
      stored[0] = std::min<int64_t>(stored[0], 1);
      HostTensor tensor(dtype, stored);
      tensor.map.shape = shape;
      tensor.map.strides[0] = 0;
      return tensor;
    }
    case Layout::kReversed: {
      HostTensor tensor(dtype, {element_count(shape) + 5});
      if (element_count(shape) == 0) return HostTensor(dtype, shape);
      tensor.map = IndexMap::row_major(shape);
      tensor.map.offset = 5 + element_count(shape) - 1;
      for (int d = 0; d < shape.size(); ++d) tensor.map.strides[d] = -tensor.map.strides[d];
      return tensor;
    }
    case Layout::kRowMajor:
      break;
  }
  return HostTensor(dtype, shape);
}

// |tensor|'s elements, lying in another way. REQUIRES one that stores each element once.
inline HostTensor laid_out(const HostTensor& tensor, Layout layout) {
  HostTensor other = make_tensor(tensor.dtype, tensor.map.shape, layout);
  for (int64_t i = 0; i < tensor.count(); ++i) encode(other.dtype, tensor.number(i), other.element(other.position(i)));
  return other;
}

}  // namespace gpu_node::test
