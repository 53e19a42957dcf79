// How chains are cut into batches, and their memory.
#include <algorithm>
#include <numeric>

#include "base/concat.h"
#include "base/divide_up.h"
#include "chain/ensemble.h"

namespace gpu_node::chain {
namespace {

constexpr uint64_t kMostState = uint64_t{1} << 28;  // numbers of one state
// Chains are summed up in parts: of a few dozen, but of as many as it takes to leave the host less to add up.
constexpr uint64_t kPartChains = 32, kMostParts = uint64_t{1} << 16;

Error unsupported(const std::string& what) { return {ErrorCode::kUnsupported, what}; }

}  // namespace

Ensemble::Ensemble(std::shared_ptr<DeviceModel> model, const SamplerOptions& options)
    : model_(std::move(model)),
      options_(options),
      chains_(static_cast<uint64_t>(options.chains)),
      size_(static_cast<uint64_t>(dtype_size_bytes(model_->dtype()))),
      d_(model_->coordinates()) {}

Result<Ensemble> Ensemble::make(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                                const SamplerOptions& options, const Pay& pay) {
  Ensemble ensemble(std::move(model), options);
  GPU_TRY(ensemble.plan(device.info()));
  GPU_TRY(ensemble.allocate(device, pay));
  return ensemble;
}

Result<void> Ensemble::plan(const vulkan::DeviceInfo& device) {
  const Launch& launch = model_->launch();
  shape_ = {model_->dtype(), options_.mapping.value_or(model_->mapping_for(chains_, device)), launch.lanes};
  const auto d = static_cast<uint32_t>(d_);
  if (turn_iterations(d, shape_) > launch.most_iterations) shape_.mapping = Mapping::kWorkgroup;
  if (turn_iterations(d, shape_) > launch.most_iterations)
    return unsupported(concat("a sampler of ", counted(d, "coordinate"), " loops more than ", launch.most_iterations,
                              " times for each of ", shape_.lanes, " lanes"));
  GPU_ASSIGN(rounds_, plan_rounds(model_->schedule(), launch, shape_.mapping));
  if (options_.constrained)
    for (const Variable& variable : model_->program().symbols.variables)
      transforms_ |= 1u << static_cast<uint32_t>(variable.transform);
  most_groups_ = uint64_t{device.max_groups[0]} * device.max_groups[1];

  // A batch is as large as its largest buffers allow, and begins at an offset that may be bound in each of the results.
  const uint64_t draws = options_.keep_draws ? static_cast<uint64_t>(options_.draws) : 0;
  std::vector<uint64_t> rows = {d_};  // numbers; then bytes
  std::vector<uint64_t> byte_rows = {1};
  if (draws > 0) rows.push_back(draws), byte_rows.push_back(draws);
  const std::vector<int64_t>& offsets = model_->offsets();
  for (size_t v = 0; v + 1 < offsets.size(); ++v)
    if (draws > 0 && offsets[v + 1] > offsets[v])
      rows.push_back(draws * static_cast<uint64_t>(offsets[v + 1] - offsets[v]));
  const uint64_t limit = device.max_storage_range / size_;
  uint64_t most = std::max<uint64_t>({launch.chain_slots, kMomentArrays * d_, kNumberArrays});
  batch_chains_ = std::min(limit, kMostState) / most;
  uint64_t step = 1;
  const auto align = [&](uint64_t bytes) {
    const uint64_t alignment = std::max<uint64_t>(device.storage_alignment, 1);
    step = std::lcm(step, alignment / std::gcd(alignment, bytes));
  };
  for (const uint64_t row : rows) {
    most = std::max(most, row);
    batch_chains_ = std::min(batch_chains_, std::min<uint64_t>(limit, ~0u) / row);
    align(row * size_);
  }
  for (const uint64_t row : byte_rows) align(row);
  if (options_.most_chains > 0) batch_chains_ = std::min(batch_chains_, static_cast<uint64_t>(options_.most_chains));
  if (batch_chains_ >= chains_)
    batch_chains_ = chains_;
  else
    batch_chains_ = batch_chains_ / step * step;
  if (batch_chains_ == 0)
    return unsupported(concat("a chain takes ", most, " numbers in one buffer and chains lie in groups of ", step,
                              ", the device has ", limit, " for a buffer"));
  for (uint64_t first = 0; first < chains_; first += batch_chains_) {
    Batch batch;
    batch.first = first;
    batch.chains = std::min(batch_chains_, chains_ - first);
    batch.block_first = all_blocks_;
    const uint64_t parts =
        std::min(divide_up<uint64_t>(batch.chains, kPartChains), divide_up<uint64_t>(kMostParts, d_ + kChainColumns));
    batch.blocks = std::max(parts, divide_up<uint64_t>(batch.chains, launch.most_iterations));
    all_blocks_ += batch.blocks;
    batches_.push_back(std::move(batch));
  }
  return {};
}

Result<void> Ensemble::allocate(vulkan::Device& device, const Pay& pay) {
  vulkan::BufferPool& pool = device.pool();
  const auto bytes = [&](uint64_t count) { return pool.allocate(count, vulkan::BufferUse::kDevice); };
  const auto numbers = [&](uint64_t count) { return bytes(std::max<uint64_t>(count, 1) * size_); };
  for (Batch& batch : batches_) {
    scratch_.push_back({&batch.state, batch.chains * model_->launch().chain_slots * size_});
    scratch_.push_back({&batch.current, batch.chains * 2 * d_ * size_});
    scratch_.push_back({&batch.numbers, batch.chains * kNumberArrays * size_});
    scratch_.push_back({&batch.counts, batch.chains * kCountArrays * sizeof(uint32_t)});
    scratch_.push_back({&batch.steps, batch.chains * size_});
    scratch_.push_back({&batch.moments, batch.chains * kMomentArrays * d_ * size_});
  }
  const uint64_t alignment = std::max<uint64_t>(device.info().storage_alignment, 16);
  uint64_t end = 0;
  for (size_t i = 0; i < setting_at_.size(); ++i) {
    setting_at_[i] = end;
    end += divide_up<uint64_t>((i == 0 ? 1 : d_) * size_, alignment) * alignment;
  }
  settings_bytes_ = end;
  const uint64_t partials_bytes = 2 * (d_ + kChainColumns) * all_blocks_ * size_;
  uint64_t scratch_bytes = settings_bytes_ + partials_bytes + alignment;
  for (const Scratch& piece : scratch_) scratch_bytes += piece.bytes;
  if (pay) GPU_TRY(pay(scratch_bytes));

  // The results first, of which one may be more than any buffer holds.
  GPU_ASSIGN(result_.position, numbers(chains_ * d_));
  GPU_ASSIGN(result_.acceptance, numbers(chains_));
  GPU_ASSIGN(result_.divergences, bytes(chains_ * sizeof(uint32_t)));
  GPU_ASSIGN(result_.never_moved, bytes(chains_));
  for (size_t half = 0; half < 2; ++half) {
    GPU_ASSIGN(result_.mean[half], numbers(chains_ * d_));
    GPU_ASSIGN(result_.m2[half], numbers(chains_ * d_));
  }
  result_.half = options_.draws / 2;
  if (options_.keep_draws) {
    const uint64_t draws = chains_ * static_cast<uint64_t>(options_.draws);
    const std::vector<int64_t>& offsets = model_->offsets();
    GPU_ASSIGN(result_.logp, numbers(draws));
    GPU_ASSIGN(result_.energy, numbers(draws));
    GPU_ASSIGN(result_.diverged, bytes(draws));
    for (size_t v = 0; v + 1 < offsets.size(); ++v) {
      GPU_ASSIGN(vulkan::BufferRef buffer, numbers(draws * static_cast<uint64_t>(offsets[v + 1] - offsets[v])));
      result_.draws.push_back(std::move(buffer));
    }
  }
  GPU_ASSIGN(settings_, pool.allocate(settings_bytes_, vulkan::BufferUse::kDevice, true));
  GPU_ASSIGN(partials_, pool.allocate(partials_bytes, vulkan::BufferUse::kDownload));
  GPU_ASSIGN(unused_, bytes(alignment));
  GPU_ASSIGN(found_, bytes(2 * sizeof(uint32_t)));
  return {};
}

// What was had stays: where something is lacking, the rest is asked for again.
Result<void> Ensemble::allocate_scratch(vulkan::Device& device) {
  while (!scratch_.empty()) {
    const Scratch& next = scratch_.back();
    GPU_ASSIGN(*next.buffer, device.pool().allocate(std::max<uint64_t>(next.bytes, 1), vulkan::BufferUse::kDevice));
    scratch_.pop_back();
  }
  return {};
}

}  // namespace gpu_node::chain
