#include "chain/adapt.h"

#include <algorithm>
#include <cmath>

namespace gpu_node::chain {
namespace {

// How much the |n|-th iterate counts in the average.
double weight_of(uint64_t n) { return std::pow(static_cast<double>(n), -0.75); }

}  // namespace

void DualAveraging::restart(double step) {
  log_step_ = log_averaged_ = std::log(step);
  centre_ = std::log(10 * step);
  error_ = 0;
  count_ = 0;
}

void DualAveraging::update(double acceptance) {
  constexpr double kGamma = 0.05, kSlowStart = 10;
  constexpr double kFurthest = 60;  // of a step's logarithm: where f32 has room
  const auto n = static_cast<double>(++count_);
  const double share = 1 / (n + kSlowStart);
  error_ = (1 - share) * error_ + share * (target_ - acceptance);
  log_step_ = std::clamp(centre_ - std::sqrt(n) / kGamma * error_, -kFurthest, kFurthest);
  const double weight = weight_of(count_);
  log_averaged_ = weight * log_step_ + (1 - weight) * log_averaged_;
}

double DualAveraging::step() const { return std::exp(log_step_); }
double DualAveraging::averaged() const { return std::exp(log_averaged_); }

double van_der_corput(uint64_t n) {
  double digit = 0.5, value = 0;
  for (; n > 0; n >>= 1, digit /= 2)
    if (n & 1) value += digit;
  return value;
}

void PathLength::restart(double length) {
  log_length_ = log_averaged_ = std::log(length);
  square_ = 0;
  count_ = 0;
}

void PathLength::update(double gradient, double shortest, double longest) {
  constexpr double kRate = 0.025, kDecay = 0.95;
  if (std::isfinite(gradient)) {
    ++count_;
    square_ = kDecay * square_ + (1 - kDecay) * gradient * gradient;
    const double size = std::sqrt(square_ / (1 - std::pow(kDecay, static_cast<double>(count_))));
    if (size > 0) log_length_ += kRate * gradient / size;
  }
  log_length_ = std::clamp(log_length_, std::log(shortest), std::log(std::max(shortest, longest)));
  const double weight = weight_of(std::max<uint64_t>(count_, 1));
  log_averaged_ = weight * log_length_ + (1 - weight) * log_averaged_;
}

double PathLength::length() const { return std::exp(log_length_); }
double PathLength::averaged() const { return std::exp(log_averaged_); }

void PooledMoments::clear() {
  count_ = 0;
  std::fill(mean_.begin(), mean_.end(), 0);
  std::fill(m2_.begin(), m2_.end(), 0);
}

void PooledMoments::add(double count, std::span<const double> mean, std::span<const double> m2) {
  const double all = count_ + count;
  for (size_t i = 0; i < mean_.size(); ++i) {
    const double apart = mean[i] - mean_[i];
    mean_[i] += apart * count / all;
    m2_[i] += m2[i] + apart * apart * count_ * count / all;
  }
  count_ = all;
}

std::vector<double> PooledMoments::regularised_variance() const {
  constexpr double kPriorDraws = 5, kPriorVariance = 1e-3;
  std::vector<double> variance(m2_.size());
  const double share = count_ / (count_ + kPriorDraws);
  for (size_t i = 0; i < m2_.size(); ++i) variance[i] = share * m2_[i] / (count_ - 1) + (1 - share) * kPriorVariance;
  return variance;
}

Windows::Windows(int64_t warmup) {
  constexpr int64_t kBegin = 75, kWindow = 25, kEnd = 50, kShortest = 20;
  if (warmup < kShortest) return;
  int64_t window = kWindow;
  begin_ = kBegin;
  end_ = warmup - kEnd;
  whole_ = kBegin + kWindow + kEnd <= warmup;
  if (!whole_) {
    begin_ = warmup * 15 / 100;
    end_ = warmup - warmup / 10;
    window = end_ - begin_;
  }
  for (int64_t end = begin_ + window;; end += window) {
    // What is left would not be a window of twice the length.
    if (end + 2 * window > end_) end = end_;
    last_.push_back(end - 1);
    if (end == end_) return;
    window *= 2;
  }
}

bool Windows::ends_with(int64_t iteration) const {
  return std::find(last_.begin(), last_.end(), iteration) != last_.end();
}

}  // namespace gpu_node::chain
