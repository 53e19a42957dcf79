#include "fuse/row_domain.h"

#include <algorithm>

#include "kernels/reduce/accumulator.h"

namespace gpu_node::fuse {

std::optional<RowDomain> RowDomain::of(const ir::Instruction& instruction, const Graph& graph) {
  if (instruction.op->family != ir::Family::kReduce || !kernels::accumulator_of(instruction.op->code) ||
      instruction.is_literal(0) || is_complex(instruction.results[0].type.dtype))
    return std::nullopt;
  const ir::TensorType& type = *graph.value(std::get<ir::ValueName>(instruction.operands[0])).type;
  if (is_complex(type.dtype) || element_count(type.shape) == 0) return std::nullopt;
  RowDomain domain;
  domain.shape = domain.kept = type.shape;
  const auto& axes = instruction.attributes.as<ir::ReduceAttributes>().axes;
  for (int d = 0; d < type.shape.size(); ++d) {
    if (type.shape[d] == 1 || (axes && std::find(axes->begin(), axes->end(), d) == axes->end())) continue;
    domain.reduced.push_back(static_cast<uint8_t>(d));
    domain.kept[d] = 1;
  }
  domain.rows = element_count(domain.kept);
  return domain;
}

std::optional<Dims> RowDomain::axes_of_rows(const Shape& part) const {
  Dims axes;
  int from = 0;
  for (int d = 0; d < part.size(); ++d) {
    if (part[d] == 1) {
      axes.push_back(0);
      continue;
    }
    while (from < kept.size() && kept[from] == 1) ++from;
    if (from == kept.size() || kept[from] != part[d]) return std::nullopt;
    axes.push_back(from++);
  }
  while (from < kept.size() && kept[from] == 1) ++from;
  if (from < kept.size()) return std::nullopt;
  return axes;
}

Dims RowDomain::axes_below(const Shape& part, const Shape& whole, const Dims& axes) {
  Dims below;
  for (int d = 0; d < part.size(); ++d) below.push_back(axes[whole.size() - part.size() + d]);
  return below;
}

Dims RowDomain::own_axes() const {
  Dims axes;
  for (int d = 0; d < shape.size(); ++d) axes.push_back(d);
  return axes;
}

bool RowDomain::broadcasts(const Shape& part) const {
  if (part.size() > shape.size() || element_count(part) != rows) return false;
  for (int d = 0; d < part.size(); ++d) {
    const int axis = shape.size() - part.size() + d;
    if (part[d] != kept[axis]) return false;
  }
  return true;
}

bool RowDomain::sees_elements(const IndexMap& map) const {
  if (map.shape != shape || map.offset != 0) return false;
  const Dims strides = row_major_strides(kept);
  for (int d = 0; d < shape.size(); ++d)
    if (shape[d] != 1 && map.strides[d] != (kept[d] == 1 ? 0 : strides[d])) return false;
  return true;
}

bool RowDomain::sees_rows(const IndexMap& map) const {
  return map.offset == 0 && element_count(map.shape) == rows && map.is_row_major();
}

}  // namespace gpu_node::fuse
