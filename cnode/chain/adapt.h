// What warm-up adapts, each by itself: the step size, the length of paths, the scales of coordinates, and when. Plain
// arithmetic in double; Adaptation puts it together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gpu_node::chain {

// The step size at which the acceptance statistic is |target|: dual averaging, Hoffman and Gelman 2014 ("The No-U-Turn
// Sampler"), section 3.2, with their constants.
class DualAveraging {
 public:
  DualAveraging(double target, double step) : target_(target) { restart(step); }

  void restart(double step);
  void update(double acceptance);
  double step() const;      // to try next
  double averaged() const;  // to go on with; step() before the first update

 private:
  double target_;
  double centre_ = 0, error_ = 0, log_step_ = 0, log_averaged_ = 0;
  uint64_t count_ = 0;
};

// The |n|-th number of the base-2 sequence of van der Corput, in (0, 1). REQUIRES: n > 0.
double van_der_corput(uint64_t n);

// The length of paths at which the change in the squared distance from the centre is greatest: the ascent of ChEES-HMC
// (Hoffman, Radul and Sountsov 2021, "An adaptive MCMC scheme for setting trajectory lengths in HMC"), Adam without
// momentum on the logarithm.
class PathLength {
 public:
  explicit PathLength(double length) { restart(length); }

  void restart(double length);
  // |gradient|: of the criterion by the logarithm of the length, in any unit. Keeps the length within the bounds.
  void update(double gradient, double shortest, double longest);
  double length() const;
  double averaged() const;

 private:
  double log_length_ = 0, log_averaged_ = 0, square_ = 0;
  uint64_t count_ = 0;
};

// Mean and variance of each coordinate over chains and iterations.
class PooledMoments {
 public:
  explicit PooledMoments(size_t coordinates) : mean_(coordinates), m2_(coordinates) {}

  void clear();
  // |count| further draws that have |mean| and |m2|, their sum of squares around it (Chan, Golub and LeVeque 1979).
  void add(double count, std::span<const double> mean, std::span<const double> m2);
  double count() const { return count_; }
  std::span<const double> mean() const { return mean_; }
  // Shrunk towards 0.001 by five draws' worth, as Stan's windowed adaptation does. REQUIRES: count() > 1.
  std::vector<double> regularised_variance() const;

 private:
  double count_ = 0;
  std::vector<double> mean_, m2_;
};

// In which iterations the scales are learned, and after which they are set: the schedule of Stan's reference manual
// ("Automatic parameter tuning"): a beginning and an end without, between them windows each twice as long as the last.
class Windows {
 public:
  explicit Windows(int64_t warmup);

  bool learns(int64_t iteration) const { return begin_ <= iteration && iteration < end_; }
  bool ends_with(int64_t iteration) const;
  // The schedule is not one that was cut for want of iterations.
  bool whole() const { return whole_; }

 private:
  int64_t begin_ = 0, end_ = 0;
  bool whole_ = false;
  std::vector<int64_t> last_;  // of each window
};

}  // namespace gpu_node::chain
