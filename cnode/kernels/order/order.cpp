// Plans top_k, sort and argsort: rows are put in order segment by segment, and of each segment what can be among the k
// stays, until one is left. Where more than half a segment stays, segments are merged into one order of the row
// instead, or where rows are long they are sorted digit by digit.
#include <algorithm>
#include <bit>

#include "base/divide_up.h"
#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/glsl/position_text.h"
#include "kernels/move/moves.h"
#include "kernels/order/order_shader.h"
#include "kernels/order/radix.h"
#include "kernels/order/radix_shader.h"

namespace gpu_node::kernels {
namespace {

// Pairs that a workgroup puts in order: a segment of a long row, or several short rows.
constexpr uint32_t kLogBlock = 10;

// Rows of as many elements, of which much is wanted, are sorted digit by digit; an estimate, by the count of passes.
constexpr int64_t kLongRow = 16'384;

// Pairs of key and index in scratch: |count| for each row.
struct Pairs {
  uint32_t keys = 0, indices = 0;
  uint64_t count = 0;
};

// The rows of a top_k on their way through its passes.
class Rows {
 public:
  Rows(const Place& source, bool descending, PlanBuilder& plan) : plan_(plan) {
    const Shape& shape = source.map.shape;
    length_ = static_cast<uint64_t>(shape[shape.size() - 1]);
    rows_ = static_cast<uint64_t>(element_count(shape)) / length_;
    pass_.element = source.dtype;
    pass_.descending = descending;
    log_segment_ = std::min(kLogBlock, static_cast<uint32_t>(std::countr_zero(std::bit_ceil(length_))));
  }

  // |values| and |positions|: nullptr where they are not wanted.
  Result<void> bind(const Place& source, const Place* values, const Place* positions);
  Result<void> select(uint64_t k);
  Result<void> merge(uint64_t k);
  uint64_t segment() const { return uint64_t{1} << log_segment_; }

 private:
  Result<Pairs> add_pairs(uint64_t count);
  // One pass over rows of |count| places: of the source, or of |from|. It leaves |keep| of each segment and |out| of
  // each row, in |to| or as the results.
  Result<void> append(const Pairs* from, const Pairs* to, uint64_t count, uint64_t keep, uint64_t out,
                      OrderPass::Network network, uint64_t run);
  Result<void> append_exchange(const Pairs& pairs, uint64_t run, uint32_t log_stride);

  PlanBuilder& plan_;
  OrderPass pass_;
  uint64_t rows_ = 0, length_ = 0;
  uint32_t log_segment_ = 0;
  Bound source_{};
  SmallList<Bound, 2> results_;
};

Result<void> Rows::bind(const Place& source, const Place* values, const Place* positions) {
  // Places are counted in 32 bits, and those of a row rounded up to a power of two.
  if (rows_ * std::bit_ceil(length_) > uint64_t{1} << 31)
    return plan_.unsupported(concat(rows_, " rows of ", length_,
                                    " elements; at most 2147483648 are supported, rows rounded up to a power of two"));
  pass_.values = values != nullptr;
  pass_.positions = positions != nullptr;
  if (positions != nullptr) pass_.index = positions->dtype;
  GPU_ASSIGN(source_, plan_.bind(source, false));
  for (const Place* place : {values, positions}) {
    if (place == nullptr) continue;
    GPU_ASSIGN(const Bound bound, plan_.bind(*place, true));
    results_.push_back(bound);
  }
  return {};
}

Result<Pairs> Rows::add_pairs(uint64_t count) {
  Pairs pairs{0, 0, count};
  const auto rows = static_cast<int64_t>(rows_), places = static_cast<int64_t>(count);
  GPU_ASSIGN(pairs.keys, plan_.add_parts(rows, places, order_key_bytes(pass_.element)));
  GPU_ASSIGN(pairs.indices, plan_.add_parts(rows, places, sizeof(uint32_t)));
  return pairs;
}

Result<void> Rows::append(const Pairs* from, const Pairs* to, uint64_t count, uint64_t keep, uint64_t out,
                          OrderPass::Network network, uint64_t run) {
  const vulkan::DeviceInfo& device = plan_.device();
  OrderPass pass = pass_;
  pass.reads_source = from == nullptr;
  pass.writes_results = to == nullptr;
  pass.network = network;
  pass.log_block = kLogBlock;
  pass.invocations = std::min(256u, std::bit_floor(device.max_workgroup_invocations));
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, &device] { return pass.emit(device); };
  if (pass.binds_source()) dispatch.bindings.push_back(source_.binding);
  if (from != nullptr)
    for (const uint32_t scratch : {from->keys, from->indices}) dispatch.bindings.push_back(of_scratch(scratch, false));
  if (to != nullptr)
    for (const uint32_t scratch : {to->keys, to->indices}) dispatch.bindings.push_back(of_scratch(scratch, true));
  else
    for (const Bound& bound : results_) dispatch.bindings.push_back(bound.binding);
  const uint64_t segments = divide_up(out, keep);
  const uint64_t words[OrderPass::kWords] = {
      rows_, segments, count, keep, out, run, static_cast<uint64_t>(source_.offset), length_, log_segment_};
  SmallList<uint32_t, OrderPass::kWords> parameters;
  for (const uint64_t word : words) parameters.push_back(static_cast<uint32_t>(word));
  plan_.set_parameters(parameters.span(), dispatch);
  plan_.set_grid(divide_up(rows_ * segments, uint64_t{1} << (kLogBlock - log_segment_)), 1, dispatch);
  return plan_.append(std::move(dispatch));
}

Result<void> Rows::append_exchange(const Pairs& pairs, uint64_t run, uint32_t log_stride) {
  const vulkan::DeviceInfo& device = plan_.device();
  const OrderExchange exchange{pass_.element, std::min(256u, std::bit_floor(device.max_workgroup_invocations))};
  Dispatch dispatch;
  dispatch.key = exchange.key();
  dispatch.emit = [exchange, &device] { return exchange.emit(device); };
  for (const uint32_t scratch : {pairs.keys, pairs.indices}) dispatch.bindings.push_back(of_scratch(scratch, true));
  const uint64_t count = rows_ * pairs.count / 2;
  const uint32_t words[OrderExchange::kWords] = {static_cast<uint32_t>(count), static_cast<uint32_t>(pairs.count),
                                                 static_cast<uint32_t>(run), log_stride};
  plan_.set_parameters(words, dispatch);
  plan_.set_grid(count, exchange.invocations, dispatch);
  return plan_.append(std::move(dispatch));
}

// Of each segment its first |k|, side by side, are the next pass's rows.
Result<void> Rows::select(uint64_t k) {
  constexpr auto kSort = OrderPass::Network::kSort;
  std::optional<Pairs> left;
  for (uint64_t count = length_;;) {
    const Pairs* from = left ? &*left : nullptr;
    const uint64_t segments = divide_up(count, segment());
    if (segments == 1) return append(from, nullptr, count, k, k, kSort, 0);
    GPU_ASSIGN(const Pairs to, add_pairs(segments * k));
    GPU_TRY(append(from, &to, count, k, to.count, kSort, 0));
    left = to;
    count = to.count;
  }
}

// Sorts segments in turn up and down, then merges runs of them until one is the row (Batcher's bitonic merge).
Result<void> Rows::merge(uint64_t k) {
  using enum OrderPass::Network;
  const uint64_t whole = std::bit_ceil(length_);
  GPU_ASSIGN(Pairs pairs, add_pairs(whole));
  GPU_ASSIGN(Pairs other, add_pairs(whole));
  GPU_TRY(append(nullptr, &pairs, length_, segment(), whole, kAlternate, 0));
  for (uint64_t run = 2 * segment(); run <= whole; run *= 2) {
    for (auto log = static_cast<uint32_t>(std::countr_zero(run)); log-- > log_segment_;)
      GPU_TRY(append_exchange(pairs, run, log));
    if (run == whole) return append(&pairs, nullptr, whole, segment(), k, kMerge, run);
    GPU_TRY(append(&pairs, &other, whole, segment(), whole, kMerge, run));
    std::swap(pairs, other);
  }
  return {};
}

Result<Place> dense(const Place& source, PlanBuilder& plan) {
  if (source.map.is_row_major()) return source;
  const Place made = plan.add_scratch(source.dtype, source.map.shape);
  GPU_TRY(append_copy(source, made, plan));
  return made;
}

// What is wanted of rows in order: their first |k|, as values, positions or both.
struct Wanted {
  bool descending = false;
  uint64_t k = 1;
  const Place* values = nullptr;
  const Place* positions = nullptr;
};

// The last axis of |source|, which is row-major, digit by digit.
Result<void> append_by_digits(const Place& source, const Wanted& wanted, PlanBuilder& plan) {
  const Shape& shape = source.map.shape;
  const int64_t count = shape[shape.size() - 1], rows = element_count(shape) / count;
  if (rows * count > int64_t{1} << 31)
    return plan.unsupported(concat(rows, " rows of ", count, " elements; at most 2147483648 are supported"));
  GPU_ASSIGN(const Bound bound, plan.bind(source, false));
  GPU_ASSIGN(const uint32_t keys, plan.add_parts(rows, count, order_key_bytes(source.dtype)));
  const RadixKeys made{source.dtype, wanted.descending};
  Dispatch dispatch;
  dispatch.key = made.key();
  dispatch.emit = [made, &device = plan.device()] { return made.emit(device); };
  dispatch.bindings = {bound.binding, of_scratch(keys, true)};
  const uint32_t words[] = {static_cast<uint32_t>(rows * count), static_cast<uint32_t>(bound.offset)};
  plan.set_parameters(words, dispatch);
  plan.set_grid(words[0], element_local_size(plan.device()), dispatch);
  GPU_TRY(plan.append(std::move(dispatch)));
  const auto [first, bits] = order_key_bits(source.dtype);
  GPU_ASSIGN(const Sorted sorted,
             append_radix(keys, order_key_bytes(source.dtype) == 8, rows, count, first, bits, plan));
  const Place all{Binding::Kind::kScratch, sorted.places, Dtype::u32, IndexMap::row_major(shape)};
  Dims from;
  Shape kept = shape;
  for (int d = 0; d < shape.size(); ++d) from.push_back(0);
  kept[shape.size() - 1] = static_cast<int64_t>(wanted.k);
  const Place order = part_of(all, from, kept);
  if (wanted.positions != nullptr) GPU_TRY(append_conversion(order, *wanted.positions, plan));
  if (wanted.values == nullptr) return {};
  Place named = source;
  named.map.shape = kept;
  named.map.strides[shape.size() - 1] = 0;
  return append_gather(named, {Column{order, count - 1, 1}}, *wanted.values, plan);
}

// By what is fastest; values and positions are dense.
Result<void> append_order(const Place& source, const Wanted& wanted, PlanBuilder& plan) {
  Rows rows(source, wanted.descending, plan);
  const int64_t length = source.map.shape[source.map.shape.size() - 1];
  const bool selects = 2 * wanted.k <= rows.segment() || length <= static_cast<int64_t>(rows.segment());
  if (!selects && length >= kLongRow) return append_by_digits(source, wanted, plan);
  GPU_TRY(rows.bind(source, wanted.values, wanted.positions));
  return selects ? rows.select(wanted.k) : rows.merge(wanted.k);
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
