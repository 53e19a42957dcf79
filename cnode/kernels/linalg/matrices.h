// What the planners of matrices share: batches of dense matrices in scratch, in the type that computes them, and the
// kernels that go over them.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/linalg/linalg_shader.h"
#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// A batch of matrices, and what it is computed in.
struct Matrices {
  uint32_t count = 1, rows = 1, columns = 1;
};

// Rows that one dispatch puts behind it; of matrices up to as many everything is one dispatch.
inline constexpr uint32_t kPanel = 32, kSmallMatrix = 64;
inline uint32_t panel_end(uint32_t from, uint32_t size) {
  return size <= kSmallMatrix || size - from < kPanel ? size : from + kPanel;
}

// The last two axes are the matrix, those before them the batch.
Result<Matrices> matrices_of(const Shape& shape, const PlanBuilder& plan);

// The type that results of |dtype| are computed in: double where the device has it, else float; or with |own| the
// least that holds |dtype|.
Dtype number_of(Dtype dtype, bool own, const PlanBuilder& plan);

// |place| as dense elements of |number| in scratch of its own, or with |written| undefined ones of that shape.
Result<Place> computed(const Source& source, Dtype number, PlanBuilder& plan);
// The same to be read only: where it lies so already, itself.
Result<Place> lying_as(Dtype number, const Source& source, PlanBuilder& plan);
Result<Place> dense_of(Dtype number, const Shape& shape, PlanBuilder& plan);
// The first elements of a dense place as another one.
Place shaped(Place place, const Shape& shape);
// Where a kernel writes what becomes |result|: itself, or scratch, from where finish_result takes it.
Place written_for(const Place& result, Dtype number, PlanBuilder& plan);
Result<void> finish_result(const Place& written, const Place& result, PlanBuilder& plan);

// Views with the last two axes exchanged, and with the axis |axis| from behind (1: the last) backwards.
Place transposed_matrices(const Place& place);
Place backwards(const Place& place, int axis_from_behind);

// How a kernel runs over a batch.
struct LinalgRun {
  const LinalgKernel* kernel = nullptr;
  Dtype number = Dtype::f64;
  uint64_t count = 1;        // of invocations, or where they gather of workgroups
  double work = 0;           // steps of all of them
  uint64_t longest = 0;      // steps of one invocation
  uint32_t invocations = 0;  // of a workgroup that gathers; 0: as gathered() says
};
// |buffers|: dense places, in the order of the kernel's buffers.
Result<void> append_linalg(const LinalgRun& run, std::initializer_list<Place> buffers,
                           std::initializer_list<uint32_t> parameters, PlanBuilder& plan);
// The invocations of a workgroup that gathers.
uint32_t gathered(const PlanBuilder& plan);

}  // namespace gpu_node::kernels
