#include "gpu/host_tensor.h"

#include <doctest/doctest.h>

namespace gpu_node::test {

HostTensor::HostTensor(Dtype type, const Shape& shape)
    : dtype(type),
      map(IndexMap::row_major(shape)),
      bytes(static_cast<size_t>(element_count(shape)) * static_cast<size_t>(dtype_size_bytes(type))) {}

HostTensor::HostTensor(Dtype type, const Shape& shape, const std::vector<Number>& values) : HostTensor(type, shape) {
  REQUIRE(static_cast<int64_t>(values.size()) == count());
  for (size_t i = 0; i < values.size(); ++i) encode(type, values[i], element(static_cast<int64_t>(i)));
}

std::vector<Number> HostTensor::numbers() const {
  std::vector<Number> all;
  all.reserve(static_cast<size_t>(count()));
  for (int64_t i = 0; i < count(); ++i) all.push_back(number(i));
  return all;
}

int64_t HostTensor::position(int64_t flat) const {
  int64_t at = map.offset;
  for (int d = map.shape.size(); d-- > 0;) {
    at += flat % map.shape[d] * map.strides[d];
    flat /= map.shape[d];
  }
  return at;
}

std::byte* HostTensor::element(int64_t position) {
  return bytes.data() + static_cast<size_t>(position * dtype_size_bytes(dtype));
}

const std::byte* HostTensor::element(int64_t position) const {
  return bytes.data() + static_cast<size_t>(position * dtype_size_bytes(dtype));
}

uint64_t HostTensor::integer(int64_t position) const { return static_cast<uint64_t>(at(position).integer); }

double HostTensor::real(int64_t position) const { return static_cast<double>(at(position).real); }

void HostTensor::set_integer(int64_t position, uint64_t value) {
  encode(dtype, Number::of(static_cast<__int128>(value)), element(position));
}

void HostTensor::set_real(int64_t position, double value) { encode(dtype, Number::of_real(value), element(position)); }

void fill_small(HostTensor& tensor, std::mt19937& random) {
  const auto count = static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(tensor.dtype);
  const bool is_unsigned = dtype_info(tensor.dtype).kind == DtypeKind::kUnsigned;
  for (int64_t i = 0; i < count; ++i) {
    if (is_integer(tensor.dtype)) {
      const auto value = static_cast<int64_t>(random() % 7);
      tensor.set_integer(i, static_cast<uint64_t>(is_unsigned ? value : value - 3));
    } else {
      tensor.set_real(i, (static_cast<double>(random()) / 4294967296.0 - 0.5) * 4.0);
    }
  }
}

void fill_any(HostTensor& tensor, std::mt19937& random) {
  if (!is_integer(tensor.dtype)) return fill_small(tensor, random);
  const auto count = static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(tensor.dtype);
  for (int64_t i = 0; i < count; ++i) tensor.set_integer(i, (uint64_t{random()} << 32) | random());
}

void for_each_index(const Shape& shape, const std::function<void(const Dims&)>& visit) {
  Dims index;
  for (int d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0) return;
    index.push_back(0);
  }
  while (true) {
    visit(index);
    int d = shape.size() - 1;
    while (d >= 0 && ++index[d] == shape[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

}  // namespace gpu_node::test
