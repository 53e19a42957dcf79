// Checks, allocation, and the slices: each has as many dispatches as are expected to take what it aims at.
#include "chain/chain_run.h"

#include <algorithm>

#include "base/concat.h"
#include "base/divide_up.h"
#include "jobs/spending.h"

namespace gpu_node::chain {
namespace {

// Chains that are in memory between dispatches: they keep any device busy, more would only take memory.
constexpr uint64_t kMostTogether = uint64_t{1} << 20;

Error invalid(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

Result<void> check_buffer(const vulkan::BufferRef& buffer, const char* name, uint64_t numbers, uint64_t size_bytes) {
  if (buffer == nullptr) return invalid(std::string(name) + " is missing");
  if (buffer->size_bytes() != numbers * size_bytes)
    return invalid(concat(name, " has ", buffer->size_bytes(), " bytes, not ", numbers, " numbers of ", size_bytes));
  return {};
}

}  // namespace

ChainRun::ChainRun(vulkan::Device& device, std::shared_ptr<DeviceModel> model, const ChainRequest& request)
    : device_(device), model_(std::move(model)), chains_(static_cast<uint64_t>(request.chains)) {}

Result<std::unique_ptr<ChainRun>> ChainRun::start(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                                                  const ChainRequest& request, const Pay& pay) {
  std::unique_ptr<ChainRun> run(new ChainRun(device, std::move(model), request));
  const vulkan::DeviceInfo& info = device.info();
  GPU_TRY(run->check(request));
  const DeviceModel& m = *run->model_;
  run->result_.mapping = request.mapping ? *request.mapping : m.mapping_for(run->chains_, info);
  GPU_ASSIGN(run->rounds_, plan_rounds(m.schedule(), m.launch(), run->result_.mapping));
  run->per_group_ = m.launch().chains_per_group(run->result_.mapping);
  run->most_together_ = uint64_t{info.max_groups[0]} * info.max_groups[1] * run->per_group_;
  run->walk_ =
      Walk(run->rounds_, round_cost(m.schedule(), m.launch(), run->result_.mapping, m.dtype(), info), run->per_group_);
  GPU_TRY(run->allocate(request, pay));
  run->bind(request);
  run->enter_batch();
  return run;
}

Result<void> ChainRun::check(const ChainRequest& request) const {
  constexpr int64_t kMost = int64_t{1} << 30;
  const Launch& launch = model_->launch();
  const auto d = static_cast<uint64_t>(launch.coordinates);
  if (request.coordinates != static_cast<int64_t>(d))
    return invalid(
        concat("position has ", counted(request.coordinates, "coordinate"), " for each chain, the model ", d));
  if (request.steps < 1 || request.steps > kMost)
    return invalid(concat("steps are ", request.steps, "; 1 to ", kMost, " is possible"));
  if (request.chains < 1 || request.chains > kMost)
    return invalid(concat("chains are ", request.chains, "; 1 to ", kMost, " is possible"));
  const auto size = static_cast<uint64_t>(dtype_size_bytes(model_->dtype()));
  const uint64_t rows = request.last_only ? 1 : static_cast<uint64_t>(request.steps);
  const uint64_t limit = std::min<uint64_t>(device_.info().max_storage_range, size << 32) / size;
  if (chains_ * d > limit || rows > limit / (chains_ * d))
    return Error{ErrorCode::kUnsupported,
                 concat(chains_, " chains of ", rows, " rows of ", d, " numbers are more than the ", limit,
                        " that a buffer of the device holds")};
  if (launch.chain_slots > limit)
    return Error{ErrorCode::kUnsupported,
                 concat("one chain needs ", launch.chain_slots, " numbers, more than a buffer of the device holds")};
  GPU_TRY(check_buffer(request.position, "position", chains_ * d, size));
  GPU_TRY(check_buffer(request.momentum, "momentum", chains_ * d, size));
  GPU_TRY(check_buffer(request.inverse_mass, "inverse mass", request.own_mass ? chains_ * d : d, size));
  return check_buffer(request.step_size, "step size", request.own_step ? chains_ : 1, size);
}

Result<void> ChainRun::allocate(const ChainRequest& request, const Pay& pay) {
  const Launch& launch = model_->launch();
  const auto size = static_cast<uint64_t>(dtype_size_bytes(model_->dtype()));
  result_.rows = request.last_only ? 1 : request.steps;
  const uint64_t row_numbers = chains_ * static_cast<uint64_t>(result_.rows);
  const auto numbers = [&](uint64_t count) {
    return device_.pool().allocate(count * size, vulkan::BufferUse::kDevice);
  };
  const uint64_t state_limit = std::min<uint64_t>(device_.info().max_storage_range / size, uint64_t{1} << 28);
  const uint64_t most = request.most_chains > 0 ? static_cast<uint64_t>(request.most_chains) : kMostTogether;
  at_once_ = std::clamp<uint64_t>(state_limit / launch.chain_slots, 1, std::min(most, chains_));
  if (pay) GPU_TRY(pay(at_once_ * launch.chain_slots * size));
  GPU_ASSIGN(result_.positions, numbers(row_numbers * launch.coordinates));
  GPU_ASSIGN(result_.momenta, numbers(row_numbers * launch.coordinates));
  GPU_ASSIGN(result_.gradients, numbers(row_numbers * launch.coordinates));
  GPU_ASSIGN(result_.logp, numbers(row_numbers));
  GPU_ASSIGN(state_, numbers(at_once_ * launch.chain_slots));
  return {};
}

void ChainRun::bind(const ChainRequest& request) {
  buffers_ = {
      model_->known(),   model_->words(),   state_,          request.position,  request.momentum, request.inverse_mass,
      request.step_size, result_.positions, result_.momenta, result_.gradients, result_.logp};
  for (size_t i = 0; i < kChainBuffers; ++i) {
    const bool written =
        i == static_cast<size_t>(ChainBuffer::kState) || i >= static_cast<size_t>(ChainBuffer::kPositions);
    ranges_[i] = {&buffers_[i], 0, buffers_[i]->size_bytes(), written};
  }
  const Launch& launch = model_->launch();
  push_.coordinates = launch.coordinates;
  push_.chain_slots = launch.chain_slots;
  push_.rows = static_cast<uint32_t>(result_.rows);
  push_.last = static_cast<uint32_t>(request.steps);
  push_.mass_stride = request.own_mass ? launch.coordinates : 0;
  push_.step_stride = request.own_step ? 1 : 0;
  rounds_of_run_ = static_cast<uint64_t>(request.steps) + 1;
}

void ChainRun::enter_batch() {
  push_.batch_first = static_cast<uint32_t>(first_);
  push_.batch = static_cast<uint32_t>(std::min(at_once_, chains_ - first_));
  walk_.begin(push_.batch, 0, rounds_of_run_);
  batch_units_ = walk_.units();
}

double ChainRun::share() const {
  if (last()) return 1;
  const double batch = batch_units_ > 0 ? 1 - walk_.units() / batch_units_ : 0;
  return (static_cast<double>(first_) + batch * push_.batch) / static_cast<double>(chains_);
}

Result<jobs::Next> ChainRun::record(const jobs::Slice& slice) {
  result_.longest_ms = std::max(result_.longest_ms, slice.took_ms);
  if (last()) return jobs::Next::kDone;
  if (kernel_ == nullptr) {
    GPU_ASSIGN(kernel_, model_->kernel(device_, result_.mapping));
    if (kernel_ == nullptr) return jobs::Next::kWait;
  }
  jobs::Spending spending(device_, slice.aim_ms);
  const uint64_t before = result_.dispatches;
  do {
    GPU_TRY(dispatch(walk_.next(spending.units(*kernel_, walk_.units()), most_together_)));
    if (!walk_.done()) continue;
    first_ += push_.batch;
    if (!last()) enter_batch();
  } while (!last() && !spending.over(result_.dispatches - before));
  return jobs::Next::kSubmit;
}

Result<void> ChainRun::dispatch(const Part& part) {
  const auto& most = device_.info().max_groups;
  const uint64_t groups = divide_up(part.chains, per_group_);
  const auto x = static_cast<uint32_t>(std::min<uint64_t>(groups, most[0]));
  const auto y = static_cast<uint32_t>(divide_up<uint64_t>(groups, x));
  const Piece& piece = rounds_.pieces[part.piece];
  push_.chain_first = static_cast<uint32_t>(part.first);
  push_.chain_end = static_cast<uint32_t>(part.first + part.chains);
  push_.round_first = static_cast<uint32_t>(part.round);
  push_.round_end = static_cast<uint32_t>(part.round + part.count);
  push_.stage_first = piece.stage_first;
  push_.stage_end = piece.stage_end;
  push_.begin = piece.begin;
  push_.end = piece.end;
  push_.inner_begin = piece.inner_begin;
  push_.inner_end = piece.inner_end;
  ++result_.dispatches;
  return device_.recorder().dispatch(*kernel_, ranges_, std::as_bytes(std::span(&push_, 1)), {{x, y, 1}, part.units});
}

Result<ChainResult> run_chains(vulkan::Device& device, std::shared_ptr<DeviceModel> model, const ChainRequest& request,
                               Deadline deadline, double aim_ms) {
  GPU_ASSIGN(const std::unique_ptr<ChainRun> run, ChainRun::start(device, std::move(model), request));
  GPU_TRY(jobs::run_to_end(device, *run, deadline, aim_ms));
  return run->result();
}

}  // namespace gpu_node::chain
