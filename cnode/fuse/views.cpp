#include "fuse/views.h"

#include <algorithm>

#include "fuse/rewriter.h"
#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

// Instructions that one view is taken through: then the whole is linear, however views and others alternate.
constexpr int kMaxSunk = 64;

class ViewSink {
 public:
  explicit ViewSink(const Traced& traced) : traced_(traced), graph_(traced.program), out_(traced) {
    const std::vector<ir::Instruction>& all = traced.program.instructions;
    wanted_.resize(all.size());
    for (auto i = static_cast<uint32_t>(all.size()); i-- > 0;) wanted_[i] = is_wanted(i);
  }

  Traced run() && {
    for (uint32_t i = 0; i < traced_.program.instructions.size(); ++i) {
      const ir::Instruction& instruction = traced_.program.instructions[i];
      int budget = kMaxSunk;
      if (wanted_[i] && is_sinkable(operand_of(instruction)) && can_view(instruction, operand_of(instruction), budget))
        view(instruction, operand_of(instruction), instruction.results[0].name, traced_.origins[i]);
      else
        append(instruction, traced_.origins[i]);
    }
    return std::move(out_).finish();
  }

 private:
  static ir::ValueName operand_of(const ir::Instruction& view) { return std::get<ir::ValueName>(view.operands[0]); }

  // A view that elementwise instructions take, or others such views, and nobody else. One that repeats elements would
  // have them computed again.
  bool is_wanted(uint32_t i) const {
    const ir::Instruction& instruction = traced_.program.instructions[i];
    const Graph::Value& value = graph_[graph_.result(i)];
    if (!is_view(instruction) || instruction.op->code == ir::Code::kBroadcast || value.is_output ||
        element_count(value.type->shape) == 0)
      return false;
    return std::all_of(value.users.begin(), value.users.end(), [&](uint32_t user) {
      return wanted_[user] || is_elementwise(traced_.program.instructions[user]) ||
             traced_.program.instructions[user].op->family == ir::Family::kConcatenate;
    });
  }

  bool is_sinkable(ir::ValueName name) const {
    const ir::Instruction* maker = out_.maker(name);
    return maker != nullptr && is_elementwise(*maker) && out_.uses(name) == 1 &&
           maker->op->type_rule != ir::TypeRule::kSameWidth;
  }

  static bool is_scalar(const ir::TensorType& type) { return type.shape.empty(); }

  static IndexMap widened(const IndexMap& map, const Shape& shape) {
    Dims axes;
    for (int d = 0; d < map.shape.size(); ++d) axes.push_back(shape.size() - map.shape.size() + d);
    return broadcast_to(map, shape, axes);
  }

  // Whether |of|, taken through what makes it, can be seen as |view| sees it without a copy.
  bool can_view(const ir::Instruction& view, ir::ValueName of, int& budget) const {
    if (!is_sinkable(of)) return kernels::view_of(view, map_of(of)).has_value();
    if (--budget < 0) return false;
    const ir::Instruction& maker = *out_.maker(of);
    const Shape& shape = maker.results[0].type.shape;
    for (const ir::Operand& operand : maker.operands) {
      const auto* name = std::get_if<ir::ValueName>(&operand);
      if (name == nullptr || is_scalar(out_.type(*name))) continue;
      const bool fits = out_.type(*name).shape == shape
                            ? can_view(view, *name, budget)
                            : kernels::view_of(view, widened(map_of(*name), shape)).has_value();
      if (!fits) return false;
    }
    return true;
  }

  // Where the elements of |name| lie when the inputs are row-major.
  IndexMap map_of(ir::ValueName name) const {
    const uint32_t* view = views_.find(name);
    return view == nullptr ? IndexMap::row_major(out_.type(name).shape) : maps_[*view];
  }

  void append(ir::Instruction instruction, uint32_t origin) {
    const ir::Definition& result = instruction.results[0];
    if (is_view(instruction) && element_count(result.type.shape) != 0)
      if (std::optional<IndexMap> map = kernels::view_of(instruction, map_of(operand_of(instruction)))) {
        views_.insert(result.name, static_cast<uint32_t>(maps_.size()));
        maps_.push_back(*std::move(map));
      }
    out_.append(std::move(instruction), origin);
  }

  // |view| of |of|, called |name|.
  void view(const ir::Instruction& view, ir::ValueName of, ir::ValueName name, uint32_t origin) {
    ir::TensorType type{out_.type(of).dtype, view.results[0].type.shape};
    if (!is_sinkable(of)) {
      ir::Instruction seen = view;
      seen.operands = {of};
      seen.results = {{name, std::move(type)}};
      return append(seen, origin);
    }
    const uint32_t own = out_.origin(of);
    ir::Instruction maker = out_.take(of);
    const Shape shape = maker.results[0].type.shape;
    std::vector<std::pair<ir::ValueName, ir::ValueName>> seen;  // operands, and their views
    for (ir::Operand& operand : maker.operands) {
      auto* from = std::get_if<ir::ValueName>(&operand);
      if (from == nullptr || is_scalar(out_.type(*from))) continue;
      const auto known = std::find_if(seen.begin(), seen.end(), [&](const auto& pair) { return pair.first == *from; });
      if (known == seen.end()) {
        const ir::ValueName made = out_.next_name();
        out_.add_use(made);
        seen.emplace_back(*from, made);
        this->view(view, out_.type(*from).shape == shape ? *from : widened(*from, shape, origin), made, origin);
        *from = made;
      } else {
        *from = known->second;
      }
    }
    maker.results = {{name, std::move(type)}};
    append(maker, own);
  }

  // |name| as a view of |shape|, to which it broadcasts at the last axis.
  ir::ValueName widened(ir::ValueName name, const Shape& shape, uint32_t origin) {
    const ir::Definition wide = out_.define({out_.type(name).dtype, shape});
    append(instruction_of("broadcast", {name}, wide), origin);
    return wide.name;
  }

  const Traced& traced_;
  const Graph graph_;
  Rewriter out_;
  std::vector<bool> wanted_;  // by instruction
  FlatMap<uint32_t> views_;   // by name of a view, its place in maps_
  std::vector<IndexMap> maps_;
};

}  // namespace

void sink_views(Traced& traced) {
  const std::vector<ir::Instruction>& all = traced.program.instructions;
  if (std::any_of(all.begin(), all.end(), is_view)) traced = ViewSink(traced).run();
}

}  // namespace gpu_node::fuse
