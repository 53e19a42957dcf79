#include "kernels/order/radix.h"

#include <algorithm>
#include <bit>

#include "base/divide_up.h"
#include "kernels/order/radix_shader.h"
#include "kernels/reduce/scan.h"

namespace gpu_node::kernels {
namespace {

// How a radix sort is spread over a device.
struct RadixVariant {
  uint32_t log_bins, invocations, steps;
};
// A GPU: its subgroups count by ballots, which come with shuffles, and a block's elements of up to 4 bytes take 16 KiB
// of shared memory.
constexpr RadixVariant kByBallots = {8, 256, 16};
// A GPU without ballots: many invocations, whose counts of 16 digits fit the shared memory that every device has.
constexpr RadixVariant kByColumns = {4, 128, 16};
// A software driver: few passes of few invocations; barriers and dispatches are what costs there.
constexpr RadixVariant kInSoftware = {8, 16, 512};

bool take(const RadixVariant& variant, const vulkan::DeviceInfo& device, RadixPass& pass) {
  pass.log_bins = variant.log_bins;
  pass.invocations = std::min(variant.invocations, std::bit_floor(device.max_workgroup_invocations));
  pass.steps = variant.steps;
  return pass.shared_bytes() <= device.shared_memory_bytes;
}

bool take_ballots(const vulkan::DeviceInfo& device, RadixPass& pass) {
  if (!device.has_subgroup_shuffle || device.subgroup_size < 2 || device.subgroup_size > 64) return false;
  pass.subgroup = device.subgroup_size;
  RadixVariant variant = kByBallots;
  // Each of its subgroups has counts of its own.
  variant.invocations = std::min(variant.invocations, 8 * pass.subgroup);
  if (dtype_size_bytes(pass.element) == 8) variant.steps /= 2;
  if (take(variant, device, pass)) return true;
  pass.subgroup = 1;
  return false;
}

void spread(const vulkan::DeviceInfo& device, RadixPass& pass) {
  if (device.software ? take(kInSoftware, device, pass) : take_ballots(device, pass)) return;
  take(kByColumns, device, pass);
}

// Rows on their way through the passes.
class Passes {
 public:
  Passes(const Place& source, const RadixSort& sort, PlanBuilder& plan) : plan_(plan), sort_(sort) {
    const Shape& shape = source.map.shape;
    count_ = shape[shape.size() - 1];
    rows_ = element_count(shape) / count_;
    pass_.element = source.dtype;
    pass_.descending = sort.descending;
    spread(plan.device(), pass_);
    if (!pass_.has_ballots())
      pass_.steps = std::min(pass_.steps, static_cast<uint32_t>(divide_up<int64_t>(count_, pass_.invocations)));
    blocks_ = divide_up(count_, int64_t{pass_.invocations} * pass_.steps);
  }
  Result<void> append(const Bound& source);

 private:
  Result<void> append_one(const Bound& source, uint32_t number, uint32_t passes);
  Result<void> append_kernel(uint32_t shift, int64_t keep, int64_t offset, std::vector<Binding> bindings);
  Result<void> add_scratch(uint32_t bytes, uint32_t count, uint32_t (&scratch)[2]);

  PlanBuilder& plan_;
  const RadixSort& sort_;
  RadixPass pass_;
  int64_t rows_ = 0, count_ = 0, blocks_ = 0;
  uint32_t offsets_ = 0;
  // What a pass leaves for the next, in turn.
  uint32_t bits_[2] = {}, places_[2] = {};
};

Result<void> Passes::append_kernel(uint32_t shift, int64_t keep, int64_t offset, std::vector<Binding> bindings) {
  Dispatch dispatch;
  dispatch.key = pass_.key();
  dispatch.emit = [pass = pass_, &device = plan_.device()] { return pass.emit(device); };
  dispatch.bindings = std::move(bindings);
  SmallList<uint32_t, RadixPass::kWords> words;
  for (const int64_t word : {rows_, count_, blocks_, int64_t{pass_.steps}, int64_t{shift}, keep, offset})
    words.push_back(static_cast<uint32_t>(word));
  plan_.set_parameters(words.span(), dispatch);
  plan_.set_grid(static_cast<uint64_t>(rows_ * blocks_), 1, dispatch);
  dispatch.grid.units = static_cast<double>(rows_ * count_);
  return plan_.append(std::move(dispatch));
}

Result<void> Passes::append_one(const Bound& source, uint32_t number, uint32_t passes) {
  const uint32_t shift = number * pass_.log_bins, from = (number + 1) % 2, to = number % 2;
  const bool last = number + 1 == passes;
  const Binding read = number == 0 ? source.binding : of_scratch(bits_[from], false);
  const int64_t offset = number == 0 ? source.offset : 0;
  pass_.counts = true;
  GPU_TRY(append_kernel(shift, count_, offset, {read, of_scratch(offsets_, true)}));
  GPU_TRY(append_offsets(offsets_, rows_, blocks_ << pass_.log_bins, plan_));
  pass_.counts = false;
  pass_.first = number == 0;
  pass_.values = !last || sort_.values != nullptr;
  pass_.positions = sort_.positions != nullptr;
  pass_.index = last && pass_.positions ? sort_.positions->dtype : Dtype::u32;
  std::vector<Binding> bindings = {read, of_scratch(offsets_, false)};
  if (pass_.positions && !pass_.first) bindings.push_back(of_scratch(places_[from], false));
  int64_t keep = count_;
  if (!last) {
    bindings.push_back(of_scratch(bits_[to], true));
    if (pass_.positions) bindings.push_back(of_scratch(places_[to], true));
    return append_kernel(shift, keep, offset, std::move(bindings));
  }
  for (const Place* place : {sort_.values, sort_.positions}) {
    if (place == nullptr) continue;
    GPU_ASSIGN(const Bound bound, plan_.bind(*place, true));
    bindings.push_back(bound.binding);
    keep = place->map.shape[place->map.shape.size() - 1];
  }
  return append_kernel(shift, keep, offset, std::move(bindings));
}

Result<void> Passes::add_scratch(uint32_t bytes, uint32_t count, uint32_t (&scratch)[2]) {
  for (uint32_t i = 0; i < count; ++i) {
    GPU_ASSIGN(scratch[i], plan_.add_parts(rows_, count_, bytes));
  }
  return {};
}

Result<void> Passes::append(const Bound& source) {
  if (rows_ * count_ > int64_t{1} << 31)
    return plan_.unsupported(concat(rows_, " rows of ", count_, " elements; at most 2147483648 are supported"));
  const uint32_t passes = divide_up(sort_.bits, pass_.log_bins), kept = std::min(passes - 1, 2u);
  GPU_TRY(add_scratch(static_cast<uint32_t>(dtype_size_bytes(pass_.element)), kept, bits_));
  if (sort_.positions != nullptr) GPU_TRY(add_scratch(sizeof(uint32_t), kept, places_));
  GPU_ASSIGN(offsets_, plan_.add_parts(rows_, blocks_ << pass_.log_bins, sizeof(uint32_t)));
  for (uint32_t number = 0; number < passes; ++number) GPU_TRY(append_one(source, number, passes));
  return {};
}

}  // namespace

Result<void> append_radix(const Place& source, const RadixSort& sort, PlanBuilder& plan) {
  GPU_ASSIGN(const Bound bound, plan.bind(source, false));
  return Passes(source, sort, plan).append(bound);
}

}  // namespace gpu_node::kernels
