// Tensors of indices, and what they name.
#pragma once

#include <algorithm>
#include <random>

#include "gpu/layouts.h"
#include "ir/attributes.h"

namespace gpu_node::test {

// Integers from |low| to |high|, as far as |dtype| has them.
inline HostTensor indices_of(Dtype dtype, const Shape& shape, Layout layout, int64_t low, int64_t high, uint32_t seed) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  std::mt19937 random(seed);
  const bool is_signed = dtype_info(dtype).kind == DtypeKind::kSigned;
  const auto least = is_signed ? low : std::max<int64_t>(0, low);
  for (int64_t i = 0; i < static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(dtype); ++i)
    encode(dtype, Number::of(least + static_cast<int64_t>(random() % static_cast<uint64_t>(high - least + 1))),
           tensor.element(i));
  return tensor;
}

inline int64_t position_of(const HostTensor& tensor, const Dims& index) {
  int64_t at = tensor.map.offset;
  for (int d = 0; d < index.size(); ++d) at += index[d] * tensor.map.strides[d];
  return at;
}

// The index at |index|, held inside an axis of |extent|.
inline int64_t index_at(const HostTensor& indices, const Dims& index, int64_t extent) {
  const Number number = indices.at(position_of(indices, index));
  return static_cast<int64_t>(std::clamp<__int128>(number.integer, 0, extent - 1));
}

inline Dims outer_of(const Dims& index, int outer) {
  Dims part;
  for (int d = 0; d < outer; ++d) part.push_back(index[d]);
  return part;
}

// Where in a tensor of |shape| the element |index| of updates belongs, that |indices| name along |axes|.
inline Dims place_named(const HostTensor& indices, const ir::Axes& axes, const Dims& index, const Shape& shape) {
  const int outer = indices.map.shape.size() - 1;
  Dims at, named = outer_of(index, outer);
  named.push_back(0);
  for (int d = 0, rest = outer; d < shape.size(); ++d) {
    const auto* const axis = std::find(axes.begin(), axes.end(), d);
    if (axis == axes.end()) {
      at.push_back(index[rest++]);
      continue;
    }
    named[outer] = axis - axes.begin();
    at.push_back(index_at(indices, named, shape[d]));
  }
  return at;
}

}  // namespace gpu_node::test
