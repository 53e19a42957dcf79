#include "kernels/reduce/segments.h"

#include "base/divide_up.h"
#include "kernels/elementwise/block.h"
#include "kernels/glsl/position_text.h"
#include "kernels/reduce/accumulator_parts.h"
#include "kernels/reduce/segments_shader.h"

namespace gpu_node::kernels {
namespace {

// Rows of a chunk: each leaves two parts, so a pass has a 32nd of the rows of the one before.
constexpr int64_t kChunk = 64;

// Rows in scratch: their keys, and the members of their Accs.
struct Parts {
  uint32_t keys = 0;
  AccParts accs;
};

Result<Parts> add_parts(int64_t rows, int64_t width, Dtype element, PlanBuilder& plan) {
  Parts parts;
  GPU_ASSIGN(parts.keys, plan.add_parts(rows, 1, sizeof(uint32_t)));
  GPU_ASSIGN(parts.accs, add_acc_parts(Accumulator::kSum, element, rows, width, plan));
  return parts;
}

// The passes of one sum. Rows are merged to one axis, what a row has to as few as possible.
class Passes {
 public:
  Passes(const SegmentSums& sums, PlanBuilder& plan) : plan_(plan) {
    const Shape& shape = sums.updates.map.shape;
    for (int d = 0; d < shape.size(); ++d) {
      Axis axis{shape[d], {sums.updates.map.strides[d], sums.target.map.strides[d]}};
      (d < sums.outer ? rows_ : columns_).push_back(std::move(axis));
    }
    merge_axes(rows_);
    merge_axes(columns_);
    count_ = count_of(rows_);
    width_ = count_of(columns_);
    step_ = sums.step;
  }

  bool one_axis_of_rows() const { return rows_.size() <= 1; }
  Result<void> append(const SegmentSums& sums);

 private:
  Result<void> append_pass(const SegmentsPass& pass, int64_t rows, int64_t chunk, std::vector<Binding> read,
                           const Parts* to);

  PlanBuilder& plan_;
  Axes rows_, columns_;
  int64_t count_ = 1, width_ = 1, step_ = 1;
  Bound read_{}, target_{};
};

Result<void> Passes::append_pass(const SegmentsPass& pass, int64_t rows, int64_t chunk, std::vector<Binding> read,
                                 const Parts* to) {
  Dispatch dispatch;
  dispatch.bindings = std::move(read);
  dispatch.bindings.push_back(target_.binding);
  if (to != nullptr) {
    dispatch.bindings.push_back(of_scratch(to->keys, true));
    for (const uint32_t scratch : to->accs) dispatch.bindings.push_back(of_scratch(scratch, true));
  }
  const int64_t invocations = divide_up(rows, chunk) * width_;
  SmallList<uint32_t, 32> words;
  for (const int64_t word :
       {invocations, rows, width_, chunk, read_.offset, rows_.empty() ? 0 : rows_[0].strides[0], target_.offset, step_})
    words.push_back(static_cast<uint32_t>(word));
  for (size_t a = columns_.size(); a < pass.rank; ++a)
    for (const uint32_t word : {1u, 0u, 0u}) words.push_back(word);
  for (const Axis& axis : columns_)
    for (const int64_t word : {axis.size, axis.strides[0], axis.strides[1]})
      words.push_back(static_cast<uint32_t>(word));
  dispatch.key = pass.key();
  dispatch.emit = [pass, &device = plan_.device()] { return pass.emit(device); };
  plan_.set_parameters(words.span(), dispatch);
  plan_.set_grid(static_cast<uint64_t>(invocations), element_local_size(plan_.device()), dispatch);
  dispatch.grid.units = static_cast<double>(rows) * static_cast<double>(width_);
  return plan_.append(std::move(dispatch));
}

Result<void> Passes::append(const SegmentSums& sums) {
  GPU_ASSIGN(read_, plan_.bind(sums.updates, false));
  Reach reach = reach_of(sums.target.map);
  reach.extend(sums.greatest + 1, sums.step);
  target_ = plan_.bind(sums.target.origin(), reach, true);
  if (!plan_.fits_range(target_.binding.size_bytes))
    return plan_.unsupported(concat("indices may name any of ", target_.binding.size_bytes,
                                    " bytes, above the device's storage range of ", plan_.device().max_storage_range,
                                    " bytes"));
  SegmentsPass pass{.data = sums.order ? SegmentsPass::Data::kOrdered : SegmentsPass::Data::kRows,
                    .update = sums.updates.dtype,
                    .target = sums.target.dtype,
                    .rank = kernel_rank(columns_.size())};
  std::vector<Binding> read = {of_scratch(sums.keys, false)};
  if (sums.order) read.push_back(of_scratch(*sums.order, false));
  read.push_back(read_.binding);
  pass.last = !sums.order;
  if (!sums.order) return append_pass(pass, count_, 1, std::move(read), nullptr);
  for (int64_t rows = count_;;) {
    const int64_t chunks = rows <= 2 * kChunk ? 1 : divide_up(rows, kChunk);
    pass.last = chunks == 1;
    if (pass.last) return append_pass(pass, rows, rows, std::move(read), nullptr);
    GPU_ASSIGN(const Parts parts, add_parts(2 * chunks, width_, pass.target, plan_));
    GPU_TRY(append_pass(pass, rows, kChunk, std::move(read), &parts));
    read = {of_scratch(parts.keys, false)};
    for (const uint32_t scratch : parts.accs) read.push_back(of_scratch(scratch, false));
    pass.data = SegmentsPass::Data::kAccs;
    rows = 2 * chunks;
  }
}

}  // namespace

Result<void> append_segment_sums(const SegmentSums& sums, PlanBuilder& plan) {
  Passes passes(sums, plan);
  if (passes.one_axis_of_rows()) return passes.append(sums);
  // Rows that lie in too many ways are copied first.
  SegmentSums dense = sums;
  dense.updates = plan.add_scratch(sums.updates.dtype, sums.updates.map.shape);
  GPU_TRY(append_copy(sums.updates, dense.updates, plan));
  return Passes(dense, plan).append(dense);
}

}  // namespace gpu_node::kernels
