// Checks, allocation, and the pace: a slice has as many dispatches as are expected to take what it aims at.
#include "chain/chain_run.h"

#include <algorithm>

#include "base/concat.h"

namespace gpu_node::chain {
namespace {

constexpr double kLongestMs = 100;
constexpr double kSmallRound = 20'000;      // iterations of all chains; such rounds need no measuring first
constexpr uint64_t kUnmeasuredRounds = 32;  // of a small round
constexpr uint64_t kMostDispatches = 256;   // in a slice

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
                                                  const ChainRequest& request) {
  std::unique_ptr<ChainRun> run(new ChainRun(device, std::move(model), request));
  const vulkan::DeviceInfo& info = device.info();
  GPU_TRY(run->check(request));
  const DeviceModel& m = *run->model_;
  run->result_.mapping = request.mapping ? *request.mapping : m.mapping_for(run->chains_, info);
  GPU_ASSIGN(run->rounds_, plan_rounds(m.schedule(), m.launch(), run->result_.mapping));
  run->per_group_ = m.launch().chains_per_group(run->result_.mapping);
  run->most_groups_ = uint64_t{info.max_groups[0]} * info.max_groups[1];
  GPU_TRY(run->allocate(request));
  run->bind(request);
  run->enter_batch();
  return run;
}

Result<void> ChainRun::check(const ChainRequest& request) const {
  constexpr int64_t kMost = int64_t{1} << 30;
  const Launch& launch = model_->launch();
  const auto d = static_cast<uint64_t>(launch.coordinates);
  if (request.coordinates != static_cast<int64_t>(d))
    return invalid(concat("position has ", request.coordinates, " coordinates for each chain, the model ", d));
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

Result<void> ChainRun::allocate(const ChainRequest& request) {
  const Launch& launch = model_->launch();
  const auto size = static_cast<uint64_t>(dtype_size_bytes(model_->dtype()));
  result_.rows = request.last_only ? 1 : request.steps;
  const uint64_t row_numbers = chains_ * static_cast<uint64_t>(result_.rows);
  const auto numbers = [&](uint64_t count) {
    return device_.pool().allocate(count * size, vulkan::BufferUse::kDevice);
  };
  GPU_ASSIGN(result_.positions, numbers(row_numbers * launch.coordinates));
  GPU_ASSIGN(result_.momenta, numbers(row_numbers * launch.coordinates));
  GPU_ASSIGN(result_.gradients, numbers(row_numbers * launch.coordinates));
  GPU_ASSIGN(result_.logp, numbers(row_numbers));
  const uint64_t state_limit = std::min<uint64_t>(device_.info().max_storage_range / size, uint64_t{1} << 28);
  const uint64_t wanted =
      request.most_chains > 0 ? std::min(static_cast<uint64_t>(request.most_chains), chains_) : chains_;
  at_once_ = std::clamp<uint64_t>(state_limit / launch.chain_slots, 1, wanted);
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
  end_ = static_cast<uint64_t>(request.steps) + 1;
}

void ChainRun::enter_batch() {
  push_.batch_first = static_cast<uint32_t>(first_);
  push_.batch = static_cast<uint32_t>(std::min(at_once_, chains_ - first_));
  push_.chain_end = 0;
  window_ = std::min<uint64_t>(window_ == 0 ? push_.batch : window_, most_groups_ * per_group_);
  enter_window();
}

void ChainRun::enter_window() {
  push_.chain_first = push_.chain_end;
  push_.chain_end = static_cast<uint32_t>(std::min<uint64_t>(push_.chain_first + window_, push_.batch));
  round_ = 0;
  piece_ = 0;
}

void ChainRun::learn(double ms) {
  if (slice_dispatches_ == 0) return;
  result_.longest_ms = std::max(result_.longest_ms, ms);
  model_->pace(result_.mapping, slice_chains_).measured(slice_rounds_, ms);
  // One dispatch cannot be less than a piece of a round; it can be of fewer chains.
  if (slice_dispatches_ == 1 && slice_rounds_ <= 1 && ms > kLongestMs)
    window_ = std::max<uint64_t>(per_group_, window_ / 2);
  slice_dispatches_ = 0;
  slice_rounds_ = 0;
}

Result<jobs::Next> ChainRun::record(const jobs::Slice& slice) {
  learn(slice.took_ms);
  if (last()) return jobs::Next::kDone;
  if (kernel_ == nullptr) {
    GPU_ASSIGN(kernel_, model_->kernel(device_, result_.mapping));
    if (kernel_ == nullptr) return jobs::Next::kWait;
  }
  const uint64_t chains = push_.chain_end - push_.chain_first;
  const double work = static_cast<double>(rounds_.iterations) * model_->launch().weight * static_cast<double>(chains);
  const double least =
      work <= kSmallRound ? static_cast<double>(kUnmeasuredRounds) : 1.0 / static_cast<double>(rounds_.pieces.size());
  const double budget = std::max(model_->pace(result_.mapping, chains).units_in(slice.aim_ms, least), least);
  slice_chains_ = chains;
  const uint64_t batch = push_.batch_first, window = push_.chain_first;
  do {
    GPU_TRY(dispatch(std::max<uint64_t>(1, static_cast<uint64_t>(budget - slice_rounds_))));
  } while (slice_rounds_ + 1e-9 < budget && slice_dispatches_ < kMostDispatches && !last() &&
           push_.batch_first == batch && push_.chain_first == window);
  return jobs::Next::kSubmit;
}

Result<void> ChainRun::dispatch(uint64_t most_rounds) {
  const auto& most = device_.info().max_groups;
  const uint64_t groups = (push_.chain_end - push_.chain_first + per_group_ - 1) / per_group_;
  const auto x = static_cast<uint32_t>(std::min<uint64_t>(groups, most[0]));
  const auto y = static_cast<uint32_t>((groups + x - 1) / x);
  const Piece& piece = rounds_.pieces[piece_];
  const uint64_t count = std::min({most_rounds, rounds_.most_in_one, end_ - round_});
  push_.round_first = static_cast<uint32_t>(round_);
  push_.round_end = static_cast<uint32_t>(round_ + count);
  push_.stage_first = piece.stage_first;
  push_.stage_end = piece.stage_end;
  push_.begin = piece.begin;
  push_.end = piece.end;
  push_.inner_begin = piece.inner_begin;
  push_.inner_end = piece.inner_end;
  GPU_TRY(device_.recorder().dispatch(*kernel_, ranges_, std::as_bytes(std::span(&push_, 1)), {{x, y, 1}}));
  ++result_.dispatches;
  ++slice_dispatches_;
  slice_rounds_ += static_cast<double>(count) / static_cast<double>(rounds_.pieces.size());
  if (++piece_ < rounds_.pieces.size()) return {};
  piece_ = 0;
  round_ += count;
  if (round_ < end_) return {};
  if (push_.chain_end < push_.batch) {
    enter_window();
    return {};
  }
  first_ += push_.batch;
  if (first_ < chains_) enter_batch();
  return {};
}

Result<ChainResult> run_chains(vulkan::Device& device, std::shared_ptr<DeviceModel> model, const ChainRequest& request,
                               Deadline deadline) {
  GPU_ASSIGN(const std::unique_ptr<ChainRun> run, ChainRun::start(device, std::move(model), request));
  GPU_TRY(jobs::run_to_end(device, *run, deadline));
  return run->result();
}

}  // namespace gpu_node::chain
