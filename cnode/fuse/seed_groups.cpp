#include "fuse/seed_groups.h"

#include <algorithm>

#include "fuse/rewriter.h"
#include "kernels/finished.h"
#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

constexpr uint32_t kNone = Graph::kNone;
// A search for a way out of a group and back through others that visits more is given up, as if there were one.
constexpr size_t kMaxVisited = 512;

// One of whose elements others may be computed where they are stored.
bool is_product(const ir::Instruction& instruction) {
  return kernels::can_be_finished(*instruction.op) && !instruction.is_literal(0) && !instruction.is_literal(1) &&
         element_count(instruction.results[0].type.shape) > 0;
}

bool is_bitcast(const ir::Instruction& view, const Graph& graph) {
  return graph.value(std::get<ir::ValueName>(view.operands[0])).type->dtype != view.results[0].type.dtype;
}

// Reductions of the same rows. Views of numbers of rows (keeping an axis or not, broadcasting to the elements) are seen
// through.
class RowGrower : public Grower {
 public:
  RowGrower(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits,
            const std::vector<uint32_t>& group_of, RowDomain domain)
      : Grower(program, graph, sources, limits, group_of) {
    group_.rows = std::move(domain);
  }

 private:
  Kind joined(uint32_t i) const override {
    const ir::Instruction& instruction = program_.instructions[i];
    if (group_of_[i] != kNone) return Kind::kOutside;
    const ir::TensorType& type = instruction.results[0].type;
    if (instruction.op->family == ir::Family::kReduce) {
      const std::optional<RowDomain> domain = RowDomain::of(instruction, graph_);
      return domain && *domain == *group_.rows && reduces_elements(instruction) ? Kind::kOfRows : Kind::kOutside;
    }
    if (is_view(instruction)) return seen(instruction);
    if (!is_elementwise(instruction) || is_complex(type.dtype)) return Kind::kOutside;
    if (type.shape == group_.rows->shape && takes_elements(instruction)) return Kind::kElements;
    return group_.rows->axes_of_rows(type.shape) && takes_rows(instruction) ? Kind::kOfRows : Kind::kOutside;
  }

  // What need not be read has no order in which it would lie.
  bool reduces_elements(const ir::Instruction& instruction) const {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(instruction.operands[0]));
    return kind(value) == Kind::kElements || (kind(value) == Kind::kOutside && !sources_.of(value));
  }

  Kind seen(const ir::Instruction& view) const {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(view.operands[0]));
    if (kind(value) != Kind::kOfRows && kind(value) != Kind::kView) return Kind::kOutside;
    const Shape& shape = graph_[value].type->shape;
    if (element_count(shape) != group_.rows->rows) return Kind::kOutside;
    const std::optional<IndexMap> map = kernels::view_of(view, IndexMap::row_major(shape));
    const bool fits =
        map && !is_bitcast(view, graph_) && (group_.rows->sees_elements(*map) || group_.rows->sees_rows(*map));
    return fits ? Kind::kView : Kind::kOutside;
  }

  bool takes_elements(const ir::Instruction& instruction) const {
    bool fits = true;
    each_value(instruction, [&](uint32_t value) {
      const ir::TensorType& type = *graph_[value].type;
      fits = fits && !is_complex(type.dtype);
      if (kind(value) == Kind::kOfRows || kind(value) == Kind::kView)
        fits = fits && (type.shape == group_.rows->shape || group_.rows->broadcasts(type.shape));
      if (kind(value) == Kind::kElements) fits = fits && type.shape == group_.rows->shape;
    });
    return fits;
  }

  bool takes_rows(const ir::Instruction& instruction) const {
    bool fits = true;
    each_value(instruction, [&](uint32_t value) {
      const ir::TensorType& type = *graph_[value].type;
      fits = fits && !is_complex(type.dtype) && kind(value) != Kind::kElements;
      if (kind(value) == Kind::kOfRows || kind(value) == Kind::kView)
        fits = fits && element_count(type.shape) == group_.rows->rows;
    });
    return fits;
  }
};

// A product or a convolution, and what is computed of its elements one by one. Views that put its axes in another
// order, or leave out or add axes of one element, are seen through.
class ProductGrower : public Grower {
 public:
  using Grower::Grower;

 private:
  size_t weight_limit() const override { return limits_.epilogue; }

  Kind joined(uint32_t i) const override {
    const ir::Instruction& instruction = program_.instructions[i];
    if (group_of_[i] != kNone || !axes_of(i)) return Kind::kOutside;
    return is_view(instruction) ? Kind::kView : Kind::kElements;
  }

  void note(uint32_t i) override { group_.axes[graph_.result(i)] = *axes_of(i); }

  // By axis of what |i| makes, the product's axis that it is; nothing where it is not that, of axes of one element any.
  std::optional<Dims> axes_of(uint32_t i) const {
    const ir::Instruction& instruction = program_.instructions[i];
    const Shape& shape = instruction.results[0].type.shape;
    if (is_seed(i)) {
      Dims own;
      for (int d = 0; d < shape.size(); ++d) own.push_back(d);
      return own;
    }
    if (is_view(instruction)) return axes_of_view(instruction);
    if (!is_elementwise(instruction)) return std::nullopt;
    std::optional<Dims> axes;
    bool fits = true;
    const auto take = [&](uint32_t value) {
      const Dims& other = group_.axes.at(value);
      fits = fits && graph_[value].type->shape == shape && (!axes || are_same(*axes, other, shape));
      axes = other;
    };
    each_value(instruction, [&](uint32_t value) {
      if (is_in(kind(value))) take(value);
    });
    if (axes) return fits ? axes : std::nullopt;
    // What comes before is one element for one of those who take it, of which the product is none.
    for (const uint32_t user : graph_[graph_.result(i)].users) {
      fits = fits && !is_seed(user);
      if (is_in(kind(graph_.result(user)))) take(graph_.result(user));
    }
    return fits ? axes : std::nullopt;
  }

  static bool are_same(const Dims& axes, const Dims& others, const Shape& shape) {
    for (int d = 0; d < shape.size(); ++d)
      if (shape[d] != 1 && axes[d] != others[d]) return false;
    return true;
  }

  std::optional<Dims> axes_of_view(const ir::Instruction& view) const {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(view.operands[0]));
    if (!is_in(kind(value)) || is_bitcast(view, graph_)) return std::nullopt;
    const IndexMap whole = IndexMap::row_major(graph_[value].type->shape);
    const std::optional<IndexMap> map = kernels::view_of(view, whole);
    if (!map || map->offset != 0 || element_count(map->shape) != element_count(whole.shape)) return std::nullopt;
    const Dims& of_value = group_.axes.at(value);
    Dims axes;
    for (int d = 0; d < map->shape.size(); ++d) {
      int from = 0;
      while (from < whole.shape.size() && map->shape[d] != 1 &&
             (whole.shape[from] != map->shape[d] || whole.strides[from] != map->strides[d]))
        ++from;
      if (map->shape[d] != 1 && from == whole.shape.size()) return std::nullopt;
      axes.push_back(map->shape[d] == 1 ? 0 : of_value[from]);
    }
    return axes;
  }
};

}  // namespace

SeedGroups::SeedGroups(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits)
    : program_(program), graph_(graph), group_of_(program.instructions.size(), kNone) {
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    if (group_of_[i] != kNone) continue;
    std::optional<RowDomain> domain = RowDomain::of(program.instructions[i], graph);
    if (!domain || sources.of(graph.number(std::get<ir::ValueName>(program.instructions[i].operands[0])))) continue;
    keep(RowGrower(program, graph, sources, limits, group_of_, *std::move(domain)).grow(i));
  }
  for (uint32_t i = 0; i < program.instructions.size(); ++i)
    if (is_product(program.instructions[i])) keep(ProductGrower(program, graph, sources, limits, group_of_).grow(i));
}

void SeedGroups::keep(SeedGroup&& group) {
  if (group.members.size() < 2 || !is_apart(group)) return;
  for (const uint32_t member : group.members) group_of_[member] = static_cast<uint32_t>(groups_.size());
  groups_.push_back(std::move(group));
}

// Whether no way leads out of |group| and back, through other groups.
bool SeedGroups::is_apart(const SeedGroup& group) const {
  const uint32_t first = group.members.front();
  uint32_t end = group.members.back();
  bool alone = true;
  for (const SeedGroup& other : groups_) {
    if (other.members.back() < first || other.members.front() > group.members.back()) continue;
    alone = false;
    end = std::max(end, other.members.back());
  }
  if (alone) return true;
  const auto is_own = [&](uint32_t i) { return std::binary_search(group.members.begin(), group.members.end(), i); };
  std::vector<uint32_t> open;
  const auto push_users = [&](uint32_t value, bool own) {
    for (const uint32_t user : graph_[value].users)
      if (user <= end && (own || !is_own(user))) open.push_back(user);
  };
  for (const uint32_t value : group.results) push_users(value, false);
  std::vector<bool> seen(program_.instructions.size());
  for (size_t visited = 0; !open.empty();) {
    const uint32_t i = open.back();
    open.pop_back();
    if (seen[i]) continue;
    seen[i] = true;
    if (is_own(i) || ++visited > kMaxVisited) return false;
    if (group_of_[i] == kNone) {
      // Its members see through its views.
      const bool own = !group.views.contains(graph_.result(i));
      for (size_t k = 0; k < program_.instructions[i].results.size(); ++k) push_users(graph_.result(i, k), own);
      continue;
    }
    for (const uint32_t value : groups_[group_of_[i]].results) push_users(value, true);
  }
  return true;
}

}  // namespace gpu_node::fuse
