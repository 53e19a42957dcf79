#include "program/plan_cache.h"

#include <bit>

#include "base/hash.h"

namespace gpu_node::program {
namespace {

constexpr size_t kPlaces = 2048;  // a power of two
// Large plans cost more to keep than to make.
constexpr size_t kMaxDispatches = 8;

}  // namespace

PlanCache::PlanCache() : entries_(kPlaces) {}

void PlanCache::begin(const ir::Instruction& instruction) {
  key_.clear();
  const ir::Attributes& attributes = instruction.attributes;
  const ir::TensorType& result = instruction.results[0].second;
  const auto bit = [](bool set, int at) { return static_cast<uint64_t>(set) << at; };
  key_.push_back(uint64_t{instruction.op->index} | static_cast<uint64_t>(result.dtype) << 16 |
                 bit(attributes.has_axes, 24) | bit(attributes.keep_axes, 25) | bit(attributes.tie_high, 26) |
                 static_cast<uint64_t>(attributes.axis) << 32);
  add(result.shape);
  switch (instruction.op->family) {
    case ir::Family::kUnary:
    case ir::Family::kBinary:
    case ir::Family::kTernary:
    case ir::Family::kCast:
      break;  // take no attributes
    default:
      add(attributes.axes);
      add(attributes.contract_left);
      add(attributes.batch_left);
      add(attributes.contract_right);
      add(attributes.batch_right);
      add(attributes.value);
  }
}

void PlanCache::add(const Dims& dims) {
  key_.push_back(static_cast<uint64_t>(dims.size()));
  for (const int64_t value : dims) key_.push_back(static_cast<uint64_t>(value));
}

void PlanCache::add(Dtype dtype, const IndexMap& map, uint64_t storage_bytes) {
  key_.push_back(1 << 8 | static_cast<uint64_t>(dtype));
  add(map.shape);
  add(map.strides);
  key_.push_back(static_cast<uint64_t>(map.offset));
  key_.push_back(storage_bytes);
}

void PlanCache::add(const Scalar& literal) {
  key_.push_back(2 << 8 | static_cast<uint64_t>(literal.dtype) | static_cast<uint64_t>(literal.value.index()) << 16);
  if (const auto* integer = std::get_if<int64_t>(&literal.value)) {
    key_.push_back(static_cast<uint64_t>(*integer));
  } else if (const auto* natural = std::get_if<uint64_t>(&literal.value)) {
    key_.push_back(*natural);
  } else if (const auto* real = std::get_if<double>(&literal.value)) {
    key_.push_back(std::bit_cast<uint64_t>(*real));
  } else {
    const auto& value = std::get<std::complex<double>>(literal.value);
    key_.push_back(std::bit_cast<uint64_t>(value.real()));
    key_.push_back(std::bit_cast<uint64_t>(value.imag()));
  }
}

CachedPlan* PlanCache::find() {
  hash_ = hash_of(key_);
  Entry& entry = entries_[hash_ % kPlaces];
  return entry.plan != nullptr && entry.hash == hash_ && entry.key == key_ ? entry.plan.get() : nullptr;
}

CachedPlan& PlanCache::keep(kernels::Plan&& plan) {
  auto made = std::make_unique<CachedPlan>(std::move(plan));
  if (made->plan.dispatches.size() > kMaxDispatches) return *(unkept_ = std::move(made));
  Entry& entry = entries_[hash_ % kPlaces];
  entry.hash = hash_;
  entry.key = key_;
  entry.plan = std::move(made);
  return *entry.plan;
}

}  // namespace gpu_node::program
