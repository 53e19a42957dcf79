// The order of things, and their pace.
#include "chain/sampler.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"

namespace gpu_node::chain {
namespace {

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
    return invalid(concat("inverse_mass has ", counted(options.inverse_mass.size(), "number"), ", the model ",
                          counted(d, "coordinate")));
  for (size_t i = 0; i < options.inverse_mass.size(); ++i)
    GPU_TRY(positive(concat("number ", i, " of inverse_mass"), options.inverse_mass[i]));
  const uint64_t bytes =
      static_cast<uint64_t>(options.chains) * d * static_cast<uint64_t>(dtype_size_bytes(model.dtype()));
  if (options.position != nullptr && options.position->size_bytes() != bytes)
    return invalid(concat("position has ", options.position->size_bytes(), " bytes, not the ", bytes, " of ",
                          counted(options.chains, "chain"), " of ", counted(d, "coordinate")));
  return {};
}

}  // namespace

Result<std::unique_ptr<Sampler>> Sampler::start(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                                                const SamplerOptions& options, const Pay& pay) {
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
  GPU_ASSIGN(Ensemble ensemble, Ensemble::make(device, std::move(model), options, pay));
  return std::unique_ptr<Sampler>(new Sampler(device, std::move(ensemble), options, adaptation));
}

Sampler::Sampler(vulkan::Device& device, Ensemble ensemble, const SamplerOptions& options,
                 const AdaptationOptions& adaptation)
    : device_(device), ensemble_(std::move(ensemble)), options_(options), adaptation_(adaptation) {
  walk_ = ensemble_.walk(device.info());
  report();
}

Result<jobs::Next> Sampler::record(const jobs::Slice& slice) {
  if (state_ == State::kDone) return jobs::Next::kDone;
  GPU_ASSIGN(const bool ready, ensemble_.ready(device_));
  if (!ready) return jobs::Next::kWait;
  if (summed_ && ensemble_.idle()) GPU_TRY(absorb());
  if (last()) {
    state_ = State::kDone;
    progress_.phase = SamplerProgress::Phase::kDone;
    return jobs::Next::kDone;
  }
  if (state_ == State::kStart) {
    GPU_TRY(ensemble_.settings(device_, adaptation_));
    ensemble_.start();
    walk_.begin(ensemble_.chains(), 0, 1);
    state_ = State::kPath;
  }
  jobs::Spending spending(device_, slice.aim_ms);
  for (uint64_t dispatches = 0; !spending.over(dispatches); ++dispatches) {
    while (ensemble_.idle() && walk_.done() && state_ == State::kPath && !waits_) end_path();
    if (!ensemble_.idle())
      GPU_TRY(ensemble_.go_on(device_, spending));
    else if (!walk_.done())
      GPU_TRY(ensemble_.follow(device_, walk_, spending));
    else
      break;
  }
  // What is known of the draws goes to the host once for each slice in which some were made.
  if (!summed_ && ensemble_.idle() && adaptation_.phase() == Adaptation::Phase::kDraw && counted_ != looked_) {
    looked_ = counted_;
    summed_ = true;
    ensemble_.reduce(false);
    while (!ensemble_.idle() && !spending.over(0)) GPU_TRY(ensemble_.go_on(device_, spending));
  }
  if (summed_ && ensemble_.idle()) GPU_TRY(device_.recorder().make_host_visible());
  return jobs::Next::kSubmit;
}

void Sampler::begin_path() {
  walk_.begin(ensemble_.chains(), 1, adaptation_.steps());
  progress_.leapfrog_steps += adaptation_.steps();
}

// What comes between two paths.
void Sampler::end_path() {
  if (!begun_) {
    begun_ = true;
    ensemble_.turn({.iteration = iteration_, .beginning = true});
    begin_path();
    return;
  }
  ++iteration_;
  ++counted_;
  waits_ = adaptation_.learns();
  ensemble_.turn({.iteration = iteration_, .learning = waits_, .counted = counted_});
  if (waits_) {
    summed_ = true;
    ensemble_.reduce(true);
    return;
  }
  const bool draws = adaptation_.phase() == Adaptation::Phase::kDraw;
  const int64_t done = adaptation_.iteration() + 1;
  if (draws && done % options_.thin == 0) ensemble_.keep(done / options_.thin - 1);
  adaptation_.advance({});
  if (!draws && adaptation_.phase() == Adaptation::Phase::kDraw) counted_ = 0;
  report();
  if (draws && done == options_.draws * options_.thin) {
    state_ = State::kEnd;
    summed_ = true;
    ensemble_.finish();
    return;
  }
  begin_path();
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
  if (rescaled) ensemble_.turn({.iteration = iteration_, .beginning = true});
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
