// What the files of Ensemble share: numbers of a model's type on the host, whole buffers, and the queue's entry.
// Private to this folder.
#pragma once

#include <cstring>

#include "chain/ensemble.h"

namespace gpu_node::chain {

template <typename Push>
std::span<const std::byte> bytes_of(const Push& push) {
  return std::as_bytes(std::span(&push, 1));
}

inline vulkan::BufferRange whole(const vulkan::BufferRef& buffer, bool written) {
  return {&buffer, 0, buffer->size_bytes(), written};
}

inline void write_numbers(std::byte* to, Dtype dtype, std::span<const double> numbers) {
  if (dtype == Dtype::f64) {
    std::memcpy(to, numbers.data(), numbers.size_bytes());
    return;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto number = static_cast<float>(numbers[i]);
    std::memcpy(to + i * sizeof(number), &number, sizeof(number));
  }
}

inline double read_number(const std::byte* from, Dtype dtype, uint64_t i) {
  if (dtype == Dtype::f64) {
    double number;
    std::memcpy(&number, from + i * sizeof(number), sizeof(number));
    return number;
  }
  float number;
  std::memcpy(&number, from + i * sizeof(number), sizeof(number));
  return number;
}

template <typename Push, size_t N>
void Ensemble::queue(Kind kind, const std::array<vulkan::BufferRange, N>& ranges, const Push& push, uint64_t groups,
                     double units) {
  const std::span<const std::byte> bytes = bytes_of(push);
  queue_.push_back(Whole{.kind = kind,
                         .ranges = {ranges.begin(), ranges.end()},
                         .push = {bytes.begin(), bytes.end()},
                         .groups = groups,
                         .units = units});
}

}  // namespace gpu_node::chain
