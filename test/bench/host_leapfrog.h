// The same leapfrog steps in plain C++ on one core, written by hand for two models: what chain_bench compares with.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace gpu_node {

// Independent standard normal coordinates.
template <typename T>
struct HostNormal {
  static T density(const T* q, T* g, size_t d) {
    T sum = 0;
    for (size_t i = 0; i < d; ++i) {
      g[i] = -q[i];
      sum += q[i] * q[i];
    }
    return T(-0.5) * sum - static_cast<T>(d) * T(0.91893853320467274178);
  }
};

// Eight schools with standardised effects: eta[8], mu, log tau.
template <typename T>
struct HostEightSchools {
  static T density(const T* q, T* g, size_t) {
    static constexpr T kEffect[8] = {28, 8, -3, 7, -1, 1, 18, 12};
    static constexpr T kError[8] = {15, 10, 16, 11, 9, 11, 10, 18};
    const T mu = q[8], tau = std::exp(q[9]), x = 2 * (q[9] - T(1.60943791243410037460));
    // Constants of all terms: see specs/families/eight_schools_noncentered.json.
    T logp = T(-39.261609584796304), by_mu = 0, by_tau = 0;
    for (size_t j = 0; j < 8; ++j) {
      const T z = (kEffect[j] - mu - tau * q[j]) / kError[j], slope = z / kError[j];
      logp -= T(0.5) * (q[j] * q[j] + z * z);
      g[j] = slope * tau - q[j];
      by_mu += slope;
      by_tau += slope * q[j];
    }
    g[8] = by_mu - mu / 25;
    g[9] = by_tau * tau + 1 - 2 / (1 + std::exp(-x));
    const T softplus = x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
    return logp - mu * mu / 50 - softplus + q[9];
  }
};

// |steps| steps of one chain; |g| is the gradient at |q|, before and after. The last log density.
template <typename T, typename Model>
T host_leapfrog(T* q, T* p, T* g, const T* inverse_mass, size_t d, T step_size, size_t steps) {
  T logp = 0;
  for (size_t k = 0; k < steps; ++k) {
    for (size_t i = 0; i < d; ++i) {
      p[i] += T(0.5) * step_size * g[i];
      q[i] += step_size * inverse_mass[i] * p[i];
    }
    logp = Model::density(q, g, d);
    for (size_t i = 0; i < d; ++i) p[i] += T(0.5) * step_size * g[i];
  }
  return logp;
}

}  // namespace gpu_node
