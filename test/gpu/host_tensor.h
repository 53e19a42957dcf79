// Tensors on the host: elements as bytes, as they go to the device, and a view of them, which may be strided. Read as
// exact numbers and written with one rounding (host_number.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "gpu/host_number.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace gpu_node::test {

// Row-major storage of elements, and a view of it.
struct HostTensor {
  Dtype dtype = Dtype::f32;
  IndexMap map;
  std::vector<std::byte> bytes;

  HostTensor() = default;
  HostTensor(Dtype type, const Shape& shape);
  // Row-major, of the numbers of |type| nearest to |values|.
  HostTensor(Dtype type, const Shape& shape, const std::vector<Number>& values);

  int64_t count() const { return element_count(map.shape); }
  // Where element |flat|, in row-major order of the view, lies in the storage.
  int64_t position(int64_t flat) const;

  // The view's elements, in row-major order.
  Number number(int64_t flat) const { return at(position(flat)); }
  std::vector<Number> numbers() const;

  // Element at a storage position; the last four REQUIRE an integer (float) type.
  std::byte* element(int64_t position);
  const std::byte* element(int64_t position) const;
  Number at(int64_t position) const { return decoded(dtype, element(position)); }
  uint64_t integer(int64_t position) const;
  double real(int64_t position) const;
  void set_integer(int64_t position, uint64_t value);
  void set_real(int64_t position, double value);
};

// Fills the storage with small numbers of both signs (unsigned types: positive ones), or with any bits for integers.
void fill_small(HostTensor& tensor, std::mt19937& random);
void fill_any(HostTensor& tensor, std::mt19937& random);

// Calls |visit| with each index of |shape| in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const Dims&)>& visit);

}  // namespace gpu_node::test
