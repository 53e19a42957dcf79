// The order of things, and their pace.
#include "chain/sampler.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"

namespace gpu_node::chain {
namespace {

constexpr uint64_t kMostDispatches = 4096;  // in a slice
constexpr double kUnmeasured = 512;         // rounds of a chain in the first slice
constexpr double kGrowth = 64;              // of a slice over the last one

Error invalid(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

Result<void> in_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return invalid(concat(name, " is ", value, "; ", least, " to ", most, " is possible"));
}

Result<void> positive(const std::string& name, double value) {
  if (std::isfinite(value) && value > 0) return {};
  return invalid(concat(name, " is ", std::to_string(value), ", not a positive number"));
}

Result<void> check(const SamplerOptions& options, const DeviceModel& model) {
  constexpr int64_t kMost = int64_t{1} << 30;
  const auto d = static_cast<uint64_t>(model.coordinates());
  GPU_TRY(in_range("the number of coordinates", static_cast<int64_t>(d), 1, kMost));
  GPU_TRY(in_range("chains", options.chains, 1, kMost));
  GPU_TRY(in_range("warmup", options.warmup, 0, kMost));
  GPU_TRY(in_range("draws", options.draws, 1, kMost));
  GPU_TRY(in_range("thin", options.thin, 1, kMost / options.draws));
  GPU_TRY(in_range("max_steps", options.max_steps, 1, kMost));
  if (options.step_size) GPU_TRY(positive("step_size", *options.step_size));
  if (options.path_length) GPU_TRY(positive("path_length", *options.path_length));
  if (!(options.jitter >= 0 && options.jitter <= 1))
    return invalid(concat("jitter is ", std::to_string(options.jitter), ", not from 0 to 1"));
  if (!(options.target_accept > 0 && options.target_accept < 1))
    return invalid(concat("target_accept is ", std::to_string(options.target_accept), ", not between 0 and 1"));
  if (options.warmup == 0 && !(options.step_size && options.path_length))
    return invalid("without warmup, step_size and path_length must be given");
  if (!options.inverse_mass.empty() && options.inverse_mass.size() != d)
    return invalid(concat("inverse_mass has ", options.inverse_mass.size(), " numbers, the model ", d, " coordinates"));
  for (size_t i = 0; i < options.inverse_mass.size(); ++i)
    GPU_TRY(positive(concat("number ", i, " of inverse_mass"), options.inverse_mass[i]));
  const uint64_t bytes =
      static_cast<uint64_t>(options.chains) * d * static_cast<uint64_t>(dtype_size_bytes(model.dtype()));
  if (options.position != nullptr && options.position->size_bytes() != bytes)
    return invalid(concat("position has ", options.position->size_bytes(), " bytes, not the ", bytes, " of ",
                          options.chains, " chains of ", d, " coordinates"));
  return {};
}

}  // namespace

Result<std::unique_ptr<Sampler>> Sampler::start(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                                                const SamplerOptions& options) {
  GPU_TRY(check(options, *model));
  const AdaptationOptions adaptation = {.chains = options.chains,
                                        .coordinates = model->coordinates(),
                                        .warmup = options.warmup,
                                        .target_accept = options.target_accept,
                                        .step_size = options.step_size,
                                        .path_length = options.path_length,
                                        .inverse_mass = options.inverse_mass,
                                        .jitter = options.jitter,
                                        .max_steps = options.max_steps};
  GPU_ASSIGN(Ensemble ensemble, Ensemble::make(device, std::move(model), options));
  return std::unique_ptr<Sampler>(new Sampler(device, std::move(ensemble), options, adaptation));
}

Sampler::Sampler(vulkan::Device& device, Ensemble ensemble, const SamplerOptions& options,
                 const AdaptationOptions& adaptation)
    : device_(device), ensemble_(std::move(ensemble)), options_(options), adaptation_(adaptation) {
  report();
}

void Sampler::measure(const jobs::Slice& slice) {
  pace_.measured(recorded_, slice.took_ms);
  budget_ = std::min(pace_.units_in(slice.aim_ms, kUnmeasured), kGrowth * std::max(recorded_, kUnmeasured));
  recorded_ = 0;
  dispatches_ = 0;
}

Result<jobs::Next> Sampler::record(const jobs::Slice& slice) {
  if (state_ == State::kDone) return jobs::Next::kDone;
  GPU_ASSIGN(const bool ready, ensemble_.ready(device_));
  if (!ready) return jobs::Next::kWait;
  measure(slice);
  if (summed_) GPU_TRY(absorb());
  if (state_ == State::kEnd) {
    state_ = State::kDone;
    progress_.phase = SamplerProgress::Phase::kDone;
    return jobs::Next::kDone;
  }
  if (state_ == State::kStart) {
    GPU_TRY(ensemble_.settings(device_, adaptation_));
    GPU_TRY(ensemble_.start(device_));
    way_ = {.round = 0, .rounds = 1};
    state_ = State::kPath;
  }
  while (recorded_ < budget_ && dispatches_ < kMostDispatches && !waits_ && state_ == State::kPath) {
    if (way_.rounds > 0)
      GPU_TRY(follow());
    else
      GPU_TRY(end_path());
  }
  // What is known of the draws goes to the host once for each slice.
  if (!summed_ && adaptation_.phase() == Adaptation::Phase::kDraw && counted_ > 0) {
    GPU_TRY(ensemble_.reduce(device_, false));
    summed_ = true;
  }
  return jobs::Next::kSubmit;
}

// The next dispatch of the path, of as many chains and rounds as the rest of the slice has time for.
Result<void> Sampler::follow() {
  const size_t pieces = ensemble_.rounds().pieces.size();
  const auto chains = static_cast<double>(ensemble_.chains());
  const double rest = std::max(budget_ - recorded_, 1.0);
  if (way_.taken == 0) {
    const double whole = std::clamp(std::floor(rest / chains), 1.0, static_cast<double>(way_.rounds));
    way_.taken =
        static_cast<uint32_t>(std::min<uint64_t>(static_cast<uint64_t>(whole), ensemble_.rounds().most_in_one));
    way_.chain = 0;
    way_.piece = 0;
  }
  if (way_.piece == 0) {
    const double affordable = std::min(std::ceil(std::max(rest, budget_ / 2) / way_.taken), chains);
    way_.window = ensemble_.window(way_.chain, static_cast<uint64_t>(affordable));
  }
  GPU_TRY(ensemble_.leapfrog(device_, way_.chain, way_.window, way_.piece, way_.round, way_.taken));
  ++dispatches_;
  recorded_ += static_cast<double>(way_.window) * way_.taken / static_cast<double>(pieces);
  if (++way_.piece < pieces) return {};
  way_.piece = 0;
  way_.chain += way_.window;
  if (way_.chain < ensemble_.chains()) return {};
  way_.round += way_.taken;
  way_.rounds -= way_.taken;
  way_.taken = 0;
  return {};
}

void Sampler::begin_path() {
  way_ = {.round = 1, .rounds = adaptation_.steps()};
  progress_.leapfrog_steps += way_.rounds;
}

Result<void> Sampler::end_path() {
  recorded_ += static_cast<double>(ensemble_.chains());
  dispatches_ += 2;
  if (!begun_) {
    begun_ = true;
    GPU_TRY(ensemble_.turn(device_, {.iteration = iteration_, .beginning = true}));
    begin_path();
    return {};
  }
  ++iteration_;
  ++counted_;
  waits_ = adaptation_.learns();
  GPU_TRY(ensemble_.turn(device_, {.iteration = iteration_, .learning = waits_, .counted = counted_}));
  if (waits_) {
    summed_ = true;
    return ensemble_.reduce(device_, true);
  }
  const bool draws = adaptation_.phase() == Adaptation::Phase::kDraw;
  const int64_t done = adaptation_.iteration() + 1;
  if (draws && done % options_.thin == 0) GPU_TRY(ensemble_.keep(device_, done / options_.thin - 1));
  adaptation_.advance({});
  if (!draws && adaptation_.phase() == Adaptation::Phase::kDraw) counted_ = 0;
  report();
  if (draws && done == options_.draws * options_.thin) {
    state_ = State::kEnd;
    summed_ = true;
    return ensemble_.finish(device_);
  }
  begin_path();
  return {};
}

// The host's part of an iteration that is learned from, or a look at the draws.
Result<void> Sampler::absorb() {
  const Ensemble::Seen seen = ensemble_.see(adaptation_.centre());
  summed_ = false;
  progress_.divergences = seen.divergences;
  progress_.acceptance = seen.mean_acceptance;
  if (!waits_) return {};
  waits_ = false;
  progress_.acceptance = seen.observation.acceptance / static_cast<double>(ensemble_.chains());
  const Adaptation::Phase phase = adaptation_.phase();
  const bool rescaled = adaptation_.advance(seen.observation);
  if (phase != Adaptation::Phase::kDraw && adaptation_.phase() == Adaptation::Phase::kDraw) counted_ = 0;
  GPU_TRY(ensemble_.settings(device_, adaptation_));
  // The momentum that is there was drawn for other scales.
  if (rescaled) GPU_TRY(ensemble_.turn(device_, {.iteration = iteration_, .beginning = true}));
  begin_path();
  report();
  return {};
}

void Sampler::report() {
  using Phase = SamplerProgress::Phase;
  switch (adaptation_.phase()) {
    case Adaptation::Phase::kSearch:
      progress_.phase = Phase::kSearch;
      break;
    case Adaptation::Phase::kWarmup:
      progress_.phase = Phase::kWarmup;
      break;
    case Adaptation::Phase::kDraw:
      progress_.phase = Phase::kDraw;
      break;
  }
  progress_.iteration = adaptation_.iteration();
  progress_.iterations = progress_.phase == Phase::kDraw     ? options_.draws * options_.thin
                         : progress_.phase == Phase::kWarmup ? options_.warmup
                                                             : 0;
  progress_.step_size = adaptation_.step_size();
  progress_.path_length = adaptation_.path_length();
}

}  // namespace gpu_node::chain
