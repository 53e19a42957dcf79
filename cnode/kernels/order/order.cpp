// Plans top_k, sort and argsort: rows are put in order segment by segment, and of each segment what can be among the k
// stays, until one is left. Where more than half a segment stays, long rows are sorted digit by digit instead.
#include <algorithm>
#include <bit>

#include "base/divide_up.h"
#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/order/order_key.h"
#include "kernels/order/order_shader.h"
#include "kernels/order/radix.h"

namespace gpu_node::kernels {
namespace {

// Elements of a segment where a row has several.
constexpr uint32_t kLogSegment = 10;

// How a sort of segments is spread over a device.
struct OrderVariant {
  uint32_t log_registers[3];  // words of an invocation, by how many parts they have
  uint32_t log_block;         // words of a workgroup, at most
};
// A GPU: registers for what shuffles need not move; 32 KiB of shared memory.
constexpr OrderVariant kOnGpu = {{4, 4, 3}, 13};
// A software driver has few registers, and takes long to compile many steps.
constexpr OrderVariant kInSoftware = {{3, 3, 2}, 10};
constexpr uint32_t kInvocations = 128;

const OrderVariant& variant_of(const vulkan::DeviceInfo& device) { return device.software ? kInSoftware : kOnGpu; }

// What is wanted of rows in order: their first |k|, as values, positions or both.
struct Wanted {
  bool descending = false;
  uint64_t k = 1;
  const Place* values = nullptr;
  const Place* positions = nullptr;
};

// How |pass| is spread for segments of 2^|log_segment|. Neighbours read neighbours where segments are short, too.
OrderPass spread(OrderPass pass, uint32_t log_segment, const vulkan::DeviceInfo& device) {
  const uint32_t most = variant_of(device).log_registers[pass.parts() - 1];
  pass.log_registers = std::min({most, log_segment, std::max(3u, log_segment - std::min(log_segment, 3u))});
  pass.invocations = std::max(kInvocations, 1u << (log_segment - pass.log_registers));
  const uint32_t lanes = device.subgroup_size;
  if (device.has_subgroup_shuffle && lanes <= kInvocations) pass.subgroup = lanes;
  return pass;
}

// Whether a workgroup can put 2^|log_segment| words in order.
bool fits(const OrderPass& pass, uint32_t log_segment, const vulkan::DeviceInfo& device) {
  const OrderPass whole = spread(pass, log_segment, device);
  return log_segment <= variant_of(device).log_block && whole.invocations <= device.max_workgroup_invocations &&
         whole.shared_bytes() <= device.shared_memory_bytes;
}

// Words in scratch: |count| for each row.
struct Words {
  uint32_t scratch = 0;
  uint64_t count = 0;
};

// Rows on their way through passes over segments.
class Rows {
 public:
  Rows(const Place& source, const Wanted& wanted, PlanBuilder& plan) : plan_(plan) {
    const Shape& shape = source.map.shape;
    length_ = static_cast<uint64_t>(shape[shape.size() - 1]);
    rows_ = static_cast<uint64_t>(element_count(shape)) / length_;
    pass_.element = source.dtype;
    pass_.descending = wanted.descending;
    pass_.values = wanted.values != nullptr;
    pass_.positions = wanted.positions != nullptr;
    if (wanted.positions != nullptr) pass_.index = wanted.positions->dtype;
    pass_.short_rows = length_ <= 1u << 16;
    // At least two words of an invocation: slot() of order.glsl takes words of one to each other's places.
    const auto log_row = static_cast<uint32_t>(std::countr_zero(std::bit_ceil(std::max<uint64_t>(length_, 2))));
    is_one_ = fits(pass_, log_row, plan.device());
    log_segment_ = is_one_ ? log_row : kLogSegment;
  }

  // Whether a segment holds a row.
  bool is_one() const { return is_one_; }
  uint64_t segment() const { return uint64_t{1} << log_segment_; }
  Result<void> append(const Place& source, const Wanted& wanted);

 private:
  // One pass over rows of |count| places: of the source, or of |from|. It leaves |keep| of each segment and |out| of
  // each row, in |to| or as the results.
  Result<void> append_pass(const Words* from, const Words* to, uint64_t count, uint64_t keep, uint64_t out);

  PlanBuilder& plan_;
  OrderPass pass_;
  uint64_t rows_ = 0, length_ = 0;
  bool is_one_ = false;
  uint32_t log_segment_ = 0;
  Bound source_{};
  SmallList<Bound, 2> results_;
};

Result<void> Rows::append_pass(const Words* from, const Words* to, uint64_t count, uint64_t keep, uint64_t out) {
  OrderPass pass = pass_;
  pass.reads_source = from == nullptr;
  pass.writes_results = to == nullptr;
  pass = spread(pass, log_segment_, plan_.device());
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, &device = plan_.device()] { return pass.emit(device); };
  if (pass.binds_source()) dispatch.bindings.push_back(source_.binding);
  if (from != nullptr) dispatch.bindings.push_back(of_scratch(from->scratch, false));
  if (to != nullptr)
    dispatch.bindings.push_back(of_scratch(to->scratch, true));
  else
    for (const Bound& bound : results_) dispatch.bindings.push_back(bound.binding);
  const uint64_t segments = divide_up(out, keep);
  const uint64_t words[OrderPass::kWords] = {
      rows_, segments, count, keep, out, static_cast<uint64_t>(source_.offset), length_, log_segment_};
  SmallList<uint32_t, OrderPass::kWords> parameters;
  for (const uint64_t word : words) parameters.push_back(static_cast<uint32_t>(word));
  plan_.set_parameters(parameters.span(), dispatch);
  plan_.set_grid(divide_up(rows_ * segments, uint64_t{1} << (pass.log_block() - log_segment_)), 1, dispatch);
  dispatch.grid.units = static_cast<double>(rows_ * count);
  return plan_.append(std::move(dispatch));
}

// Of each segment its first k, side by side, are the next pass's rows.
Result<void> Rows::append(const Place& source, const Wanted& wanted) {
  // Places are counted in 32 bits, and those of a row rounded up to whole segments.
  if (rows_ * divide_up(length_, segment()) * segment() > uint64_t{1} << 31)
    return plan_.unsupported(concat(rows_, " rows of ", length_,
                                    " elements; at most 2147483648 are supported, rows rounded up to a power of two"));
  GPU_ASSIGN(source_, plan_.bind(source, false));
  for (const Place* place : {wanted.values, wanted.positions}) {
    if (place == nullptr) continue;
    GPU_ASSIGN(const Bound bound, plan_.bind(*place, true));
    results_.push_back(bound);
  }
  std::optional<Words> left;
  for (uint64_t count = length_;;) {
    const Words* from = left ? &*left : nullptr;
    const uint64_t segments = divide_up(count, segment());
    if (segments == 1) return append_pass(from, nullptr, count, wanted.k, wanted.k);
    Words to{0, segments * wanted.k};
    GPU_ASSIGN(to.scratch,
               plan_.add_parts(static_cast<int64_t>(rows_), static_cast<int64_t>(to.count), pass_.word_bytes()));
    GPU_TRY(append_pass(from, &to, count, wanted.k, to.count));
    left = to;
    count = to.count;
  }
}

Result<Place> dense(const Place& source, PlanBuilder& plan) {
  if (source.map.is_row_major()) return source;
  const Place made = plan.add_scratch(source.dtype, source.map.shape);
  GPU_TRY(append_copy(source, made, plan));
  return made;
}

// By what is fastest; values and positions are dense.
Result<void> append_order(const Place& source, const Wanted& wanted, PlanBuilder& plan) {
  Rows rows(source, wanted, plan);
  if (rows.is_one() || 2 * wanted.k <= rows.segment()) return rows.append(source, wanted);
  return append_radix(source, {order_key_bits(source.dtype), wanted.descending, wanted.values, wanted.positions}, plan);
}

// |place| with its axis |axis| behind the others.
Place with_last(const Place& place, int axis) {
  Dims axes;
  for (int d = 0; d < place.map.shape.size(); ++d)
    if (d != axis) axes.push_back(d);
  axes.push_back(axis);
  Place other = place;
  other.map = transposed(place.map, axes);
  return other;
}

}  // namespace

Result<void> plan_order(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place given = plan.placed(source_of(operands[0], 0));
  Wanted wanted;
  if (instruction.op->code == ir::Code::kTopK) {
    wanted = {true, static_cast<uint64_t>(instruction.attributes.as<ir::TopKAttributes>().k.value), &plan.result(0),
              &plan.result(1)};
    GPU_ASSIGN(const Place source, dense(given, plan));
    return append_order(source, wanted, plan);
  }
  const auto& attributes = instruction.attributes.as<ir::OrderAttributes>();
  const auto axis = static_cast<int>(attributes.axis);
  GPU_ASSIGN(const Place source, dense(with_last(given, axis), plan));
  wanted.descending = attributes.direction == ir::Direction::kDescending;
  wanted.k = static_cast<uint64_t>(source.map.shape[source.map.shape.size() - 1]);
  return write_dense(with_last(plan.result(), axis), plan, [&](const Place& to) {
    Wanted own = wanted;
    (instruction.op->code == ir::Code::kSort ? own.values : own.positions) = &to;
    return append_order(source, own, plan);
  });
}

}  // namespace gpu_node::kernels
