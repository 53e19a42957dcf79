#include "chain/adaptation.h"

#include <algorithm>
#include <cmath>

namespace gpu_node::chain {
namespace {

constexpr int64_t kMostSearched = 50;
constexpr double kFirstSteps = 10;  // of the first path, before it is learned
constexpr double kScaledPath = 2;   // about the best for a normal density of scale 1

}  // namespace

Adaptation::Adaptation(const AdaptationOptions& options)
    : options_(options),
      learns_step_(!options.step_size.has_value()),
      learns_path_(!options.path_length.has_value()),
      learns_scales_(learns_step_ && options.inverse_mass.empty()),
      step_size_(options.step_size.value_or(1)),
      steps_(options.target_accept, step_size_),
      path_(options.path_length.value_or(kFirstSteps * step_size_)),
      window_(options.coordinates),
      windows_(options.warmup),
      inverse_mass_(options.inverse_mass.empty() ? std::vector<double>(options.coordinates, 1) : options.inverse_mass),
      centre_(options.coordinates) {
  if (options.warmup == 0)
    draw();
  else if (learns_step_)
    phase_ = Phase::kSearch;
}

uint32_t Adaptation::steps() const {
  if (phase_ == Phase::kSearch) return 1;
  const double place = van_der_corput(static_cast<uint64_t>(iteration_) + 1);
  const double time = path_.length() * (1 - options_.jitter * (1 - place));
  return static_cast<uint32_t>(std::clamp(std::ceil(time / step_size_), 1.0, static_cast<double>(options_.max_steps)));
}

bool Adaptation::advance(const Observation& seen) {
  bool changed = false;
  if (learns()) {
    follow(seen);
    if (phase_ == Phase::kSearch)
      search(seen);
    else
      changed = learn(seen);
  }
  ++iteration_;
  if (phase_ == Phase::kWarmup && iteration_ == options_.warmup) draw();
  return changed;
}

// Doubles or halves the step until the acceptance crosses the target: Hoffman and Gelman 2014, algorithm 4. The
// acceptance is the median over chains, so that those that cannot move hold back nobody while they are no more than
// half.
void Adaptation::search(const Observation& seen) {
  const int direction = 2 * seen.above >= static_cast<double>(options_.chains) ? 1 : -1;
  if (direction_ == 0) direction_ = direction;
  if (direction == direction_ && iteration_ < kMostSearched) {
    step_size_ = std::ldexp(step_size_, direction);
    return;
  }
  phase_ = Phase::kWarmup;
  iteration_ = -1;
  steps_.restart(step_size_);
  if (learns_path_) path_.restart(kFirstSteps * step_size_);
}

// The centre follows the mean of the chains, the slower the fewer they are.
void Adaptation::follow(const Observation& seen) {
  if (seen.counting == 0) return;
  const auto chains = static_cast<double>(options_.chains);
  const double share = std::max(2 / static_cast<double>(++seen_ + 1), chains / (chains + 100));
  for (size_t i = 0; i < centre_.size(); ++i)
    if (std::isfinite(seen.mean[i])) centre_[i] += share * (seen.mean[i] - centre_[i]);
}

// The acceptance that the step is learned by: the harmonic mean over chains. Those that rest, or move by steps of their
// own, are in it while they are so few that it bears them, and left out where they are more: else one of four drove the
// step to nothing, which moves nobody. What the step had become on their account is taken back. Where half of those
// that do not rest have steps of their own it is the step that is wrong, and they count.
double Adaptation::statistic(const Observation& seen) {
  const auto chains = static_cast<double>(options_.chains);
  const double borne = chains * (1 / options_.target_accept - 1) / 18;
  const bool before = left_out_;
  const bool own_count = 2 * seen.own >= seen.awake;
  const double awake = own_count ? seen.awake : seen.awake - seen.own;
  const double inverse = own_count ? seen.awake_inverse : seen.awake_inverse - seen.own_inverse;
  left_out_ = chains - awake > borne;
  if (!left_out_) return chains / seen.inverse_acceptance;
  // Where nobody moves shorter steps may help.
  if (seen.awake == 0) return std::max(seen.acceptance / chains, kLeastAcceptance);
  if (!before) steps_.restart(tried_.front());
  return awake / inverse;
}

bool Adaptation::learn(const Observation& seen) {
  if (learns_path_) {
    const double time = steps() * step_size_;
    const double gradient = seen.path_weight > 0 ? time * seen.path_gradient / seen.path_weight : 0;
    // While the step size is sought it must not drag the path along.
    path_.update(gradient, std::min(step_size_, path_.length()),
                 std::max(step_size_ * static_cast<double>(options_.max_steps), path_.length()));
  }
  if (learns_step_) {
    tried_.push_back(step_size_);
    if (tried_.size() > rest_limit(options_.warmup)) tried_.pop_front();
    steps_.update(statistic(seen));
    step_size_ = steps_.step();
  }
  if (!learns_scales_ || !windows_.learns(iteration_)) return false;
  if (seen.counting > 0) window_.add(seen.counting, seen.mean, seen.m2);
  if (!windows_.ends_with(iteration_) || window_.count() <= 1) return false;
  set_scales();
  return true;
}

// Steps go with the shortest of the new scales in the old units, and paths with the longest.
void Adaptation::set_scales() {
  std::vector<double> variance = window_.regularised_variance();
  window_.clear();
  double shortest = INFINITY, longest = 0;
  for (size_t i = 0; i < variance.size(); ++i) {
    if (!std::isfinite(variance[i])) variance[i] = inverse_mass_[i];
    const double scale = std::sqrt(variance[i] / inverse_mass_[i]);
    shortest = std::min(shortest, scale);
    longest = std::max(longest, scale);
  }
  inverse_mass_ = std::move(variance);
  step_size_ = steps_.averaged() / shortest;
  steps_.restart(step_size_);
  tried_.clear();
  // What was learned of paths before there were scales is worth nothing: the criterion has more than one top, and the
  // lower ones lie further out and cost more.
  if (learns_path_) path_.restart(scaled_ ? std::max(path_.length() / longest, 1.0) : kScaledPath);
  scaled_ = true;
}

void Adaptation::draw() {
  phase_ = Phase::kDraw;
  iteration_ = 0;
  if (learns_step_) step_size_ = steps_.averaged();
  if (learns_path_) path_.restart(path_.averaged());
}

}  // namespace gpu_node::chain
