// What comes behind a concatenation is taken before it.
#include <algorithm>

#include "fuse/reshapes.h"
#include "fuse/rewriter.h"
#include "fuse/views.h"

namespace gpu_node::fuse {
namespace {

// More pieces would be more dispatches than they save.
constexpr size_t kMaxPieces = 4;

// A view that leaves out so many elements, or one in so many, is taken behind what is computed of all.
constexpr int64_t kLeftOut = 16;

// A concatenation and the views of it, the outermost first, that an operand is.
struct Whole {
  ir::ValueName concatenation = 0;
  std::vector<ir::ValueName> views;
};

class ConcatenationSplit {
 public:
  explicit ConcatenationSplit(const Traced& traced) : traced_(traced), out_(traced) {}

  Traced run() && {
    for (size_t i = 0; i < traced_.program.instructions.size(); ++i) {
      const ir::Instruction& instruction = traced_.program.instructions[i];
      if (!is_elementwise(instruction) || !split(instruction, traced_.origins[i]))
        out_.append(instruction, traced_.origins[i]);
    }
    return std::move(out_).finish();
  }

 private:
  std::optional<Whole> whole_of(ir::ValueName name) const {
    Whole whole;
    while (true) {
      const ir::Instruction* maker = out_.maker(name);
      if (maker == nullptr || out_.uses(name) != 1) return std::nullopt;
      if (maker->op->family == ir::Family::kConcatenate) {
        whole.concatenation = name;
        return has_computed_pieces(*maker) ? std::optional(whole) : std::nullopt;
      }
      if (!is_reshape(*maker) && !leaves_out_little(*maker)) return std::nullopt;
      whole.views.push_back(name);
      name = std::get<ir::ValueName>(maker->operands[0]);
    }
  }

  bool leaves_out_little(const ir::Instruction& slice) const {
    if (slice.op->code != ir::Code::kSlice || !is_view(slice)) return false;
    const int64_t all = element_count(out_.type(std::get<ir::ValueName>(slice.operands[0])).shape);
    const int64_t left_out = all - element_count(slice.results[0].type.shape);
    return left_out <= std::max(kLeftOut, all / kLeftOut);
  }

  // Each is made by an elementwise instruction, of the type of the whole.
  bool has_computed_pieces(const ir::Instruction& concatenation) const {
    if (concatenation.operands.size() > kMaxPieces) return false;
    return std::all_of(concatenation.operands.begin(), concatenation.operands.end(), [&](const ir::Operand& piece) {
      const auto* name = std::get_if<ir::ValueName>(&piece);
      if (name == nullptr) return false;
      const ir::Instruction* maker = out_.maker(*name);
      return maker != nullptr && is_elementwise(*maker) &&
             maker->results[0].type.dtype == concatenation.results[0].type.dtype &&
             element_count(maker->results[0].type.shape) > 0;
    });
  }

  // Whether two operands may be split alike.
  bool is_alike(const Whole& a, const Whole& b) const {
    if (a.concatenation == b.concatenation) return true;
    const ir::Instruction& one = *out_.maker(a.concatenation);
    const ir::Instruction& other = *out_.maker(b.concatenation);
    if (!a.views.empty() || !b.views.empty() || one.op != other.op || one.operands.size() != other.operands.size() ||
        axis_of(one) != axis_of(other))
      return false;
    for (size_t k = 0; k < one.operands.size(); ++k)
      if (out_.type(std::get<ir::ValueName>(one.operands[k])).shape !=
          out_.type(std::get<ir::ValueName>(other.operands[k])).shape)
        return false;
    return true;
  }

  // Appends |instruction| of each piece, the concatenation and its reshapes; false where its operands are not such.
  bool split(const ir::Instruction& instruction, uint32_t origin) {
    std::vector<std::optional<Whole>> wholes;
    const Whole* first = nullptr;
    bool cut = false;  // an operand that is no concatenation, of which a piece needs a slice
    wholes.reserve(instruction.operands.size());
    for (const ir::Operand& operand : instruction.operands) {
      wholes.emplace_back();
      const auto* name = std::get_if<ir::ValueName>(&operand);
      if (name == nullptr || out_.type(*name).shape.empty()) continue;
      if (out_.type(*name).shape != instruction.results[0].type.shape) return false;
      wholes.back() = whole_of(*name);
      if (!wholes.back() && is_row_major(*name, out_)) {
        cut = true;
        continue;
      }
      if (!wholes.back() || (first != nullptr && !is_alike(*first, *wholes.back()))) return false;
      if (first == nullptr) first = &*wholes.back();
    }
    if (first == nullptr || (cut && !only_reshapes(*first))) return false;
    const Dtype type = instruction.results[0].type.dtype;
    ir::Instruction concatenation = *out_.maker(first->concatenation);
    const uint32_t own = out_.origin(first->concatenation);
    const ir::Instruction whole = concatenation;
    int64_t start = 0;
    for (size_t k = 0; k < whole.operands.size(); ++k) {
      const Shape shape = out_.type(std::get<ir::ValueName>(whole.operands[k])).shape;
      ir::Instruction piece = instruction;
      for (size_t o = 0; o < piece.operands.size(); ++o) {
        const auto* name = std::get_if<ir::ValueName>(&piece.operands[o]);
        if (wholes[o])
          piece.operands[o] = out_.maker(wholes[o]->concatenation)->operands[k];
        else if (name != nullptr && !out_.type(*name).shape.empty())
          piece.operands[o] = cut_out(*name, whole, shape, start, origin);
      }
      start += whole.op->code == ir::Code::kStack ? 1 : shape[axis_of(whole)];
      concatenation.operands[k] = define(piece, {type, shape});
      out_.append(std::move(piece), origin);
    }
    // The last of the line is called as the instruction's result was.
    const auto finish = [&](ir::Instruction& last, const Shape& shape, bool is_last, uint32_t from) {
      const ir::ValueName name = define(last, {type, shape});
      if (is_last) last.results[0].name = instruction.results[0].name;
      out_.append(std::move(last), from);
      return name;
    };
    const std::vector<ir::ValueName> views = first->views;
    const Shape shape = concatenation.results[0].type.shape;
    ir::ValueName name = finish(concatenation, shape, views.empty(), own);
    for (size_t v = views.size(); v-- > 0;) {
      ir::Instruction view = *out_.maker(views[v]);
      const Shape seen = view.results[0].type.shape;
      view.operands = {name};
      name = finish(view, seen, v == 0, out_.origin(views[v]));
    }
    return true;
  }

  bool only_reshapes(const Whole& whole) const {
    return std::all_of(whole.views.begin(), whole.views.end(),
                       [&](ir::ValueName view) { return is_reshape(*out_.maker(view)); });
  }

  // What |name| has where |whole| has a piece of |shape| that begins at |start|.
  ir::ValueName cut_out(ir::ValueName name, const ir::Instruction& whole, const Shape& shape, int64_t start,
                        uint32_t origin) {
    const Dtype type = out_.type(name).dtype;
    const Shape& all = whole.results[0].type.shape;
    const auto view = [&](std::string_view op, const Shape& seen, ir::Attributes attributes) {
      const ir::Definition result = out_.define({type, seen});
      out_.append(instruction_of(op, {name}, result, std::move(attributes)), origin);
      name = result.name;
    };
    if (out_.type(name).shape != all) view("reshape", all, {});
    ir::SliceAttributes slice;
    slice.lengths = all;
    for (int d = 0; d < all.size(); ++d) slice.starts.values.push_back(d == axis_of(whole) ? start : 0);
    slice.lengths[axis_of(whole)] = whole.op->code == ir::Code::kStack ? 1 : shape[axis_of(whole)];
    view("slice", slice.lengths, slice);
    if (slice.lengths != shape) view("reshape", shape, {});
    return name;
  }

  // Gives |made| a result of a new name, which is used once.
  ir::ValueName define(ir::Instruction& made, ir::TensorType type) {
    made.results = {out_.define(std::move(type))};
    return made.results[0].name;
  }

  const Traced& traced_;
  Rewriter out_;
};

}  // namespace

void split_concatenations(Traced& traced) {
  const std::vector<ir::Instruction>& all = traced.program.instructions;
  if (std::any_of(all.begin(), all.end(), is_concatenation)) traced = ConcatenationSplit(traced).run();
}

}  // namespace gpu_node::fuse
