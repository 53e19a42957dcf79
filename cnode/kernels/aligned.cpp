#include "kernels/aligned.h"

namespace gpu_node::kernels {

IndexMap aligned(const IndexMap& map, const Dims& axes, const Shape& shape) {
  IndexMap wide{shape, {}, map.offset};
  for (int d = 0; d < shape.size(); ++d) wide.strides.push_back(0);
  for (int d = 0; d < map.shape.size(); ++d)
    if (map.shape[d] != 1) wide.strides[static_cast<int>(axes[d])] = map.strides[d];
  return wide;
}

BlockInput aligned(const ir::AlignedSource& source, const Shape& shape, std::span<const Arg> operands) {
  BlockInput input = block_input(source.from, operands);
  if (auto* place = std::get_if<Place>(&input)) place->map = aligned(place->map, source.axes, shape);
  if (auto* counter = std::get_if<ir::Counter>(&input)) counter->map = aligned(counter->map, source.axes, shape);
  return input;
}

}  // namespace gpu_node::kernels
