// Fourier transforms of host tensors, and what they should give.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/host_fourier.h"
#include "gpu/host_tensor.h"
#include "gpu/layouts.h"
#include "gpu/plan_runner.h"
#include "ir/attributes.h"
#include "kernels/families.h"

namespace gpu_node::test {

ir::Attributes along(std::optional<int64_t> axis, std::optional<int64_t> length = {}, double eps = 0);

// How far from the exact numbers, as a part of their size, a transform may be: what rounding alone may cost.
double fourier_bound(Dtype part, int64_t length);

// The rows of |tensor| along |axis|.
std::vector<WideRow> rows_of(const HostTensor& tensor, int64_t axis);

// The transform of |row| that |op| is to give, of |length|.
WideRow expected_fourier(std::string_view op, WideRow row, int64_t length);

// Runs |op| and holds each row against the host's, within the bound: the greatest distance of a row.
double check_fourier(const std::string& op, const HostTensor& operand, int64_t axis, int64_t length, Dtype result);

// Random numbers; of complex types both parts from -1 to 1.
HostTensor fourier_numbers(Dtype dtype, const Shape& shape, uint32_t seed = 1, Layout layout = Layout::kRowMajor);

}  // namespace gpu_node::test
