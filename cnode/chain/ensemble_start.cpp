// Where chains start, and whether they can.
#include "chain/ensemble_parts.h"

namespace gpu_node::chain {

void Ensemble::start(uint32_t attempt) {
  if (attempt == 0)
    for (const Batch& batch : batches_) queue_.push_back(Clear{batch.counts, batch.chains * sizeof(uint32_t)});
  queue_.push_back(Clear{found_, 2 * sizeof(uint32_t)});
  if (given()) return;
  for (const Batch& batch : batches_) {
    const StartPush push = {.batch = static_cast<uint32_t>(batch.chains),
                            .batch_first = static_cast<uint32_t>(batch.first),
                            .coordinates = static_cast<uint32_t>(d_),
                            .seed_low = static_cast<uint32_t>(options_.seed),
                            .seed_high = static_cast<uint32_t>(options_.seed >> 32),
                            .attempt = attempt};
    const std::array ranges = {rows(result_.position, batch, d_, true), whole(batch.counts, false)};
    queue(kStart, ranges, push, elements(batch.chains * d_), static_cast<double>(batch.chains * d_));
  }
}

void Ensemble::check(uint32_t attempt) {
  const bool threads = shape_.mapping == Mapping::kThread;
  for (const Batch& batch : batches_) {
    const CheckPush push = {.batch = static_cast<uint32_t>(batch.chains),
                            .batch_first = static_cast<uint32_t>(batch.first),
                            .coordinates = static_cast<uint32_t>(d_),
                            .chain_stride = threads ? 1 : model_->launch().chain_slots,
                            .place_stride = threads ? static_cast<uint32_t>(batch.chains) : 1,
                            .logp_slot = logp_slot(),
                            .attempt = attempt};
    const std::array ranges = {whole(batch.state, false), whole(batch.counts, true), whole(found_, true)};
    queue(kCheck, ranges, push, elements(batch.chains * d_), static_cast<double>(batch.chains * d_));
  }
  queue_.push_back(Copy{found_, 0, partials_, 0, 2 * sizeof(uint32_t)});
}

Ensemble::Unsound Ensemble::unsound() const {
  uint32_t found[2];
  std::memcpy(found, partials_->mapped(), sizeof(found));
  return {found[0], uint32_t{~found[1]}};
}

Result<void> Ensemble::fetch(vulkan::Device& device, uint64_t chain) {
  GPU_ASSIGN(fetched_, device.pool().allocate(d_ * size_, vulkan::BufferUse::kDownload));
  queue_.push_back(Copy{given() ? options_.position : result_.position, chain * d_ * size_, fetched_, 0, d_ * size_});
  return {};
}

std::vector<double> Ensemble::fetched() const {
  std::vector<double> numbers(d_);
  for (uint64_t i = 0; i < d_; ++i) numbers[i] = read_number(fetched_->mapped(), shape_.dtype, i);
  return numbers;
}

}  // namespace gpu_node::chain
