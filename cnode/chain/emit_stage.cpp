// What is computed in a loop as a block, the loops around it, and what adds up sums.
#include "chain/emit_stage.h"

#include <algorithm>

#include "base/concat.h"
#include "kernels/glsl/write_block.h"
#include "scalar/op_code.h"

namespace gpu_node::chain {
namespace {

using kernels::ShaderBuilder;
using kernels::TypedValue;
using scalar::ValueNumber;

// A chain whose numbers are in registers has loops written out, up to so many lines; a transcendental function counts
// as kHeavyLines.
constexpr uint64_t kMostLines = 1000;
constexpr uint64_t kHeavyLines = 30;

// What is computed at one place of a loop. Its results are the stage's stores, in order, then what its sums add up.
struct StageBlock {
  scalar::Block block{scalar::Block::Rounding::kNone};
  std::vector<ValueId> ids;         // of the block's values
  std::vector<std::string> inputs;  // where the inputs are read
  uint64_t heavy = 0;               // transcendental functions
};

class StageText {
 public:
  StageText(const Program& program, const Schedule& schedule, const KernelShape& shape, uint32_t sums_at_once,
            ShaderBuilder& builder)
      : program_(program),
        schedule_(schedule),
        shape_(shape),
        words_(program, schedule),
        sums_at_once_(sums_at_once),
        builder_(builder) {}

  std::string of(const Stage& stage) {
    block_ = block_of(stage);
    if (shape_.home == Home::kOwn && stage.loops() != 0 && in_order(stage)) return ordered_text(stage);
    if (stage.outer == 0 && stage.inner) return strided_text(stage);
    return stage.outer == 0 ? single_text(stage) : nested_text(stage);
  }

 private:
  bool threads() const { return shape_.mapping == Mapping::kThread; }
  bool subgroups() const { return shape_.mapping == Mapping::kSubgroup; }

  static std::string index_name(IndexId id) { return concat("i", id); }
  std::string word(uint32_t at) const { return word_text(shape_, at); }
  std::string size_of(IndexId id) const { return word(schedule_.indices[id].dimension); }

  std::string places(IndexSet set) const {
    std::string text;
    for (const IndexId id : members(set)) text += (text.empty() ? "" : " * ") + size_of(id);
    return text.empty() ? "1u" : text;
  }

  // The place in row-major order over |set|.
  std::string place(IndexSet set) const {
    std::string text;
    for (const IndexId id : members(set))
      text = text.empty() ? index_name(id) : "(" + text + " * " + size_of(id) + " + " + index_name(id) + ")";
    return text.empty() ? "0u" : text;
  }

  std::string slot_element(uint32_t slot) const {
    return "STATE(" + word(words_.slots + slot) + " + " + place(schedule_.slots[slot].free) + ")";
  }

  std::string coordinate(const Value& value) const {
    const std::string first = word(words_.variables + value.symbol);
    if (value.operand_count == 0) return "STATE(" + first + ")";
    const Value& index = program_.values[value.operands[0]];
    const std::string where =
        index.kind == ValueKind::kIndex ? index_name(index.symbol) : "uint(" + known(value.operands[0]) + ")";
    return "STATE(" + first + " + " + where + ")";
  }

  // Where a value that the stage does not compute is read.
  std::string read(ValueId id) const {
    const Value& value = program_.values[id];
    if (!value.varies) return known(id);
    return value.kind == ValueKind::kCoordinate ? coordinate(value)
                                                : slot_element(static_cast<uint32_t>(schedule_.slot_of[id]));
  }

  std::string known(ValueId id) const {
    const Value& value = program_.values[id];
    if (value.kind == ValueKind::kConstant) return kernels::constant_text({shape_.dtype, value.number});
    if (value.kind == ValueKind::kIndex) return "REAL(" + index_name(value.symbol) + ")";
    const std::string first = word(words_.known + static_cast<uint32_t>(schedule_.known_at[id]));
    return "known[" + first + " + " + place(value.free) + "]";
  }

  // Whether the stage computes each value, and whether it needs it.
  struct Needs {
    std::vector<bool> needed, computed;
  };
  Needs needs_of(const Stage& stage) const {
    const size_t count = program_.values.size();
    Needs needs{std::vector<bool>(count), std::vector<bool>(count)};
    std::vector<bool> made(count);  // computed here although it is kept: what the stage stores
    for (const Store& store : stage.stores) {
      needs.needed[store.value] = true;
      made[store.value] = schedule_.slot_of[store.value] == static_cast<int32_t>(store.slot);
    }
    for (const Store& sum : stage.sums) needs.needed[program_.values[sum.value].operands[0]] = true;
    for (auto id = static_cast<ValueId>(count); id-- > 0;) {
      const Value& value = program_.values[id];
      needs.computed[id] = needs.needed[id] && value.varies && value.kind == ValueKind::kApply &&
                           (schedule_.slot_of[id] < 0 || made[id]);
      if (!needs.computed[id]) continue;
      for (const ValueId operand : value.operand_list()) needs.needed[operand] = true;
    }
    return needs;
  }

  StageBlock block_of(const Stage& stage) const {
    const Needs needs = needs_of(stage);
    StageBlock made;
    std::vector<ValueNumber> numbers(program_.values.size());
    for (ValueId id = 0; id < numbers.size(); ++id) {
      if (!needs.needed[id]) continue;
      const Value& value = program_.values[id];
      made.ids.push_back(id);
      if (needs.computed[id]) {
        const ir::Op& op = row_of(value.op);
        if (scalar::is_heavy(op, Dtype::f64)) ++made.heavy;
        SmallList<ValueNumber, kMaxOperands> operands;
        for (const ValueId operand : value.operand_list()) operands.push_back(numbers[operand]);
        const Dtype type = op.type_rule == ir::TypeRule::kPredicate ? Dtype::u8 : shape_.dtype;
        numbers[id] = made.block.step(op, type, {operands.begin(), operands.size()});
      } else if (value.kind == ValueKind::kConstant) {
        numbers[id] = made.block.constant({shape_.dtype, value.number});
      } else {
        numbers[id] = made.block.input(shape_.dtype);
        made.inputs.push_back(read(id));
      }
    }
    for (const Store& store : stage.stores) made.block.result(numbers[store.value]);
    for (const Store& sum : stage.sums) made.block.result(numbers[program_.values[sum.value].operands[0]]);
    return made;
  }

  // What a loop does at one place; sums are added to |name| and their number: a0 = ..., and so on, where it is "a".
  std::string body(const std::string& indent, const Stage& stage, const std::string& name = "a") {
    const auto value_name = [this](ValueNumber number) { return concat("v", block_.ids[number]); };
    kernels::WrittenBlock written = kernels::write_block(builder_, block_.block, block_.inputs, indent, value_name);
    const auto real = [&](size_t result) {
      const TypedValue& value = written.result(block_.block, result);
      return builder_.convert(value.type, shape_.dtype, value.name);
    };
    std::string text = std::move(written.lines);
    size_t result = 0;
    for (const Store& store : stage.stores) text += indent + slot_element(store.slot) + " = " + real(result++) + ";\n";
    for (size_t i = 0; i < stage.sums.size(); ++i) {
      const std::string part = concat(name, i);
      text += indent + part + " = op_add(" + part + ", " + real(result++) + ");\n";
    }
    return text;
  }

  static std::string each(const Stage& stage, const std::string& indent, const std::string& pattern) {
    std::string text;
    for (size_t i = 0; i < stage.sums.size(); ++i) {
      std::string one = pattern;
      for (size_t at = one.find('#'); at != std::string::npos; at = one.find('#')) one.replace(at, 1, concat(i));
      text += indent + one + "\n";
    }
    return text;
  }

  uint64_t size_at_home(IndexId id) const { return shape_.words[schedule_.indices[id].dimension]; }

  bool in_order(const Stage& stage) {
    // A part has one place, then.
    if (stage.outer == 0 && size_at_home(*stage.inner) > shape_.lanes) return false;
    const std::string once = body("", stage);
    uint64_t lines = static_cast<uint64_t>(std::count(once.begin(), once.end(), '\n')) + kHeavyLines * block_.heavy;
    for (const IndexId id : members(stage.loops())) lines *= size_at_home(id);
    return lines <= kMostLines;
  }

  // Every place of |indices| by itself, with what |text| says there.
  template <typename Text>
  std::string each_place(const std::string& indent, const std::vector<IndexId>& indices, uint64_t first, uint64_t end,
                         Text text) const {
    std::string all;
    for (uint64_t at = first; at < end; ++at) {
      all += indent + "{\n";
      uint64_t rest = at;
      for (size_t k = indices.size(); k-- > 0; rest /= size_at_home(indices[k]))
        all +=
            indent + "  const uint " + index_name(indices[k]) + " = " + number(rest % size_at_home(indices[k])) + ";\n";
      all += text() + indent + "}\n";
    }
    return all;
  }

  // All loops written out, so that every number has a place that the compiler knows.
  std::string ordered_text(const Stage& stage) {
    const std::vector<IndexId> outer = members(stage.outer);
    uint64_t places = 1;
    for (const IndexId id : outer) places *= size_at_home(id);
    if (!stage.inner) return each_place("  ", outer, 0, places, [&] { return body("    ", stage); });
    const std::vector<IndexId> inner = {*stage.inner};
    const uint64_t size = size_at_home(*stage.inner);
    if (stage.outer != 0)
      return each_place("  ", outer, 0, places, [&] {
        return each(stage, "    ", "REAL a# = REAL(0);") +
               each_place("    ", inner, 0, size, [&] { return body("      ", stage); }) +
               store_sums("    ", stage, "a");
      });
    if (stage.sums.empty()) return each_place("  ", inner, 0, size, [&] { return body("    ", stage); });
    std::string text = each(stage, "  ", "REAL t# = REAL(0);");
    for (uint64_t first = 0; first < size; first += kFan) {
      text += "  {\n" + each(stage, "    ", "REAL b# = REAL(0);");
      text += each_place("    ", inner, first, std::min<uint64_t>(first + kFan, size),
                         [&] { return body("      ", stage, "b"); });
      text += each(stage, "    ", "t# = op_add(t#, b#);") + "  }\n";
    }
    return text + store_sums("  ", stage, "t");
  }

  std::string single_text(const Stage& stage) { return "  if (lane() == 0u) {\n" + body("    ", stage) + "  }\n"; }

  // Places side by side, and for each one a loop in order; a part of it begins where the last one stopped.
  std::string nested_text(const Stage& stage) {
    std::string text = "  uint places = min(" + places(stage.outer) + ", END);\n";
    text += "  for (uint place = BEGIN + lane(); place < places; place += LANE_STEP) {\n";
    text += "    uint rest = place;\n";
    const std::vector<IndexId> outer = members(stage.outer);
    for (size_t k = outer.size(); k-- > 1;) {
      text += "    uint " + index_name(outer[k]) + " = rest % " + size_of(outer[k]) + ";\n";
      text += "    rest /= " + size_of(outer[k]) + ";\n";
    }
    text += "    uint " + index_name(outer[0]) + " = rest;\n";
    if (!stage.inner) return text + body("    ", stage) + "  }\n";
    for (size_t i = 0; i < stage.sums.size(); ++i)
      text += concat("    REAL a", i, " = INNER_BEGIN == 0u ? REAL(0) : ", slot_element(stage.sums[i].slot), ";\n");
    const std::string inner = index_name(*stage.inner);
    text += "    uint end = min(" + size_of(*stage.inner) + ", INNER_END);\n";
    text += "    for (uint " + inner + " = INNER_BEGIN; " + inner + " < end; ++" + inner + ") {\n";
    text += body("      ", stage) + "    }\n";
    for (size_t i = 0; i < stage.sums.size(); ++i)
      text += concat("    ", slot_element(stage.sums[i].slot), " = a", i, ";\n");
    return text + "  }\n";
  }

  std::string strided_text(const Stage& stage) {
    std::string text = "  uint size = " + size_of(*stage.inner) + ", end = min(size, END);\n";
    if (stage.sums.empty()) return text + strided_loop("  ", stage, "BEGIN + lane()", "LANE_STEP");
    if (threads()) return text + thread_sums(stage);
    return text + (subgroups() ? subgroup_sums(stage) : workgroup_sums(stage));
  }

  std::string strided_loop(const std::string& indent, const Stage& stage, const std::string& begin,
                           const std::string& step) {
    const std::string inner = index_name(*stage.inner);
    return indent + "for (uint " + inner + " = " + begin + "; " + inner + " < end; " + inner + " += " + step + ") {\n" +
           body(indent + "  ", stage) + indent + "}\n";
  }

  // |name| followed by its number, to where the sum with that number is wanted.
  std::string store_sums(const std::string& indent, const Stage& stage, const std::string& name) const {
    std::string text;
    for (size_t i = 0; i < stage.sums.size(); ++i)
      text += concat(indent, slot_element(stage.sums[i].slot), " = ", name, i, ";\n");
    return text;
  }

  // What the lanes of a workgroup and their sums would be. Mostly a part has one place, and a loop that asks behind it
  // costs less.
  std::string thread_sums(const Stage& stage) {
    std::string text = each(stage, "  ", "REAL t# = REAL(0);");
    text += "  for (uint branch = 0u; branch < min(size, LANES); branch += FAN) {\n";
    text += each(stage, "    ", "REAL b# = REAL(0);");
    text += "    for (uint part = branch; part < min(branch + FAN, min(size, LANES)); ++part) {\n";
    text += each(stage, "      ", "REAL a# = REAL(0);");
    const std::string inner = index_name(*stage.inner);
    text += "      uint " + inner + " = part;\n      do {\n" + body("        ", stage);
    text += "        " + inner + " += LANES;\n      } while (" + inner + " < end);\n";
    text += each(stage, "      ", "b# = op_add(b#, a#);") + "    }\n";
    text += each(stage, "    ", "t# = op_add(t#, b#);") + "  }\n";
    return text + store_sums("  ", stage, "t");
  }

  // As many parts at a time as the subgroup has invocations.
  std::string subgroup_sums(const Stage& stage) {
    std::string text = each(stage, "  ", "REAL t# = REAL(0), b# = REAL(0);");
    text += "  uint parts = min(size, LANES);\n";
    text += "  for (uint first = 0u; first < parts; first += SUBGROUP) {\n    uint part = first + lane();\n";
    text += each(stage, "    ", "REAL a# = BEGIN == 0u ? REAL(0) : STATE(PARTS + #u * LANES + part);");
    text += strided_loop("    ", stage, "BEGIN + part", "LANES");
    text += "    if (END < size) {\n" + each(stage, "      ", "STATE(PARTS + #u * LANES + part) = a#;");
    text +=
        "    } else {\n" + each(stage, "      ", "add_parts(t#, b#, a#, first + SUBGROUP, parts);") + "    }\n  }\n";
    return text + "  if (END >= size && lane() == 0u) {\n" + store_sums("    ", stage, "t") + "  }\n";
  }

  std::string workgroup_sums(const Stage& stage) {
    std::string text = each(stage, "  ", "REAL a# = BEGIN == 0u ? REAL(0) : STATE(PARTS + #u * LANES + lane());");
    text += strided_loop("  ", stage, "BEGIN + lane()", "LANES");
    text += "  if (END < size) {\n" + each(stage, "    ", "STATE(PARTS + #u * LANES + lane()) = a#;");
    text += "    return;\n  }\n  uint branches = (min(size, LANES) + FAN - 1u) / FAN;\n";
    for (size_t first = 0; first < stage.sums.size(); first += sums_at_once_) {
      const size_t count = std::min<size_t>(sums_at_once_, stage.sums.size() - first);
      for (size_t i = 0; i < count; ++i)
        text += concat("  lane_sums[", number(i), " * LANES + lane()] = a", first + i, ";\n");
      text += "  add_lanes(" + number(count) + ", branches);\n";
      for (size_t i = 0; i < count; ++i)
        text += "  if (lane() == " + number(i) + ") " + slot_element(stage.sums[first + i].slot) + " = total_of(" +
                number(i) + ", branches);\n";
    }
    return text;
  }

  const Program& program_;
  const Schedule& schedule_;
  const KernelShape& shape_;
  const Words words_;
  const uint32_t sums_at_once_;
  ShaderBuilder& builder_;
  StageBlock block_;  // of the stage that is being written
};

}  // namespace

std::string word_text(const KernelShape& shape, uint32_t at) {
  return shape.home == Home::kBuffer ? "words[" + number(at) + "]" : number(shape.words[at]);
}

std::string stage_text(const Program& program, const Schedule& schedule, const KernelShape& shape,
                       uint32_t sums_at_once, const Stage& stage, ShaderBuilder& builder) {
  return StageText(program, schedule, shape, sums_at_once, builder).of(stage);
}

}  // namespace gpu_node::chain
