#include "gpu/elements.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace gpu_node::test {
namespace {

struct Format {
  int mantissa;  // bits stored
  int bias;
  bool has_infinity;
};

Format format_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f16:
      return {10, 15, true};
    case Dtype::bf16:
      return {7, 127, true};
    case Dtype::f8:
      return {2, 15, true};
    default:
      return {3, 7, false};  // f8_e4m3fn
  }
}

double largest(Dtype dtype) {
  if (dtype == Dtype::f8_e4m3fn) return 448;
  const Format format = format_of(dtype);
  return std::ldexp(2.0 - std::ldexp(1.0, -format.mantissa), format.bias);
}

uint64_t small_bits(Dtype dtype, double value) {
  const Format format = format_of(dtype);
  const int width = dtype_info(dtype).bits;
  const uint64_t sign = std::signbit(value) ? uint64_t{1} << (width - 1) : 0;
  const uint64_t infinity = (((uint64_t{1} << (width - 1 - format.mantissa)) - 1) << format.mantissa);
  if (std::isnan(value)) return sign | infinity | (format.has_infinity ? uint64_t{1} << (format.mantissa - 1) : 7);
  const double magnitude = std::fabs(round_to(dtype, value));
  if (std::isinf(magnitude)) return sign | infinity;
  if (magnitude == 0) return sign;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  exponent = std::max(exponent - 1, 1 - format.bias);
  const auto scaled = static_cast<uint64_t>(std::ldexp(magnitude, format.mantissa - exponent));
  // A normal number's leading bit carries into the exponent field.
  return sign | (scaled + (static_cast<uint64_t>(exponent + format.bias - 1) << format.mantissa));
}

double small_value(Dtype dtype, uint64_t bits) {
  const Format format = format_of(dtype);
  const int width = dtype_info(dtype).bits;
  const bool negative = ((bits >> (width - 1)) & 1) != 0;
  const uint64_t mantissa = bits & ((uint64_t{1} << format.mantissa) - 1);
  const int top = (1 << (width - 1 - format.mantissa)) - 1;
  const int field = static_cast<int>(bits >> format.mantissa) & top;
  double value = 0;
  if (field == top && (format.has_infinity || mantissa == 7)) {
    const bool infinite = format.has_infinity && mantissa == 0;
    value = infinite ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (field == 0) {
    value = std::ldexp(static_cast<double>(mantissa), 1 - format.bias - format.mantissa);
  } else {
    value = std::ldexp(static_cast<double>(mantissa + (uint64_t{1} << format.mantissa)),
                       field - format.bias - format.mantissa);
  }
  return negative ? -value : value;
}

}  // namespace

std::vector<Dtype> real_types() {
  std::vector<Dtype> types;
  for (int i = 0; i < kDtypeCount; ++i)
    if (!is_complex(static_cast<Dtype>(i))) types.push_back(static_cast<Dtype>(i));
  return types;
}

double round_to(Dtype dtype, long double value) {
  if (dtype == Dtype::f64) return static_cast<double>(value);
  if (dtype == Dtype::f32) return static_cast<float>(value);
  if (std::isnan(value)) return static_cast<double>(value);
  const Format format = format_of(dtype);
  const double limit = largest(dtype);
  long double rounded = value;
  if (!std::isinf(value)) {
    int exponent = 0;
    std::frexp(value, &exponent);
    exponent = std::max(exponent - 1, 1 - format.bias);
    rounded = std::ldexp(std::nearbyint(std::ldexp(value, format.mantissa - exponent)), exponent - format.mantissa);
  }
  if (std::fabs(rounded) <= limit) return static_cast<double>(rounded);
  return std::copysign(format.has_infinity ? std::numeric_limits<double>::infinity() : limit,
                       static_cast<double>(value));
}

uint64_t wrap_to(Dtype dtype, uint64_t bits) {
  const DtypeInfo& info = dtype_info(dtype);
  const int unused = 64 - info.bits;
  bits <<= unused;
  if (info.kind == DtypeKind::kSigned) return static_cast<uint64_t>(static_cast<int64_t>(bits) >> unused);
  return bits >> unused;
}

HostTensor::HostTensor(Dtype type, const Shape& shape)
    : dtype(type),
      map(IndexMap::row_major(shape)),
      bytes(static_cast<size_t>(element_count(shape)) * static_cast<size_t>(dtype_size_bytes(type))) {}

int64_t HostTensor::position(int64_t flat) const {
  int64_t at = map.offset;
  for (int d = map.shape.size(); d-- > 0;) {
    at += flat % map.shape[d] * map.strides[d];
    flat /= map.shape[d];
  }
  return at;
}

uint64_t HostTensor::integer(int64_t position) const {
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + static_cast<size_t>(position) * size, size);
  return is_integer(dtype) ? wrap_to(dtype, bits) : bits;
}

double HostTensor::real(int64_t position) const {
  const uint64_t bits = integer(position);
  if (dtype == Dtype::f64) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  if (dtype == Dtype::f32) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  return small_value(dtype, bits);
}

void HostTensor::set_integer(int64_t position, uint64_t value) {
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  const uint64_t bits = is_integer(dtype) ? wrap_to(dtype, value) : value;
  std::memcpy(bytes.data() + static_cast<size_t>(position) * size, &bits, size);
}

void HostTensor::set_real(int64_t position, double value) {
  if (dtype == Dtype::f64) {
    std::memcpy(bytes.data() + static_cast<size_t>(position) * sizeof value, &value, sizeof value);
  } else if (dtype == Dtype::f32) {
    const auto narrow = static_cast<float>(value);
    std::memcpy(bytes.data() + static_cast<size_t>(position) * sizeof narrow, &narrow, sizeof narrow);
  } else {
    set_integer(position, small_bits(dtype, value));
  }
}

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
