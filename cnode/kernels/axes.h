// An index space that several places are walked by: axes with a size and, for each place, a stride. What makes any work
// run on few axes stands here, for every family.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/small_list.h"
#include "tensor/shape.h"

namespace gpu_node::kernels {

struct Axis {
  int64_t size = 1;
  SmallList<int64_t, 3> strides;  // in elements, by place
};
using Axes = SmallList<Axis, 6>;

// The elements that a walk touches.
struct Reach {
  int64_t first = 0, last = 0;

  void extend(int64_t size, int64_t stride) {
    const int64_t reach = (size - 1) * stride;
    (reach < 0 ? first : last) += reach;
  }
};

// What is touched from |offset| on by walking |axes| in place |place|; by |map|. REQUIRES sizes of at least 1.
Reach reach_of(int64_t offset, const Axes& axes, size_t place);
Reach reach_of(const IndexMap& map);

// The axes of |shape|, which no place walks yet.
Axes axes_of(const Shape& shape);
// Adds a place that lies as |map|, whose shape broadcasts to that of |axes| at the last axis.
void add_place(Axes& axes, const IndexMap& map);

int64_t count_of(const Axes& axes);

// The smallest step between neighbours in |place|; axes that repeat one element do not count.
int64_t closest_stride(const Axes& axes, size_t place);

// Puts axes whose order does not matter into the order of memory, largest stride first, so that they merge.
void sort_axes(Axes& axes);

// The axes that a kernel walks for |rank|: rounded up, so that few kernels serve all shapes.
constexpr uint32_t kernel_rank(size_t rank) { return rank <= 2 ? 2 : rank <= 4 ? 4 : rank <= 8 ? 8 : kMaxRank; }

// Drops axes of one element and merges neighbours that every place walks as one.
void merge_axes(Axes& axes);

}  // namespace gpu_node::kernels
