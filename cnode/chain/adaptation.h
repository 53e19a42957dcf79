// The warm-up of all chains together: what iterations ask of it, what it learns from them.
//
// The first iterations look for a step size, one step each; they are not counted. Then come those of the warm-up, then
// the draws. What is given is not learned; scales are only learned where the step size is.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>

#include "chain/adapt.h"

namespace gpu_node::chain {

struct AdaptationOptions {
  int64_t chains = 1;
  size_t coordinates = 0;
  int64_t warmup = 0;
  double target_accept = 0.8;
  std::optional<double> step_size;
  std::optional<double> path_length;  // in coordinates divided by their scales, as all lengths here
  std::vector<double> inverse_mass;   // empty: learned
  double jitter = 1;                  // paths are uniform between this share of their length less, and all of it
  int64_t max_steps = 1000;
};

// What all chains did in one iteration.
struct Observation {
  double acceptance = 0;          // sums over chains: of probabilities,
  double inverse_acceptance = 0;  // of their inverses, no probability taken for less than kLeastAcceptance
  double above = 0;               // chains whose probability is above the target
  // Of chains that have moved in one of the last rest_limit() iterations, or have had no more than these to begin:
  double awake = 0, awake_inverse = 0;  // how many; the sum of inverses
  double own = 0, own_inverse = 0;      // likewise, of those among them whose steps are their own
  // Of those without the ones that have never moved yet:
  double counting = 0;           // how many; then sums over them:
  double path_weight = 0;        // of probabilities,
  double path_gradient = 0;      // and of the criterion's derivative by the path's time, times those
  std::vector<double> mean, m2;  // of each coordinate, after the iteration
};
inline constexpr double kLeastAcceptance = 0.1;

// How long a chain may stay where it is and still be taken for one that shorter steps would move.
inline uint32_t rest_limit(int64_t warmup) { return static_cast<uint32_t>(std::clamp<int64_t>(warmup / 8, 10, 50)); }

class Adaptation {
 public:
  explicit Adaptation(const AdaptationOptions& options);

  enum class Phase : uint8_t { kSearch, kWarmup, kDraw };
  Phase phase() const { return phase_; }
  int64_t iteration() const { return iteration_; }  // of the phase
  bool learns() const { return phase_ != Phase::kDraw && (learns_step_ || learns_path_ || learns_scales_); }
  // Chains that stay where they are may take steps of their own: where there is time for them to come home, and for the
  // step of all to settle when they are back.
  bool shortens() const { return phase_ == Phase::kWarmup && learns() && windows_.whole(); }

  // For the iteration that comes next.
  double step_size() const { return step_size_; }
  double path_length() const { return path_.length(); }
  uint32_t steps() const;
  const std::vector<double>& inverse_mass() const { return inverse_mass_; }
  // Where distances are measured from: near the mean of each coordinate.
  const std::vector<double>& centre() const { return centre_; }

  // An iteration is over. REQUIRES: |seen| has numbers if learns(). True when the inverse mass is another one now.
  bool advance(const Observation& seen);

 private:
  void search(const Observation& seen);
  void follow(const Observation& seen);
  double statistic(const Observation& seen);
  bool learn(const Observation& seen);
  void set_scales();
  void draw();

  AdaptationOptions options_;
  bool learns_step_, learns_path_, learns_scales_;
  Phase phase_ = Phase::kWarmup;
  int64_t iteration_ = 0;
  uint64_t seen_ = 0;
  std::deque<double> tried_;  // steps of the last rest_limit() iterations
  bool left_out_ = false;     // chains that rest
  double step_size_;
  DualAveraging steps_;
  PathLength path_;
  PooledMoments window_;
  Windows windows_;
  std::vector<double> inverse_mass_, centre_;
  int direction_ = 0;    // of the search: up or down
  bool scaled_ = false;  // scales were learned
};

}  // namespace gpu_node::chain
