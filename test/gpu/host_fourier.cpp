#include "gpu/host_fourier.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>

namespace gpu_node::test {
namespace {

using Number = std::complex<long double>;

// exp(-2 pi i k / n).
Number turn(uint64_t k, uint64_t n) {
  const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(k % n) / n;
  return {std::cos(angle), -std::sin(angle)};
}

// All turns of |n|, which are asked for again and again.
const WideRow& turns(size_t n) {
  static std::map<size_t, WideRow> known;
  WideRow& row = known[n];
  for (size_t k = row.size(); k < n; ++k) row.push_back(turn(k, n));
  return row;
}

uint64_t least_factor(uint64_t n) {
  for (uint64_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

WideRow forward(const WideRow& row);

WideRow conjugated(WideRow row) {
  for (Number& one : row) one = std::conj(one);
  return row;
}

WideRow by_chirp(const WideRow& row) {
  const size_t n = row.size();
  size_t m = 1;
  while (m < 2 * n - 1) m *= 2;
  WideRow chirp(n), left(m), right(m);
  for (size_t k = 0; k < n; ++k) {
    chirp[k] = turn(k * k % (2 * n), 2 * n);
    left[k] = row[k] * chirp[k];
    right[k] = right[(m - k) % m] = std::conj(chirp[k]);
  }
  left = forward(left);
  right = forward(right);
  for (size_t k = 0; k < m; ++k) left[k] *= right[k];
  left = conjugated(forward(conjugated(left)));
  WideRow result(n);
  for (size_t k = 0; k < n; ++k) result[k] = left[k] * chirp[k] / static_cast<long double>(m);
  return result;
}

WideRow by_terms(const WideRow& row) {
  const size_t n = row.size();
  WideRow result(n);
  for (size_t k = 0; k < n; ++k)
    for (size_t j = 0; j < n; ++j) result[k] += row[j] * turns(n)[j * k % n];
  return result;
}

WideRow forward(const WideRow& row) {
  const size_t n = row.size(), p = least_factor(n);
  if (n < 2) return row;
  if (p > 64) return by_chirp(row);
  if (p == n) return by_terms(row);
  const size_t m = n / p;
  std::vector<WideRow> parts(p, WideRow(m));
  for (size_t j = 0; j < n; ++j) parts[j % p][j / p] = row[j];
  for (WideRow& part : parts) part = forward(part);
  const WideRow& twiddles = turns(n);
  WideRow result(n);
  for (size_t k = 0; k < n; ++k)
    for (size_t r = 0; r < p; ++r) result[k] += twiddles[r * k % n] * parts[r][k % m];
  return result;
}

template <typename Forward>
WideRow either_way(const WideRow& row, bool inverse, Forward forward) {
  if (!inverse) return forward(row);
  WideRow result = conjugated(forward(conjugated(row)));
  for (Number& one : result) one /= static_cast<long double>(row.size());
  return result;
}

}  // namespace

WideRow direct_fourier(const WideRow& row, bool inverse) { return either_way(row, inverse, by_terms); }
WideRow host_fourier(const WideRow& row, bool inverse) { return either_way(row, inverse, forward); }

double relative_distance(const WideRow& got, const WideRow& exact) {
  if (got.size() != exact.size()) return HUGE_VAL;
  long double apart = 0, size = 0;
  for (size_t k = 0; k < exact.size(); ++k) {
    apart += std::norm(got[k] - exact[k]);
    size += std::norm(exact[k]);
  }
  return static_cast<double>(std::sqrt(size > 0 ? apart / size : apart));
}

}  // namespace gpu_node::test
