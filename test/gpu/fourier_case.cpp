#include "gpu/fourier_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "gpu/complex_case.h"
#include "gpu/op_case.h"

namespace gpu_node::test {

using enum Dtype;

namespace {

bool inverse_of(std::string_view op) { return op.starts_with("i"); }

}  // namespace

ir::Attributes along(std::optional<int64_t> axis, std::optional<int64_t> length, double eps) {
  return ir::FourierAttributes{axis, length ? std::optional(ir::Count{*length}) : std::nullopt, eps};
}

double fourier_bound(Dtype part, int64_t length) {
  return (part == f32 ? 1e-7 : 2e-16) * std::max(2.0, std::log2(static_cast<double>(length)));
}

std::vector<WideRow> rows_of(const HostTensor& tensor, int64_t axis) {
  const Shape& shape = tensor.map.shape;
  const int64_t length = shape[static_cast<int>(axis)];
  int64_t inner = 1;
  for (int d = static_cast<int>(axis) + 1; d < shape.size(); ++d) inner *= shape[d];
  const int64_t count = element_count(shape) / std::max<int64_t>(length, 1);
  std::vector<WideRow> rows(static_cast<size_t>(count), WideRow(static_cast<size_t>(length)));
  for (int64_t line = 0; line < count; ++line)
    for (int64_t k = 0; k < length; ++k)
      rows[static_cast<size_t>(line)][static_cast<size_t>(k)] =
          at(tensor, line / inner * length * inner + k * inner + line % inner);
  return rows;
}

WideRow expected_fourier(std::string_view op, WideRow row, int64_t length) {
  const auto n = static_cast<size_t>(length);
  if (op == "irfft") {
    row.resize(n / 2 + 1);
    row.resize(n);
    for (size_t k = n / 2 + 1; k < n; ++k) row[k] = std::conj(row[n - k]);
  }
  row.resize(n);
  WideRow result = n <= 64 ? direct_fourier(row, inverse_of(op)) : host_fourier(row, inverse_of(op));
  if (op == "rfft") result.resize(n / 2 + 1);
  if (op == "irfft")
    for (auto& one : result) one = one.real();
  return result;
}

double check_fourier(const std::string& op, const HostTensor& operand, int64_t axis, int64_t length, Dtype result) {
  Shape shape = operand.map.shape;
  shape[static_cast<int>(axis)] = op == "rfft" ? length / 2 + 1 : length;
  const HostTensor got = run_op(kernels::plan_fourier, op, {operand}, result, shape, along(axis, length));
  const std::vector<WideRow> from = rows_of(operand, axis), to = rows_of(got, axis);
  double worst = 0;
  for (size_t i = 0; i < from.size(); ++i)
    worst = std::max(worst, relative_distance(to[i], expected_fourier(op, from[i], length)));
  const Dtype part = is_complex(result) ? component_type(result) : result;
  CAPTURE(op);
  CAPTURE(type_text(operand.dtype, operand.map.shape));
  CAPTURE(axis);
  CAPTURE(length);
  CHECK(worst <= fourier_bound(part, length));
  return worst;
}

HostTensor fourier_numbers(Dtype dtype, const Shape& shape, uint32_t seed, Layout layout) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  std::mt19937 random(seed);
  if (!is_complex(dtype)) {
    fill_small(tensor, random);
    return tensor;
  }
  std::uniform_real_distribution<double> unit(-1, 1);
  for (int64_t i = 0; i < tensor.count(); ++i) put(tensor, i, Parts(unit(random), unit(random)));
  return tensor;
}

}  // namespace gpu_node::test
