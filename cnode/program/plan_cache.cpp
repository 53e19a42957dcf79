#include "program/plan_cache.h"

#include "base/hash.h"

namespace gpu_node::program {
namespace {

constexpr size_t kPlaces = 2048;  // a power of two
// Large plans cost more to keep than to make.
constexpr size_t kMaxDispatches = 8;
constexpr uint64_t kEmitBytes = 256;      // of a dispatch: what its emitter keeps
constexpr uint64_t kCopy = ~uint64_t{0};  // in the place of an op
constexpr uint64_t kMap = kCopy - 1;
constexpr uint64_t kRows = kCopy - 2;
constexpr uint64_t kFinished = kCopy - 3;

}  // namespace

uint64_t CachedPlan::host_bytes() const {
  uint64_t bytes = sizeof(CachedPlan);
  for (const kernels::Dispatch& dispatch : plan.dispatches)
    bytes +=
        sizeof(dispatch) + kEmitBytes + dispatch.key.capacity() + dispatch.bindings.size() * sizeof(kernels::Binding);
  for (const auto& [scratch, contents] : plan.scratch_data) bytes += contents.size();
  return bytes;
}

PlanCache::PlanCache() : entries_(kPlaces) {}

void PlanCache::begin(const ir::Instruction& instruction) {
  key_.clear();
  key_.add(instruction);
}

void PlanCache::begin(const ir::Map& map) {
  key_.clear();
  key_.add(kMap);
  for (const ir::Definition& result : map.results) key_.add(result.type);
  key_.add(map.parts);
}

void PlanCache::begin(const ir::Rows& rows) {
  key_.clear();
  key_.add(kRows);
  for (const ir::Definition& result : rows.results) key_.add(result.type);
  key_.add(rows);
}

void PlanCache::begin(const ir::Finished& finished) {
  key_.clear();
  key_.add(kFinished);
  for (const ir::Definition& result : finished.results) key_.add(result.type);
  key_.add(finished);
}

void PlanCache::begin_copy() {
  key_.clear();
  key_.add(kCopy);
}

CachedPlan* PlanCache::find() {
  hash_ = hash_of(key_.words());
  Entry& entry = entries_[hash_ % kPlaces];
  missed_ = entry.plan == nullptr || entry.hash != hash_ || entry.key != key_.words();
  return missed_ ? nullptr : entry.plan.get();
}

CachedPlan& PlanCache::keep(kernels::Plan&& plan) {
  auto made = std::make_shared<CachedPlan>(std::move(plan));
  if (made->plan.dispatches.size() > kMaxDispatches) return *(unkept_ = std::move(made));
  Entry& entry = entries_[hash_ % kPlaces];
  entry.hash = hash_;
  entry.key = key_.words();
  entry.plan = std::move(made);
  return *entry.plan;
}

}  // namespace gpu_node::program
