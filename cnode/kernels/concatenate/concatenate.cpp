// Plans concatenate and stack: each operand is written into its part of the result, once. Operands whose rows (what
// lies from the axis on) follow each other in memory go together, in one dispatch; others are copied one by one.
#include <numeric>
#include <optional>

#include "base/divide_up.h"
#include "kernels/concatenate/joined_rows.h"
#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {

namespace {

// |map| with a new axis of one element.
IndexMap with_axis(const IndexMap& map, int axis) {
  IndexMap wider{{}, {}, map.offset};
  for (int d = 0; d <= map.shape.size(); ++d) {
    if (d == axis) {
      wider.shape.push_back(1);
      wider.strides.push_back(0);
    }
    if (d == map.shape.size()) break;
    wider.shape.push_back(map.shape[d]);
    wider.strides.push_back(map.strides[d]);
  }
  return wider;
}

// Rows in a buffer, all in bytes: where the first begins, how long each is, from one to the next.
struct Rows {
  Binding binding;
  int64_t start = 0, length = 0, step = 0;
};

// How |place| lies as rows of what is from |axis| on; nothing where it does not, or its buffer exceeds the device's
// range.
std::optional<Rows> rows_of(const Place& place, int axis, bool written, const PlanBuilder& plan) {
  Axes outer, row;
  for (int d = 0; d < place.map.shape.size(); ++d)
    (d < axis ? outer : row).push_back({place.map.shape[d], {place.map.strides[d]}});
  merge_axes(outer);
  merge_axes(row);
  if (outer.size() > 1 || row.size() > 1 || (row.size() == 1 && row[0].strides[0] != 1)) return std::nullopt;
  const auto bound = plan.bind(place, written);
  if (!bound.ok()) return std::nullopt;
  const int64_t bytes = dtype_size_bytes(place.dtype);
  return Rows{bound->binding, bound->offset * bytes, count_of(row) * bytes,
              outer.empty() ? 0 : outer[0].strides[0] * bytes};
}

// Pieces of the result that one dispatch writes, side by side in its rows.
class Joined {
 public:
  Joined(const Place& whole, int axis, PlanBuilder& plan)
      : whole_(rows_of(whole, axis, true, plan)), count_(1), plan_(plan) {
    for (int d = 0; d < axis; ++d) count_ *= whole.map.shape[d];
  }

  // Whether |place|, which is to be written |at| bytes behind the beginning of each row, goes along.
  Result<bool> add(const Place& place, int axis, int64_t at) {
    const std::optional<Rows> rows = whole_ ? rows_of(place, axis, false, plan_) : std::nullopt;
    if (!rows) return false;
    if (pieces_.size() == std::min<size_t>(JoinedRows::kMaxPieces, plan_.device().max_buffers - 1)) GPU_TRY(flush());
    if (pieces_.empty()) first_ = at;
    pieces_.push_back(*rows);
    return true;
  }

  Result<void> flush() {
    if (pieces_.empty()) return {};
    int64_t all = whole_->start + first_, length = 0;
    if (count_ > 1) all = std::gcd(all, whole_->step);
    for (const Rows& piece : pieces_) {
      all = std::gcd(std::gcd(all, piece.start), std::gcd(piece.length, piece.step));
      length += piece.length;
    }
    JoinedRows kernel;
    kernel.unit_bytes = all % 16 == 0 ? 16 : all % 4 == 0 ? 4 : all % 2 == 0 ? 2 : 1;
    const Dtype word = kernel.unit_bytes == 1 ? Dtype::u8 : kernel.unit_bytes == 2 ? Dtype::u16 : Dtype::u32;
    GPU_TRY(check_types(plan_.op(), {&word, 1}, plan_.device()));
    kernel.pieces = static_cast<uint32_t>(pieces_.size());
    const int64_t unit = kernel.unit_bytes;
    Dispatch dispatch;
    dispatch.key = kernel.key();
    dispatch.emit = [kernel, &device = plan_.device()] { return kernel.emit(device); };
    SmallList<uint32_t, 32> words;
    const auto add = [&](int64_t bytes) { words.push_back(static_cast<uint32_t>(bytes / unit)); };
    for (const int64_t bytes : {count_ * length, length, whole_->start + first_, whole_->step}) add(bytes);
    int64_t end = 0;
    for (const Rows& piece : pieces_) {
      dispatch.bindings.push_back(piece.binding);
      for (const int64_t bytes : {end + piece.length, piece.start - end, piece.step}) add(bytes);
      end += piece.length;
    }
    dispatch.bindings.push_back(whole_->binding);
    plan_.set_parameters(words.span(), dispatch);
    const auto units = static_cast<uint64_t>(count_ * length / unit);
    plan_.set_grid(divide_up(units, uint64_t{JoinedRows::kUnits}), element_local_size(plan_.device()), dispatch);
    dispatch.grid.units = static_cast<double>(units);
    pieces_.clear();
    return plan_.append(std::move(dispatch));
  }

 private:
  const std::optional<Rows> whole_;
  int64_t count_;  // of rows
  PlanBuilder& plan_;
  int64_t first_ = 0;  // where in a row the first piece begins
  std::vector<Rows> pieces_;
};

}  // namespace

Result<void> plan_concatenate(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto axis = static_cast<int>(instruction.attributes.as<ir::AxisAttributes>().axis);
  const Place& whole = plan.result();
  const int64_t bytes = dtype_size_bytes(whole.dtype);
  int64_t behind = bytes;  // from one place of the axis to the next
  for (int d = axis + 1; d < whole.map.shape.size(); ++d) behind *= whole.map.shape[d];
  Joined joined(whole, axis, plan);
  Dims from;
  for (int d = 0; d < whole.map.shape.size(); ++d) from.push_back(0);
  for (size_t k = 0; k < operands.size(); ++k) {
    Place part = plan.placed(source_of(operands[k], static_cast<uint32_t>(k)));
    if (instruction.op->code == ir::Code::kStack) part.map = with_axis(part.map, axis);
    const Shape& shape = part.map.shape;
    if (element_count(shape) > 0) {
      bool goes_along = false;
      if (part.dtype == whole.dtype) {
        GPU_ASSIGN(goes_along, joined.add(part, axis, from[axis] * behind));
      }
      if (!goes_along) {
        GPU_TRY(joined.flush());
        GPU_TRY(append_conversion(part, part_of(whole, from, shape), plan));
      }
    }
    from[axis] += shape[axis];
  }
  return joined.flush();
}

}  // namespace gpu_node::kernels
