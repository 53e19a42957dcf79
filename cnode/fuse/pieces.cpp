#include "fuse/pieces.h"

#include <algorithm>
#include <limits>

#include "fuse/graph.h"
#include "fuse/rewriter.h"
#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

// More pieces would be more steps for each element than reading it costs.
constexpr size_t kMaxChosen = 4;
// Each view looks for its piece: with more of them the time would grow with the square of the program.
constexpr size_t kMaxSeen = 64;

// Whether the pieces lie one behind the other, in row-major order.
bool is_in_line(const ir::Instruction& concatenation) {
  const Shape& shape = concatenation.results[0].type.shape;
  for (int d = 0; d < axis_of(concatenation); ++d)
    if (shape[d] != 1) return false;
  return element_count(shape) > 0;
}

class PieceViews {
 public:
  explicit PieceViews(const Traced& traced)
      : traced_(traced),
        graph_(traced.program),
        fresh_(traced.program),
        seen_(graph_.values()),
        needs_whole_(traced.program.instructions.size()) {}

  Traced run() && {
    const std::vector<ir::Instruction>& all = traced_.program.instructions;
    for (const ir::Instruction& instruction : all) look(instruction);
    for (auto i = static_cast<uint32_t>(all.size()); i-- > 0;) needs_whole_[i] = needs_whole(i);
    for (uint32_t i = 0; i < all.size(); ++i) {
      ir::Instruction instruction = all[i];
      for (ir::Operand& operand : instruction.operands)
        if (auto* name = std::get_if<ir::ValueName>(&operand)) *name = now(*name);
      const std::optional<Seen>& seen = seen_[graph_.result(i)];
      if (seen && seen->piece != kNone && (!needs_whole_[seen->whole] || is_free(*seen)))
        append_view(instruction, *seen, traced_.origins[i]);
      else
        append(std::move(instruction), traced_.origins[i]);
    }
    made_.program.inputs = traced_.program.inputs;
    for (const ir::ValueName name : traced_.program.outputs) made_.program.outputs.push_back(now(name));
    return std::move(made_);
  }

 private:
  static constexpr size_t kNone = ~size_t{0};

  // What a view sees of a concatenation, an instruction: where in all of it, and which operand where it is one alone.
  struct Seen {
    uint32_t whole = 0;
    IndexMap map;
    size_t piece = kNone;
    int64_t start = 0;  // of the piece
  };

  void look(const ir::Instruction& instruction) {
    if (!is_view(instruction) || element_count(instruction.results[0].type.shape) == 0) return;
    const uint32_t of = graph_.number(std::get<ir::ValueName>(instruction.operands[0]));
    const uint32_t maker = graph_[of].maker;
    if (maker == Graph::kNone) return;
    Seen seen;
    if (seen_[of]) {
      seen.whole = seen_[of]->whole;
      seen.map = seen_[of]->map;
    } else if (const ir::Instruction& made = traced_.program.instructions[maker];
               is_concatenation(made) && made.operands.size() <= kMaxSeen && is_in_line(made)) {
      seen.whole = maker;
      seen.map = IndexMap::row_major(made.results[0].type.shape);
    } else {
      return;
    }
    std::optional<IndexMap> map = kernels::view_of(instruction, seen.map);
    if (!map) return;
    seen.map = *std::move(map);
    find_piece(seen);
    seen_[graph_.number(instruction.results[0].name)] = std::move(seen);
  }

  void find_piece(Seen& seen) const {
    if (!seen.map.is_row_major()) return;
    const ir::Instruction& whole = traced_.program.instructions[seen.whole];
    const int64_t end = seen.map.offset + element_count(seen.map.shape);
    int64_t start = 0;
    for (size_t k = 0; k < whole.operands.size(); ++k) {
      const auto* name = std::get_if<ir::ValueName>(&whole.operands[k]);
      if (name == nullptr) return;
      const ir::TensorType& type = *graph_.value(*name).type;
      const int64_t elements = element_count(type.shape);
      if (start <= seen.map.offset && end <= start + elements && type.dtype == whole.results[0].type.dtype) {
        seen.piece = k;
        seen.start = start;
        return;
      }
      start += elements;
    }
  }

  // Whether somebody takes what |i| gives who is no view of one piece.
  bool needs_whole(uint32_t i) const {
    const Graph::Value& value = graph_[graph_.result(i)];
    if (value.is_output) return true;
    return std::any_of(value.users.begin(), value.users.end(), [&](uint32_t user) {
      const std::optional<Seen>& seen = seen_[graph_.result(user)];
      return !seen || (seen->piece == kNone && needs_whole_[user]);
    });
  }

  // Whether the piece is read from nowhere (fuse/sources.h), so that its view gains whatever others need.
  bool is_free(const Seen& seen) const {
    const ir::Operand& piece = traced_.program.instructions[seen.whole].operands[seen.piece];
    const uint32_t maker = graph_.value(std::get<ir::ValueName>(piece)).maker;
    if (maker == Graph::kNone) return false;
    const ir::Code code = traced_.program.instructions[maker].op->code;
    return code == ir::Code::kIota || code == ir::Code::kConstant;
  }

  ir::ValueName now(ir::ValueName name) const {
    const ir::ValueName* other = same_.find(name);
    return other == nullptr ? name : *other;
  }

  void append(ir::Instruction instruction, uint32_t origin) {
    made_.program.instructions.push_back(std::move(instruction));
    made_.origins.push_back(origin);
  }

  // |view| of the piece: its elements in a row, those that are seen, in the view's shape.
  void append_view(const ir::Instruction& view, const Seen& seen, uint32_t origin) {
    const auto piece = std::get<ir::ValueName>(traced_.program.instructions[seen.whole].operands[seen.piece]);
    const ir::TensorType& type = *graph_.value(piece).type;
    const ir::Definition& result = view.results[0];
    const int64_t elements = element_count(result.type.shape);
    ir::ValueName name = now(piece);
    if (type.shape == result.type.shape) return same_.insert(result.name, name);
    const auto step = [&](std::string_view op, const Shape& shape, ir::Attributes attributes) {
      const bool is_last = shape == result.type.shape;
      const ir::Definition seen_as{is_last ? result.name : fresh_.next(), {type.dtype, shape}};
      append(instruction_of(op, {name}, seen_as, std::move(attributes)), origin);
      name = seen_as.name;
    };
    if (elements == element_count(type.shape)) return step("reshape", result.type.shape, {});
    if (type.shape.size() != 1) step("reshape", {element_count(type.shape)}, {});
    ir::SliceAttributes slice;
    slice.starts.values = {seen.map.offset - seen.start};
    slice.lengths = {elements};
    step("slice", {elements}, slice);
    if (name != result.name) step("reshape", result.type.shape, {});
  }

  const Traced& traced_;
  const Graph graph_;
  FreshNames fresh_;
  std::vector<std::optional<Seen>> seen_;  // by value
  std::vector<bool> needs_whole_;          // by instruction
  FlatMap<ir::ValueName> same_;            // what a name is called from now on
  Traced made_;
};

class Choices {
 public:
  explicit Choices(const Traced& traced) : out_(traced) {}

  Traced run(const Traced& traced) && {
    for (size_t i = 0; i < traced.program.instructions.size(); ++i) {
      const ir::Instruction& instruction = traced.program.instructions[i];
      if (is_choice(instruction))
        choose(instruction, traced.origins[i]);
      else
        out_.append(instruction, traced.origins[i]);
    }
    return std::move(out_).finish();
  }

 private:
  bool is_choice(const ir::Instruction& whole) const {
    if (whole.op->code != ir::Code::kConcatenate || whole.operands.size() < 2 || whole.operands.size() > kMaxChosen ||
        !is_in_line(whole) || element_count(whole.results[0].type.shape) > std::numeric_limits<uint32_t>::max())
      return false;
    bool counts = false;
    for (size_t k = 0; k < whole.operands.size(); ++k) {
      const auto* name = std::get_if<ir::ValueName>(&whole.operands[k]);
      if (name == nullptr || out_.type(*name).dtype != whole.results[0].type.dtype) return false;
      const int64_t elements = element_count(out_.type(*name).shape);
      const ir::Instruction* maker = out_.maker(*name);
      if (elements == 0) return false;
      const bool counted = maker != nullptr && is_counter(*maker, k == 0);
      counts = counts || counted;
      if (!counted && elements != 1 && !(maker != nullptr && maker->op->code == ir::Code::kConstant)) return false;
    }
    return counts;
  }

  // Whether the number of an element, less that of the first, is the element. What floats count is rounded before.
  static bool is_counter(const ir::Instruction& maker, bool is_first) {
    if (maker.op->code != ir::Code::kIota) return false;
    const ir::TensorType& type = maker.results[0].type;
    if (maker.attributes.as<ir::IotaAttributes>().axis && type.shape.size() != 1) return false;
    return is_first || is_integer(type.dtype);
  }

  ir::ValueName append(std::string_view op, std::initializer_list<ir::Operand> operands, const ir::Definition& result,
                       ir::Attributes attributes, uint32_t origin) {
    out_.append(instruction_of(op, operands, result, std::move(attributes)), origin);
    return result.name;
  }

  // Piece |k|, which begins at element |start|, as the whole would have it if it went on to both sides.
  ir::Operand spread(const ir::Instruction& whole, size_t k, int64_t start, uint32_t origin) {
    const auto& [dtype, shape] = whole.results[0].type;
    const auto piece = std::get<ir::ValueName>(whole.operands[k]);
    const ir::Instruction* maker = out_.maker(piece);
    if (maker != nullptr && maker->op->code == ir::Code::kConstant)
      return append("constant", {}, out_.define({dtype, shape}), maker->attributes, origin);
    if (maker == nullptr || maker->op->code != ir::Code::kIota) {
      if (out_.type(piece).shape.empty()) return piece;
      return append("reshape", {piece}, out_.define({dtype, {}}), {}, origin);
    }
    const ir::ValueName count = append("iota", {}, out_.define({dtype, shape}), ir::IotaAttributes{}, origin);
    if (start == 0) return count;
    return append("subtract", {count, converted({Dtype::s64, start}, dtype)}, out_.define({dtype, shape}), {}, origin);
  }

  void choose(const ir::Instruction& whole, uint32_t origin) {
    const auto& [dtype, shape] = whole.results[0].type;
    SmallList<int64_t, 4> starts;
    int64_t start = 0;
    for (const ir::Operand& operand : whole.operands) {
      starts.push_back(start);
      start += element_count(out_.type(std::get<ir::ValueName>(operand)).shape);
    }
    size_t k = whole.operands.size() - 1;
    ir::Operand chosen = spread(whole, k, starts[k], origin);
    const ir::ValueName place = append("iota", {}, out_.define({Dtype::u32, shape}), ir::IotaAttributes{}, origin);
    while (k-- > 0) {
      const ir::ValueName before = append("less", {place, converted({Dtype::s64, starts[k + 1]}, Dtype::u32)},
                                          out_.define({Dtype::u8, shape}), {}, origin);
      const ir::Operand piece = spread(whole, k, starts[k], origin);
      ir::Definition result = out_.define({dtype, shape});
      if (k == 0) result.name = whole.results[0].name;
      chosen = append("select", {before, piece, chosen}, result, {}, origin);
    }
  }

  Rewriter out_;
};

}  // namespace

void see_pieces(Traced& traced) {
  const std::vector<ir::Instruction>& all = traced.program.instructions;
  if (std::any_of(all.begin(), all.end(), is_concatenation)) traced = PieceViews(traced).run();
}

void choose_pieces(Traced& traced) {
  const std::vector<ir::Instruction>& all = traced.program.instructions;
  if (std::any_of(all.begin(), all.end(), is_concatenation)) traced = Choices(traced).run(traced);
}

}  // namespace gpu_node::fuse
