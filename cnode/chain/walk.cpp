#include "chain/walk.h"

#include <algorithm>
#include <cmath>

namespace gpu_node::chain {
namespace {

// |number| without its fraction.
uint64_t whole(double number, double least, double most) {
  return static_cast<uint64_t>(std::clamp(std::floor(number), least, std::max(least, most)));
}

}  // namespace

void Walk::begin(uint64_t chains, uint64_t round, uint64_t count) {
  chains_ = chains;
  round_ = round;
  left_ = count;
  taken_ = 0;
  chain_ = 0;
  piece_ = 0;
}

Part Walk::next(double units, uint64_t most_chains) {
  const auto pieces = static_cast<double>(pieces_);
  const double affordable = units / cost_.units * pieces;  // rounds of a chain
  if (taken_ == 0) {
    // More chains than keep the device busy need not share a dispatch; more rounds are better, since what a chain has
    // in registers is fetched and brought back once for all.
    const double together = effective(std::min(static_cast<double>(chains_), cost_.enough));
    taken_ = whole(affordable / together, 1, static_cast<double>(std::min(left_, most_in_one_)));
    chain_ = 0;
  }
  if (piece_ == 0) {
    // Chains that take no longer than one are one.
    const double wanted = std::max(affordable / static_cast<double>(taken_), cost_.at_once);
    const double groups = wanted / static_cast<double>(per_group_);
    const uint64_t most = std::min(most_chains, chains_ - chain_);
    window_ = std::min(most, whole(groups, 1, static_cast<double>(most)) * per_group_);
  }
  Part part = {.first = chain_, .chains = window_, .piece = piece_, .round = round_, .count = taken_};
  part.units = effective(static_cast<double>(window_)) * static_cast<double>(taken_) * cost_.units /
               static_cast<double>(pieces_);
  if (++piece_ < pieces_) return part;
  piece_ = 0;
  chain_ += window_;
  if (chain_ < chains_) return part;
  round_ += taken_;
  left_ -= taken_;
  taken_ = 0;
  chain_ = 0;
  return part;
}

}  // namespace gpu_node::chain
