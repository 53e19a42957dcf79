// Strided tensors on the host, for oracles that walk views: elements as bytes, read as exact integers or doubles and
// written with one rounding (host_number.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace gpu_node::test {

// The number of float type |dtype| nearest to |value|, ties to even; too large ones become infinite (f8_e4m3fn: +-448).
double round_to(Dtype dtype, long double value);

// |bits| modulo 2^n of integer type |dtype|, sign- or zero-extended.
uint64_t wrap_to(Dtype dtype, uint64_t bits);

// Row-major storage of elements, and a view of it.
struct HostTensor {
  Dtype dtype = Dtype::f32;
  IndexMap map;
  std::vector<std::byte> bytes;

  HostTensor() = default;
  HostTensor(Dtype type, const Shape& shape);

  int64_t count() const { return element_count(map.shape); }
  // Where element |flat|, in row-major order of the view, lies in the storage.
  int64_t position(int64_t flat) const;

  // Element at a storage position. REQUIRES an integer (float) type.
  std::byte* element(int64_t position);
  const std::byte* element(int64_t position) const;
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
