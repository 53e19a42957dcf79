// What op families write a plan into. It holds the plan and knows the device; bindings, scratch, parameters and what is
// checked of every dispatch have their one place here.
//
// Work reads and writes *places*: of an operand, of a result or of scratch. Families offer pieces of work between
// places (elementwise/block.h, reduce/reduction.h, dot/product.h), each of which appends dispatches; an op's planner
// composes them. What one piece writes a later one may read: the recorder finds the hazard.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/concat.h"
#include "base/result.h"
#include "base/small_list.h"
#include "kernels/axes.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {

// Where a walk begins: which buffer, of what elements, at which one.
struct Origin {
  Binding::Kind kind = Binding::Kind::kOperand;
  uint32_t index = 0;
  Dtype dtype = Dtype::f32;
  int64_t offset = 0;
};

// Elements of a buffer: |map| says where, its offset counted from the buffer's start.
struct Place {
  Binding::Kind kind = Binding::Kind::kOperand;
  uint32_t index = 0;
  Dtype dtype = Dtype::f32;
  IndexMap map;

  Origin origin() const { return {kind, index, dtype, map.offset}; }
};

// What is read: a place or a number.
using Source = std::variant<Place, Scalar>;

// Operand |index| of an instruction.
Source source_of(const Arg& arg, uint32_t index);
Dtype type_of(const Source& source);

// The axes of an attribute; or where it is left out each axis of |shape|.
Dims dims_of(const ir::Axes& axes);
Dims axes_or_all(const std::optional<ir::Axes>& axes, const Shape& shape);

// A part of |whole|, which begins |from| and has |shape|. REQUIRES that it lies inside.
Place part_of(const Place& whole, const Dims& from, const Shape& shape);

// A binding from an aligned offset on, and the first element counted from there.
struct Bound {
  Binding binding;
  int64_t offset = 0;
};

// Fills a dispatch's push constants member by member, aligned as the block of ShaderBuilder::push is.
class PushData {
 public:
  explicit PushData(Dispatch& dispatch) : dispatch_(dispatch) { dispatch_.push_bytes = 0; }

  // T: uint32_t, int32_t, float, uint64_t, double, or an array of 2 or 4 of 32 bits.
  template <typename T>
  void add(const T& value) {
    const uint32_t at = (dispatch_.push_bytes + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    // PlanBuilder::append refuses what does not fit.
    if (at + sizeof(T) > kMaxPushBytes) {
      dispatch_.push_bytes = kMaxPushBytes + 1;
      return;
    }
    std::memset(dispatch_.push.data() + dispatch_.push_bytes, 0, at - dispatch_.push_bytes);
    std::memcpy(dispatch_.push.data() + at, &value, sizeof(T));
    dispatch_.push_bytes = at + sizeof(T);
  }

 private:
  Dispatch& dispatch_;
};

class PlanBuilder {
 public:
  // |op|: for messages; it and |device| must outlive the plan.
  PlanBuilder(std::string_view op, const vulkan::DeviceInfo& device) : op_(op), device_(device) {}

  std::string_view op() const { return op_; }
  const vulkan::DeviceInfo& device() const { return device_; }
  Error unsupported(std::string_view what) const { return {ErrorCode::kUnsupported, concat(op_, ": ", what)}; }

  // The next result: row-major in a storage of its own.
  void add_result(const ir::TensorType& type);
  const Place& result(size_t k = 0) const { return results_[k]; }

  // Scratch of undefined contents, or of |contents|: its number.
  uint32_t add_scratch(uint64_t bytes);
  uint32_t add_scratch(std::span<const std::byte> contents);
  // A row-major place in scratch of its own.
  Place add_scratch(Dtype dtype, const Shape& shape);
  // |parts| times |elements| of |bytes| each, which a later dispatch adds up. kUnsupported above the storage range.
  Result<uint32_t> add_parts(int64_t parts, int64_t elements, uint32_t bytes);
  bool fits_range(uint64_t bytes) const { return bytes <= device_.max_storage_range; }

  // |source| as a place: a number becomes a scratch buffer of one element of its computing type.
  Place placed(const Source& source);

  // Exactly the bytes of |reach|; those of |place|, kUnsupported where they exceed the storage range.
  Bound bind(const Origin& origin, const Reach& reach, bool written) const;
  Result<Bound> bind(const Place& place, bool written) const;
  // Whether a kernel that writes element after element from its binding's start may write |place|.
  bool is_dense(const Place& place) const;

  // Puts |words| into the push constants of |dispatch|, or where they do not fit into a buffer of their own as its next
  // binding. Kernels ask the same: fits_push(words.size()).
  void set_parameters(std::span<const uint32_t> words, Dispatch& dispatch);
  // Into the buffer in any case, beside what is pushed.
  void bind_parameters(std::span<const uint32_t> words, Dispatch& dispatch);

  // Sets the grid for |count| invocations, spilling into y where x does not suffice.
  void set_grid(uint64_t count, uint32_t local_size, Dispatch& dispatch) const;

  // kUnsupported where it binds more buffers than the device does: the one limit on operands and results.
  Result<void> append(Dispatch&& dispatch);

  Plan take() { return std::move(plan_); }

 private:
  std::string_view op_;
  const vulkan::DeviceInfo& device_;
  SmallList<Place, 1> results_;
  Plan plan_;
};

}  // namespace gpu_node::kernels
