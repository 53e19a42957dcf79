#include "kernels/fourier/factors.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gpu_node::kernels {
namespace {

constexpr int64_t kPrimes[] = {2, 3, 5, 7, 11, 13};

bool is_smooth(int64_t length) {
  for (const int64_t prime : kPrimes)
    while (length % prime == 0) length /= prime;
  return length == 1;
}

// The divisors of |length|, which is smooth, up to |most|.
SmallList<int64_t, 64> divisors(int64_t length, int64_t most) {
  SmallList<int64_t, 64> all;
  all.push_back(1);
  for (const int64_t prime : kPrimes)
    for (size_t from = 0; length % prime == 0; length /= prime) {
      // Those that have one more of this prime than before.
      const size_t end = all.size();
      for (size_t i = from; i < end; ++i)
        if (all[i] <= most / prime) all.push_back(all[i] * prime);
      from = end;
    }
  return all;
}

// |length| in |count| parts.
std::optional<Parts> split(int64_t length, int count, int64_t most) {
  if (count == 1) {
    if (length > most) return {};
    Parts parts;
    parts.push_back(length);
    return parts;
  }
  std::optional<Parts> best;
  int64_t largest = most + 1;
  for (const int64_t first : divisors(length, most)) {
    if (first >= largest) continue;
    std::optional<Parts> rest = split(length / first, count - 1, std::min(most, largest - 1));
    if (!rest) continue;
    best.emplace();
    best->push_back(first);
    largest = first;
    for (const int64_t part : *rest) {
      best->push_back(part);
      largest = std::max(largest, part);
    }
  }
  return best;
}

}  // namespace

std::optional<Parts> parts_of(int64_t length, int64_t most) {
  if (length < 1 || !is_smooth(length)) return {};
  for (const int count : {1, 2, 3})
    if (std::optional<Parts> parts = split(length, count, most)) return parts;
  return {};
}

uint32_t radices_of(int64_t part) {
  uint32_t radices = 0;
  int shift = 0;
  for (const uint32_t radix : {8U, 4U, 2U, 3U, 5U, 7U, 11U, 13U})
    for (; part % radix == 0; part /= radix, shift += 4) radices |= radix << shift;
  return radices;
}

int64_t convenient_length(int64_t least) {
  auto best = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(least)));
  for (const int64_t odd : {3, 5, 7, 9})
    for (int64_t length = odd; length < best; length *= 2)
      if (length >= least) best = length;
  return best;
}

}  // namespace gpu_node::kernels
