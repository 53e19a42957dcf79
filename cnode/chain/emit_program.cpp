// Writes each stage as a function stage_N: its loops, and in them one SSA line for each value that is computed there.
#include "chain/emit_program.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "ir/op.h"
#include "kernels/op_code.h"

namespace gpu_node::chain {
namespace {

using kernels::ShaderBuilder;
using kernels::TypedValue;

std::string number(uint64_t value) { return std::to_string(value) + "u"; }

// By its bits, so that no digit and no special value is lost on the way.
std::string literal(double value, Dtype dtype) {
  if (dtype == Dtype::f32) return "uintBitsToFloat(" + number(std::bit_cast<uint32_t>(static_cast<float>(value))) + ")";
  const auto bits = std::bit_cast<uint64_t>(value);
  return "packDouble2x32(uvec2(" + number(bits & 0xffffffffu) + ", " + number(bits >> 32) + "))";
}

class Emitter {
 public:
  Emitter(const Program& program, const Schedule& schedule, const KernelShape& shape, const vulkan::DeviceInfo& device)
      : program_(program),
        schedule_(schedule),
        shape_(shape),
        words_(program, schedule),
        device_(device),
        sums_at_once_(chain::sums_at_once(shape, device)),
        builder_(device) {}

  Result<vulkan::KernelSource> emit() {
    declare_interface();
    std::string run;
    for (size_t i = 0; i < schedule_.stages.size(); ++i) {
      const std::string name = "stage_" + std::to_string(i + 1);
      builder_.declare("void " + name + "() {\n" + stage_text(schedule_.stages[i]) + "}\n");
      run += "  if (runs(" + number(i + 1) + ")) {\n    " + name + "();\n    settle();\n  }\n";
    }
    builder_.declare("void evaluate() {\n" + run + "}\n");
    builder_.body() += "  chain_main();\n";
    return builder_.build();
  }

 private:
  bool threads() const { return shape_.mapping == Mapping::kThread; }
  bool subgroups() const { return shape_.mapping == Mapping::kSubgroup; }

  uint32_t invocations() const {
    if (shape_.mapping == Mapping::kWorkgroup) return shape_.lanes;
    return shape_.chains * (subgroups() ? device_.subgroup_size : 1);
  }

  void declare_interface() {
    const std::string real(kernels::compute_type(shape_.dtype));
    builder_.local_size(invocations());
    builder_.use(dtype_info(shape_.dtype).compute);
    builder_.use_double_where_supported();
    builder_.define("REAL", real);
    builder_.define("LANES", number(shape_.lanes));
    builder_.define("FAN", number(kFan));
    builder_.define("SUMS", number(sums_at_once_));
    builder_.define("LAST_STAGE", number(schedule_.stages.size() + 1));
    builder_.define("LOGP_SLOT", "words[" + number(words_.slots + schedule_.logp_slot) + "]");
    builder_.define("PARTS", "words[" + number(words_.parts) + "]");
    if (threads()) builder_.define("CHAIN_PER_THREAD");
    if (subgroups()) {
      builder_.use_subgroups();
      builder_.define("CHAIN_PER_SUBGROUP");
      builder_.define("SUBGROUP", number(device_.subgroup_size));
      builder_.define("CHAINS", number(shape_.chains));
      if (device_.subgroup_size < kFan) builder_.define("BRANCH_OF_SUBGROUPS");
    }
    using enum ShaderBuilder::Access;
    builder_.buffer("known", real, kRead);
    builder_.buffer("words", "uint", kRead);
    builder_.buffer("state", threads() ? real : "coherent " + real, kReadWrite);
    for (const char* name : {"position", "momentum", "inverse_mass", "step_size"}) builder_.buffer(name, real, kRead);
    for (const char* name : {"positions", "momenta", "gradients", "logp"}) builder_.buffer(name, real, kWrite);
    for (const char* name :
         {"p_batch", "p_chain_first", "p_chain_end", "p_batch_first", "p_coordinates", "p_chain_slots", "p_round_first",
          "p_round_end", "p_rows", "p_last", "p_stage_first", "p_stage_end", "p_begin", "p_end", "p_inner_begin",
          "p_inner_end", "p_mass_stride", "p_step_stride"})
      builder_.push("uint", name);
    builder_.library("lib/op_common.glsl");
    builder_.library("chain.glsl");
  }

  static std::string index_name(IndexId id) { return "i" + std::to_string(id); }
  std::string size_of(IndexId id) const { return "words[" + number(schedule_.indices[id].dimension) + "]"; }

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
    return "STATE(words[" + number(words_.slots + slot) + "] + " + place(schedule_.slots[slot].free) + ")";
  }

  std::string coordinate(const Value& value) const {
    const std::string first = "words[" + number(words_.variables + value.symbol) + "]";
    if (value.operand_count == 0) return "STATE(" + first + ")";
    const Value& index = program_.values[value.operands[0]];
    const std::string where =
        index.kind == ValueKind::kIndex ? index_name(index.symbol) : "uint(" + known(value.operands[0]) + ")";
    return "STATE(" + first + " + " + where + ")";
  }

  std::string known(ValueId id) const {
    const Value& value = program_.values[id];
    if (value.kind == ValueKind::kConstant) return literal(value.number, shape_.dtype);
    if (value.kind == ValueKind::kIndex) return "REAL(" + index_name(value.symbol) + ")";
    const std::string first = "words[" + number(words_.known + static_cast<uint32_t>(schedule_.known_at[id])) + "]";
    return "known[" + first + " + " + place(value.free) + "]";
  }

  // Lines that compute |wanted| in a loop, and what each value is called then. Sums in |wanted| stand for their bodies.
  std::string lines(const std::string& indent, const Stage& stage) {
    names_.assign(program_.values.size(), {});
    std::vector<bool> needed(program_.values.size());
    std::vector<bool> made(program_.values.size());  // computed here although it is kept: what the stage stores
    for (const Store& store : stage.stores) {
      needed[store.value] = true;
      made[store.value] = schedule_.slot_of[store.value] == static_cast<int32_t>(store.slot);
    }
    for (const Store& sum : stage.sums) needed[program_.values[sum.value].operands[0]] = true;
    const auto computes = [&](ValueId id) {
      const Value& value = program_.values[id];
      return value.varies && value.kind == ValueKind::kApply && (schedule_.slot_of[id] < 0 || made[id]);
    };
    for (ValueId id = static_cast<ValueId>(needed.size()); id-- > 0;)
      if (needed[id] && computes(id))
        for (const ValueId operand : program_.values[id].operand_list()) needed[operand] = true;
    std::string text;
    for (ValueId id = 0; id < needed.size(); ++id)
      if (needed[id]) text += line(indent, id, computes(id));
    return text;
  }

  std::string line(const std::string& indent, ValueId id, bool computed) {
    const Value& value = program_.values[id];
    const std::string name = "v" + std::to_string(id);
    Dtype type = shape_.dtype;
    std::string text;
    if (computed) {
      const ir::Op* op = ir::find_op(name_of(value.op));
      if (op->type_rule == ir::TypeRule::kPredicate) type = Dtype::u8;
      std::vector<TypedValue> operands;
      for (const ValueId operand : value.operand_list()) operands.push_back(names_[operand]);
      text = kernels::op_expression(builder_, *op, type, operands);
    } else if (!value.varies) {
      text = known(id);
    } else {
      text = value.kind == ValueKind::kCoordinate ? coordinate(value)
                                                  : slot_element(static_cast<uint32_t>(schedule_.slot_of[id]));
    }
    names_[id] = {type, name};
    return indent + std::string(kernels::compute_type(type)) + " " + name + " = " + text + ";\n";
  }

  std::string real(ValueId id) { return builder_.convert(names_[id].type, shape_.dtype, names_[id].name); }

  std::string stores(const std::string& indent, const Stage& stage) {
    std::string text;
    for (const Store& store : stage.stores)
      text += indent + slot_element(store.slot) + " = " + real(store.value) + ";\n";
    return text;
  }

  // a0 += ...; and so on for all sums.
  std::string additions(const std::string& indent, const Stage& stage) {
    std::string text;
    for (size_t i = 0; i < stage.sums.size(); ++i) {
      const std::string part = "a" + std::to_string(i);
      text +=
          indent + part + " = op_add(" + part + ", " + real(program_.values[stage.sums[i].value].operands[0]) + ");\n";
    }
    return text;
  }

  // What a loop does at one place. Each part needs the names that the one before has made.
  std::string body(const std::string& indent, const Stage& stage) {
    std::string text = lines(indent, stage);
    text += stores(indent, stage);
    return text + additions(indent, stage);
  }

  static std::string each(const Stage& stage, const std::string& indent, const std::string& pattern) {
    std::string text;
    for (size_t i = 0; i < stage.sums.size(); ++i) {
      std::string one = pattern;
      for (size_t at = one.find('#'); at != std::string::npos; at = one.find('#'))
        one.replace(at, 1, std::to_string(i));
      text += indent + one + "\n";
    }
    return text;
  }

  std::string stage_text(const Stage& stage) {
    if (stage.outer == 0 && stage.inner) return strided_text(stage);
    return stage.outer == 0 ? single_text(stage) : nested_text(stage);
  }

  std::string single_text(const Stage& stage) { return "  if (lane() == 0u) {\n" + body("    ", stage) + "  }\n"; }

  // Places side by side, and for each one a loop in order; a part of it begins where the last one stopped.
  std::string nested_text(const Stage& stage) {
    std::string text = "  uint places = min(" + places(stage.outer) + ", p_end);\n";
    text += "  for (uint place = p_begin + lane(); place < places; place += LANE_STEP) {\n    uint rest = place;\n";
    const std::vector<IndexId> outer = members(stage.outer);
    for (size_t k = outer.size(); k-- > 1;) {
      text += "    uint " + index_name(outer[k]) + " = rest % " + size_of(outer[k]) + ";\n";
      text += "    rest /= " + size_of(outer[k]) + ";\n";
    }
    text += "    uint " + index_name(outer[0]) + " = rest;\n";
    if (!stage.inner) return text + body("    ", stage) + "  }\n";
    for (size_t i = 0; i < stage.sums.size(); ++i)
      text += "    REAL a" + std::to_string(i) +
              " = p_inner_begin == 0u ? REAL(0) : " + slot_element(stage.sums[i].slot) + ";\n";
    const std::string inner = index_name(*stage.inner);
    text += "    uint end = min(" + size_of(*stage.inner) + ", p_inner_end);\n";
    text += "    for (uint " + inner + " = p_inner_begin; " + inner + " < end; ++" + inner + ") {\n";
    text += body("      ", stage) + "    }\n";
    for (size_t i = 0; i < stage.sums.size(); ++i)
      text += "    " + slot_element(stage.sums[i].slot) + " = a" + std::to_string(i) + ";\n";
    return text + "  }\n";
  }

  std::string strided_text(const Stage& stage) {
    std::string text = "  uint size = " + size_of(*stage.inner) + ", end = min(size, p_end);\n";
    if (stage.sums.empty()) return text + strided_loop("  ", stage, "p_begin + lane()", "LANE_STEP");
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
      text += indent + slot_element(stage.sums[i].slot) + " = " + name + std::to_string(i) + ";\n";
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
    text += each(stage, "    ", "REAL a# = p_begin == 0u ? REAL(0) : STATE(PARTS + #u * LANES + part);");
    text += strided_loop("    ", stage, "p_begin + part", "LANES");
    text += "    if (p_end < size) {\n" + each(stage, "      ", "STATE(PARTS + #u * LANES + part) = a#;");
    text +=
        "    } else {\n" + each(stage, "      ", "add_parts(t#, b#, a#, first + SUBGROUP, parts);") + "    }\n  }\n";
    return text + "  if (p_end >= size && lane() == 0u) {\n" + store_sums("    ", stage, "t") + "  }\n";
  }

  std::string workgroup_sums(const Stage& stage) {
    std::string text = each(stage, "  ", "REAL a# = p_begin == 0u ? REAL(0) : STATE(PARTS + #u * LANES + lane());");
    text += strided_loop("  ", stage, "p_begin + lane()", "LANES");
    text += "  if (p_end < size) {\n" + each(stage, "    ", "STATE(PARTS + #u * LANES + lane()) = a#;");
    text += "    return;\n  }\n";
    for (size_t first = 0; first < stage.sums.size(); first += sums_at_once_) {
      const size_t count = std::min<size_t>(sums_at_once_, stage.sums.size() - first);
      for (size_t i = 0; i < count; ++i)
        text += "  lane_sums[" + number(i) + " * LANES + lane()] = a" + std::to_string(first + i) + ";\n";
      text += "  add_lanes(" + number(count) + ");\n";
      for (size_t i = 0; i < count; ++i)
        text += "  if (lane() == " + number(i) + ") " + slot_element(stage.sums[first + i].slot) + " = total_of(" +
                number(i) + ");\n";
    }
    return text;
  }

  const Program& program_;
  const Schedule& schedule_;
  const KernelShape& shape_;
  const Words words_;
  const vulkan::DeviceInfo& device_;
  const uint32_t sums_at_once_;
  ShaderBuilder builder_;
  std::vector<TypedValue> names_;  // of the loop that is being written
};

}  // namespace

uint32_t sums_at_once(const KernelShape& shape, const vulkan::DeviceInfo& device) {
  const uint32_t bytes = dtype_info(shape.dtype).size_bytes * (shape.lanes + shape.lanes / kFan);
  return std::clamp(device.shared_memory_bytes / bytes, 1u, 16u);
}

Result<vulkan::KernelSource> emit_program(const Program& program, const Schedule& schedule, const KernelShape& shape,
                                          const vulkan::DeviceInfo& device) {
  if (shape.dtype != Dtype::f32 && shape.dtype != Dtype::f64)
    return Error{ErrorCode::kInvalidArgument,
                 "chains are computed in f32 or f64, not " + std::string(dtype_info(shape.dtype).name)};
  if (!device.has_f64)
    return Error{ErrorCode::kUnsupported,
                 "chains need 64-bit floats (shaderFloat64), which the device " + device.name + " lacks"};
  if (shape.mapping == Mapping::kSubgroup && !device.has_subgroup_shuffle)
    return Error{
        ErrorCode::kUnsupported,
        "a subgroup for each chain needs full subgroups with shuffles, which the device " + device.name + " lacks"};
  return Emitter(program, schedule, shape, device).emit();
}

}  // namespace gpu_node::chain
