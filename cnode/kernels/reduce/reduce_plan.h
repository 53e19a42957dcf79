// From axes to dispatches, for everything that reduces: sum to any, argmax, thin dots, and the second pass of split
// dots.
//
// Axes are given with their strides and are merged here, so that most reductions run on one kept and one reduced axis.
// A reduction is split into parts wherever one invocation would loop too often (lavapipe ends an invocation's loops,
// silently, after 65,535 iterations) or the device would idle; a second pass then reduces the parts in a fixed order.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/plan.h"
#include "kernels/reduce/reduce_shader.h"

namespace gpu_node::kernels {

struct ReduceAxis {
  int64_t size = 1;
  std::array<int64_t, 2> strides = {0, 0};  // in elements, per source
};
using ReduceAxes = std::vector<ReduceAxis>;

// One tensor that is read: its buffer and where its view begins.
struct ReduceSource {
  Binding binding;
  Dtype dtype = Dtype::f32;
  int64_t offset = 0;    // in elements from the binding's offset
  int64_t elements = 1;  // distinct ones; the larger source decides the access pattern
};

struct Reduction {
  std::string_view op;  // for messages
  Accumulator accumulator = Accumulator::kSum;
  Dtype element = Dtype::f32;  // what is accumulated
  Dtype result = Dtype::f32;
  std::vector<ReduceSource> sources;  // one, or two whose products are reduced
  ReduceAxes kept;                    // in the result's order
  ReduceAxes reduced;
  bool ordered = false;  // positions count (argmax): the reduced axes keep their order and direction
};

// Puts axes whose order does not matter into the order of memory, largest stride first, so that they merge.
void sort_axes(ReduceAxes& axes);

// Drops axes of one element and merges neighbours that every source walks as one.
void merge_axes(ReduceAxes& axes);

// The element type whose values are those of |dtype|'s compute type.
Dtype computing_type(Dtype dtype);

// The buffer of |arg| as a source: operand |index|, or for a literal a small scratch buffer that |plan| fills. A
// storage above the device's range is bound where the view lies. kUnsupported when the view itself is larger.
Result<ReduceSource> bind_source(std::string_view op, uint32_t index, const Arg& arg, const vulkan::DeviceInfo& device,
                                 Plan& plan);

// kUnsupported when a result of |elements| exceeds the device's storage range.
Result<void> check_result_range(std::string_view op, Dtype dtype, int64_t elements, const vulkan::DeviceInfo& device);

// Puts |words| into the push constants of |dispatch|, or into a buffer of their own as its last binding.
void set_parameters(const std::vector<uint32_t>& words, bool in_buffer, Dispatch& dispatch, Plan& plan);

// Adds the dispatches of |reduction| to |plan|. |device| must outlive the plan's emitters. REQUIRES at least one
// output. A reduction of no elements gives the neutral value. Errors: kUnsupported, with the numbers.
Result<void> append_reduction(Reduction reduction, const vulkan::DeviceInfo& device, Plan& plan);

}  // namespace gpu_node::kernels
