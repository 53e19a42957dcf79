#include "kernels/axes.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace gpu_node::kernels {
namespace {

// Whether |outer| and |inner| are one run in every place.
bool is_one_run(const Axis& outer, const Axis& inner) {
  for (size_t p = 0; p < inner.strides.size(); ++p)
    if (outer.strides[p] != inner.strides[p] * inner.size) return false;
  return true;
}

}  // namespace

Reach reach_of(int64_t offset, const Axes& axes, size_t place) {
  Reach reach{offset, offset};
  for (const Axis& axis : axes) reach.extend(axis.size, axis.strides[place]);
  return reach;
}

Reach reach_of(const IndexMap& map) {
  Reach reach{map.offset, map.offset};
  for (int d = 0; d < map.shape.size(); ++d) reach.extend(map.shape[d], map.strides[d]);
  return reach;
}

Axes axes_of(const Shape& shape) {
  Axes axes;
  for (const int64_t size : shape) axes.push_back({size, {}});
  return axes;
}

void add_place(Axes& axes, const IndexMap& map) {
  const size_t lead = axes.size() - static_cast<size_t>(map.shape.size());
  for (size_t a = 0; a < axes.size(); ++a) {
    const int d = static_cast<int>(a) - static_cast<int>(lead);
    const bool stretched = d < 0 || map.shape[d] == 1;
    axes[a].strides.push_back(stretched ? 0 : map.strides[d]);
  }
}

int64_t count_of(const Axes& axes) {
  int64_t count = 1;
  for (const Axis& axis : axes) count *= axis.size;
  return count;
}

int64_t closest_stride(const Axes& axes, size_t place) {
  int64_t closest = std::numeric_limits<int64_t>::max();
  for (const Axis& axis : axes) {
    const int64_t stride = std::abs(axis.strides[place]);
    if (axis.size > 1 && stride != 0) closest = std::min(closest, stride);
  }
  return closest;
}

void sort_axes(Axes& axes) {
  std::stable_sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) {
    for (size_t p = 0; p < a.strides.size(); ++p)
      if (const int64_t apart = std::abs(a.strides[p]) - std::abs(b.strides[p]); apart != 0) return apart > 0;
    return false;
  });
}

void merge_axes(Axes& axes) {
  size_t kept = 0;  // axes[0, kept) are done
  for (size_t a = 0; a < axes.size(); ++a) {
    Axis& axis = axes[a];
    if (axis.size == 1) continue;
    if (kept > 0 && is_one_run(axes[kept - 1], axis)) {
      axes[kept - 1].size *= axis.size;
      axes[kept - 1].strides = axis.strides;
    } else {
      if (kept != a) axes[kept] = std::move(axis);
      ++kept;
    }
  }
  axes.truncate(kept);
}

}  // namespace gpu_node::kernels
