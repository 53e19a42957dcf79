// The order of things, and their pace.
#include "chain/sampler.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/concat.h"
#include "chain/explain_start.h"

namespace gpu_node::chain {
namespace {

Error invalid(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

Result<void> in_range(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return invalid(concat(name, " is ", value, "; ", least, " to ", most, " is possible"));
}

std::string text_of(double number) {
  if (std::isnan(number)) return "nan";  // whatever its sign
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr};
}

// Numbers that things are multiplied by: beyond these a model's type has no room for products.
Result<void> scale(const std::string& name, double value, Dtype dtype) {
  const bool wide = dtype == Dtype::f64;
  const double least = wide ? 1e-200 : 1e-30, most = wide ? 1e200 : 1e30;
  if (value >= least && value <= most) return {};
  return invalid(concat(name, " is ", text_of(value), "; ", text_of(least), " to ", text_of(most), " is possible in ",
                        dtype_info(dtype).name));
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
  if (options.step_size) GPU_TRY(scale("step_size", *options.step_size, model.dtype()));
  if (options.path_length) GPU_TRY(scale("path_length", *options.path_length, model.dtype()));
  if (!(options.jitter >= 0 && options.jitter <= 1))
    return invalid(concat("jitter is ", text_of(options.jitter), "; 0 to 1 is possible"));
  if (!(options.target_accept > 0 && options.target_accept < 1))
    return invalid(
        concat("target_accept is ", text_of(options.target_accept), "; what lies between 0 and 1 is possible"));
  if (options.warmup == 0 && !(options.step_size && options.path_length))
    return invalid("without warmup, step_size and path_length must be given");
  if (!options.inverse_mass.empty() && options.inverse_mass.size() != d)
    return invalid(concat("inverse_mass has ", counted(options.inverse_mass.size(), "number"), ", the model ",
                          counted(d, "coordinate")));
  for (size_t i = 0; i < options.inverse_mass.size(); ++i)
    GPU_TRY(scale(concat("number ", i, " of inverse_mass"), options.inverse_mass[i], model.dtype()));
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
  if (summed_ && ensemble_.idle()) {
    if (state_ == State::kExplain) return explain();
    absorb();
  }
  if (last()) {
    state_ = State::kDone;
    progress_.phase = SamplerProgress::Phase::kDone;
    return jobs::Next::kDone;
  }
  // What is allocated here is tried again where memory is short.
  if (!settled_) GPU_TRY(ensemble_.settings(device_, adaptation_));
  settled_ = true;
  if (state_ == State::kExplain && !summed_) {
    GPU_TRY(ensemble_.fetch(device_, unsound_.first));
    summed_ = true;
  }
  if (state_ == State::kStart) {
    begin_chains();
    state_ = State::kCheck;
  }
  jobs::Spending spending(device_, slice.aim_ms);
  for (uint64_t dispatches = 0; !spending.over(dispatches); ++dispatches) {
    while (ensemble_.idle() && walk_.done() && state_ < State::kEnd && !waits_) end_path();
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

void Sampler::begin_chains() {
  ensemble_.start(attempt_);
  walk_.begin(ensemble_.chains(), 0, 1);
}

// All chains have a density and a gradient to start from, or are drawn elsewhere, or nobody starts.
void Sampler::check_starts() {
  unsound_ = ensemble_.unsound();
  waits_ = false;
  if (unsound_.chains == 0) {
    state_ = State::kPath;
  } else if (!ensemble_.given() && attempt_ + 1 < kStartAttempts) {
    ++attempt_;
    begin_chains();
  } else {
    state_ = State::kExplain;
    waits_ = true;
  }
}

Error Sampler::explain() const {
  return no_finite_density(ensemble_.model(), {.position = ensemble_.fetched(),
                                               .chain = unsound_.first,
                                               .alike = unsound_.chains,
                                               .chains = ensemble_.chains(),
                                               .given = ensemble_.given(),
                                               .attempts = attempt_ + 1});
}

void Sampler::begin_path() {
  walk_.begin(ensemble_.chains(), 1, adaptation_.steps());
  progress_.leapfrog_steps += adaptation_.steps();
}

// What comes between two paths.
void Sampler::end_path() {
  if (state_ == State::kCheck) {
    ensemble_.check(attempt_);
    waits_ = summed_ = true;
    return;
  }
  if (!begun_) {
    begun_ = true;
    ensemble_.turn({.iteration = iteration_, .beginning = true, .counted = 0});
    begin_path();
    return;
  }
  ++iteration_;
  ++counted_;
  waits_ = adaptation_.learns();
  const bool draw_begins = adaptation_.iteration() % options_.thin == 0;
  ensemble_.turn({.iteration = iteration_,
                  .learning = waits_,
                  .shortening = adaptation_.shortens(),
                  .draw_begins = draw_begins,
                  .counted = counted_});
  if (waits_) {
    summed_ = true;
    ensemble_.reduce(true);
    return;
  }
  const bool draws = adaptation_.phase() == Adaptation::Phase::kDraw;
  const int64_t done = adaptation_.iteration() + 1;
  if (draws && done % options_.thin == 0) ensemble_.keep(done / options_.thin - 1);
  adaptation_.advance({});
  if (!draws && adaptation_.phase() == Adaptation::Phase::kDraw) begin_phase();
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
void Sampler::absorb() {
  summed_ = false;
  if (state_ == State::kCheck) return check_starts();
  const Ensemble::Seen seen = ensemble_.see(adaptation_.centre());
  ensemble_.set_unmoved(seen.unmoved);
  progress_.divergences = seen.divergences;
  progress_.acceptance = seen.mean_acceptance;
  if (!waits_) return;
  waits_ = false;
  progress_.acceptance = seen.observation.acceptance / static_cast<double>(ensemble_.chains());
  const Adaptation::Phase phase = adaptation_.phase();
  const bool rescaled = adaptation_.advance(seen.observation);
  if (phase != adaptation_.phase()) begin_phase();
  settled_ = false;
  // The momentum that is there was drawn for other scales.
  if (rescaled) ensemble_.turn({.iteration = iteration_, .beginning = true});
  // Those that rest have them too.
  const bool own = seen.observation.own > 0 || seen.observation.awake < static_cast<double>(ensemble_.chains());
  ensemble_.own_steps(own && adaptation_.shortens());
  begin_path();
  report();
}

// Counts are of a phase.
void Sampler::begin_phase() {
  counted_ = 0;
  progress_.divergences = 0;
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
