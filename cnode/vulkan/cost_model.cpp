#include "vulkan/cost_model.h"

#include <algorithm>
#include <cmath>

namespace gpu_node::vulkan {
namespace {

// One submission corrects an estimate by these factors at most: others ran beside it, or the machine was busy. One that
// seems short may have begun before the end of the one ahead was noticed, and too low an estimate holds up everybody.
constexpr double kMostSlower = 8, kMostFaster = 4;
// What is off by less is as good as right.
constexpr double kClose = 1.1;
// Of many small commands most of the time goes into their number. They say something of a kernel's units where these
// are a good part of what was estimated, or where each command took long.
constexpr double kGoodPart = 0.3, kLongCommandNs = 500e3;

}  // namespace

// The first guesses of an unknown kernel are on the high side: what is guessed too long is submitted in smaller pieces,
// what is guessed too short holds up everybody. On two cores an add takes 1 ns an element, ten cosines take 45.
CostModel::CostModel(bool software) : first_unit_ns_(software ? 32 : 0.01), byte_ns_(software ? 0.2 : 0.001) {}

void CostModel::Batch::clear() {
  value = 0;
  ns = copied_ns = 0;
  commands = 0;
  unsure = false;
  shares.clear();
}

void CostModel::add_copy(uint64_t bytes) {
  const double ns = static_cast<double>(bytes) * byte_ns_;
  pending_.ns += ns;
  pending_.copied_ns += ns;
  ++pending_.commands;
}

void CostModel::submitted(uint64_t value) {
  pending_.value = value;
  in_flight_ns_ += pending_.ns;
  submitted_ns_ += pending_.ns;
  commands_in_flight_ += pending_.commands;
  ++batch_;
  in_flight_.push_back(std::move(pending_));
  pending_ = {};
  if (spare_.empty()) return;
  pending_ = std::move(spare_.back());
  spare_.pop_back();
}

void CostModel::finished(uint64_t value, std::optional<double> took_ms) {
  while (!in_flight_.empty() && in_flight_.front().value <= value) {
    Batch& batch = in_flight_.front();
    if (batch.value == value && took_ms && !batch.unsure) learn(batch, *took_ms * 1e6);
    in_flight_ns_ -= batch.ns;
    commands_in_flight_ -= batch.commands;
    batch.clear();
    spare_.push_back(std::move(batch));
    in_flight_.pop_front();
  }
  if (in_flight_.empty()) in_flight_ns_ = 0;
}

void CostModel::learn(const Batch& batch, double took_ns) {
  double estimate = 0;
  bool first = false;
  for (const Share& share : batch.shares) {
    UnitCost& cost = share.kernel->unit_cost();
    estimate += share.units * unit_ns(*share.kernel);
    first = first || !cost.ran;
    cost.ran = true;
  }
  took_ns -= batch.copied_ns;
  if (estimate <= 0 || took_ns <= 0) return;
  // Drivers compile at a kernel's first dispatch: that it took long says nothing, that it took a short time does.
  if (first && took_ns > estimate) return;
  if (estimate < kGoodPart * took_ns && took_ns < kLongCommandNs * static_cast<double>(batch.commands)) return;
  const bool close = took_ns < kClose * estimate && estimate < kClose * took_ns;
  const double factor = close ? 1 : std::clamp(took_ns / estimate, 1 / kMostFaster, kMostSlower);
  // Each in proportion to its share, so that what hardly counted is hardly changed, and stays unknown where it was.
  for (const Share& share : batch.shares) {
    const double ns = unit_ns(*share.kernel), part = share.units * ns / estimate;
    UnitCost& cost = share.kernel->unit_cost();
    if (cost.ns > 0 || part > kGoodPart) cost.ns = ns * std::pow(factor, part);
  }
}

}  // namespace gpu_node::vulkan
