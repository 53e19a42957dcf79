#include "kernels/elementwise/box.h"

#include <limits>

namespace gpu_node::kernels {
namespace {

// Bytes of the binding that |place| needs, its alignment slack included.
uint64_t range_bytes(const Place& place, const Dims& dims, const vulkan::DeviceInfo& device) {
  const auto element = static_cast<uint64_t>(place.element_bytes);
  const uint64_t from = static_cast<uint64_t>(place.first(dims)) * element;
  const uint64_t to = (static_cast<uint64_t>(place.last(dims)) + 1) * element;
  return to - from / device.storage_alignment * device.storage_alignment;
}

// The dimension whose halving shrinks the range of |place| most, or -1 where no dimension can be halved.
int widest_dim(const Place& place, const Dims& dims) {
  int widest = -1;
  int64_t reach = 0;
  for (int d = 0; d < dims.size(); ++d) {
    const int64_t extent = (dims[d] - 1) * std::abs(place.strides[d]);
    if (extent > reach) {
      reach = extent;
      widest = d;
    }
  }
  return widest;
}

// The dimension to halve so that |box| comes nearer to fitting; -1 when it fits.
int dim_to_cut(const Box& box, const vulkan::DeviceInfo& device) {
  for (const Place& place : box.places)
    if (range_bytes(place, box.dims, device) > device.max_storage_range) return widest_dim(place, box.dims);
  if (box.elements() <= std::numeric_limits<uint32_t>::max()) return -1;
  return static_cast<int>(std::max_element(box.dims.begin(), box.dims.end()) - box.dims.begin());
}

// Cuts |box| at dimension |d|; the first part's size keeps rows long and offsets aligned where it can.
std::pair<Box, Box> halves(const Box& box, int d) {
  int64_t first = (box.dims[d] + 1) / 2;
  constexpr int64_t kRound = 4096;
  if (first > kRound) first = (first + kRound - 1) / kRound * kRound;
  std::pair<Box, Box> parts{box, box};
  parts.first.dims[d] = first;
  parts.second.dims[d] = box.dims[d] - first;
  for (Place& place : parts.second.places) place.offset += first * place.strides[d];
  return parts;
}

}  // namespace

int64_t Place::first(const Dims& dims) const {
  int64_t at = offset;
  for (int d = 0; d < dims.size(); ++d) at += std::min<int64_t>(0, (dims[d] - 1) * strides[d]);
  return at;
}

int64_t Place::last(const Dims& dims) const {
  int64_t at = offset;
  for (int d = 0; d < dims.size(); ++d) at += std::max<int64_t>(0, (dims[d] - 1) * strides[d]);
  return at;
}

Place place_of(const IndexMap& map, const Shape& shape, int element_bytes, Binding::Kind kind, uint32_t index) {
  Place place{map.offset, {}, element_bytes, kind, index};
  const int lead = shape.size() - map.shape.size();
  for (int d = 0; d < shape.size(); ++d) {
    const bool stretched = d < lead || map.shape[d - lead] == 1;
    place.strides.push_back(stretched ? 0 : map.strides[d - lead]);
  }
  return place;
}

void merge_dims(Box& box) {
  int kept = 0;  // dims[0, kept) are done
  for (int d = 0; d < box.dims.size(); ++d) {
    if (box.dims[d] == 1) continue;
    bool merges = kept > 0;
    for (const Place& place : box.places) merges = merges && place.strides[kept - 1] == place.strides[d] * box.dims[d];
    if (merges) {
      box.dims[kept - 1] *= box.dims[d];
    } else {
      box.dims[kept++] = box.dims[d];
    }
    for (Place& place : box.places) place.strides[kept - 1] = place.strides[d];
  }
  box.dims.truncate(kept);
  for (Place& place : box.places) place.strides.truncate(kept);
}

Bound bind(const Place& place, const Dims& dims, bool written, const vulkan::DeviceInfo& device) {
  const int64_t first = place.first(dims);
  const auto element = static_cast<uint64_t>(place.element_bytes);
  const uint64_t from = static_cast<uint64_t>(first) * element / device.storage_alignment * device.storage_alignment;
  const uint64_t to = (static_cast<uint64_t>(place.last(dims)) + 1) * element;
  Bound bound;
  bound.binding = {place.kind, place.index, from, to - from, written};
  bound.offset = static_cast<uint32_t>(place.offset - static_cast<int64_t>(from / element));
  return bound;
}

bool fits(const Box& box, const vulkan::DeviceInfo& device) { return dim_to_cut(box, device) < 0; }

Result<std::vector<Box>> cut(Box box, const vulkan::DeviceInfo& device, std::string_view what) {
  std::vector<Box> done;
  std::vector<Box> open;
  open.push_back(std::move(box));
  while (!open.empty()) {
    Box next = std::move(open.back());
    open.pop_back();
    const int d = dim_to_cut(next, device);
    if (d < 0) {
      done.push_back(std::move(next));
      continue;
    }
    if (done.size() + open.size() + 2 > kMaxBoxes)
      return Error{ErrorCode::kUnsupported, std::string(what) + ": tensors larger than the device's storage range of " +
                                                std::to_string(device.max_storage_range) +
                                                " bytes, strided so that more than " + std::to_string(kMaxBoxes) +
                                                " parts would be needed"};
    auto [first, second] = halves(next, d);
    open.push_back(std::move(second));
    open.push_back(std::move(first));
  }
  return done;
}

}  // namespace gpu_node::kernels
