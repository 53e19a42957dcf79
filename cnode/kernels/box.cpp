#include "kernels/box.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>

namespace gpu_node::kernels {
namespace {

// The axis whose halving shrinks the range of |place| most, or nothing where no axis can be halved.
std::optional<size_t> widest_axis(const Axes& axes, size_t place) {
  std::optional<size_t> widest;
  int64_t reach = 0;
  for (size_t a = 0; a < axes.size(); ++a) {
    const int64_t extent = (axes[a].size - 1) * std::abs(axes[a].strides[place]);
    if (extent > reach) {
      reach = extent;
      widest = a;
    }
  }
  return widest;
}

// The axis to halve so that |box| comes nearer to fitting; nothing when it fits.
std::optional<size_t> axis_to_cut(const Box& box, const PlanBuilder& plan) {
  for (size_t p = 0; p < box.origins.size(); ++p)
    if (!plan.fits_range(plan.bind(box.origins[p], box.reach(p), false).binding.size_bytes))
      return widest_axis(box.axes, p);
  if (box.elements() <= std::numeric_limits<uint32_t>::max()) return std::nullopt;
  const auto longer = [](const Axis& a, const Axis& b) { return a.size < b.size; };
  return static_cast<size_t>(std::max_element(box.axes.begin(), box.axes.end(), longer) - box.axes.begin());
}

// Cuts |box| at axis |a|; the first part's size keeps rows long and offsets aligned where it can.
std::pair<Box, Box> halves(const Box& box, size_t a) {
  const Axis& axis = box.axes[a];
  int64_t first = (axis.size + 1) / 2;
  constexpr int64_t kRound = 4096;
  if (first > kRound) first = (first + kRound - 1) / kRound * kRound;
  std::pair<Box, Box> parts{box, box};
  parts.first.axes[a].size = first;
  parts.second.axes[a].size = axis.size - first;
  for (size_t p = 0; p < box.origins.size(); ++p) parts.second.origins[p].offset += first * axis.strides[p];
  return parts;
}

}  // namespace

bool fits(const Box& box, const PlanBuilder& plan) { return !axis_to_cut(box, plan); }

Result<std::vector<Box>> cut(Box box, const PlanBuilder& plan) {
  std::vector<Box> done;
  std::vector<Box> open;
  open.push_back(std::move(box));
  while (!open.empty()) {
    Box next = std::move(open.back());
    open.pop_back();
    const std::optional<size_t> axis = axis_to_cut(next, plan);
    if (!axis) {
      done.push_back(std::move(next));
      continue;
    }
    if (done.size() + open.size() + 2 > kMaxBoxes)
      return plan.unsupported(concat("too large, or strided too widely, for the device's storage range of ",
                                     plan.device().max_storage_range, " bytes: more than ", kMaxBoxes,
                                     " parts would be needed"));
    auto [first, second] = halves(next, *axis);
    open.push_back(std::move(second));
    open.push_back(std::move(first));
  }
  return done;
}

}  // namespace gpu_node::kernels
