// Division that rounds up.
#pragma once

#include <type_traits>

namespace gpu_node {

// The least number of parts of |by| that hold |value|. REQUIRES: |by| > 0, |value| >= 0, their sum fits T.
template <typename T>
constexpr T divide_up(T value, std::type_identity_t<T> by) {
  return (value + by - 1) / by;
}

}  // namespace gpu_node
