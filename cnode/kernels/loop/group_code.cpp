// From instructions to stages: an instruction joins the earliest stage that its operands allow.
#include "kernels/loop/group_code.h"

#include <algorithm>
#include <variant>

#include "base/flat_map.h"
#include "kernels/literal.h"
#include "kernels/reduce/accumulator_text.h"
#include "kernels/view/view.h"

namespace gpu_node::kernels {
namespace {

// A kernel that has more takes long to compile; one workgroup that does more is slower than many.
constexpr size_t kMostValues = 512, kMostStages = 64;
constexpr int64_t kMostElements = 4096, kMostWork = int64_t{1} << 16;

using scalar::ValueNumber;

// What makes a value: an input, elements of a stage, a reduction of a stage.
struct Maker {
  enum class Kind : uint8_t { kInput, kElements, kReduction } kind = Kind::kInput;
  size_t stage = 0, step = 0;
  ValueNumber number = 0;  // in the block
  bool is_written = false;
};

class GroupWriter {
 public:
  explicit GroupWriter(const ir::Program& program) : program_(program) {}

  // False where the program is something else too.
  bool write() {
    for (size_t i = 0; i < program_.inputs.size(); ++i) {
      const ir::TensorType& type = program_.inputs[i];
      if (!fits(type)) return false;
      define(static_cast<ir::ValueName>(i), type, {Maker::Kind::kInput});
    }
    code_.inputs = program_.inputs.size();
    for (const ir::Instruction& instruction : program_.instructions)
      if (!write(instruction) || code_.values.size() > kMostValues || work_ > kMostWork) return false;
    for (size_t k = 0; k < program_.outputs.size(); ++k) code_.outputs.push_back(output(k));
    for (GroupStage& stage : code_.stages)
      std::stable_sort(stage.elements.begin(), stage.elements.end(),
                       [](const auto& a, const auto& b) { return (a.count == 1) > (b.count == 1); });
    return code_.stages.size() <= kMostStages;
  }

  GroupCode take() { return std::move(code_); }

 private:
  // A number that is known, or what is read.
  struct Known {
    ir::TensorType type;
    std::variant<Scalar, GroupRead> is;
  };

  // Small floats are computed as f32, by which what only moves would lose the bits of a signalling NaN.
  static bool fits(const ir::TensorType& type) {
    const int64_t count = element_count(type.shape);
    const bool is_small = !is_integer(type.dtype) && dtype_info(type.dtype).bits < 32;
    return count > 0 && count <= kMostElements && !is_small;
  }

  const Known& known(const ir::Operand& operand) const {
    return known_[*numbers_.find(std::get<ir::ValueName>(operand))];
  }

  void define(ir::ValueName name, Known known) {
    numbers_.insert(name, static_cast<uint32_t>(known_.size()));
    known_.push_back(std::move(known));
  }
  void define(ir::ValueName name, const ir::TensorType& type, Maker maker) {
    const uint32_t value = add_value(type, maker);
    define(name, Known{type, GroupRead{value, type.dtype, IndexMap::row_major(type.shape)}});
  }
  uint32_t add_value(const ir::TensorType& type, Maker maker) {
    code_.values.push_back({type.dtype, element_count(type.shape)});
    makers_.push_back(maker);
    return static_cast<uint32_t>(code_.values.size() - 1);
  }

  bool write(const ir::Instruction& instruction) {
    if (instruction.results.size() != 1 || !fits(instruction.results[0].type)) return false;
    const ir::Family family = instruction.op->family;
    if (ir::is_elementwise(family)) return write_step(instruction);
    switch (family) {
      case ir::Family::kCreate:
        return write_created(instruction);
      case ir::Family::kView:
        return write_view(instruction);
      case ir::Family::kReduce:
      case ir::Family::kArgReduce:
        return write_reduction(instruction);
      case ir::Family::kDot:
        return write_product(instruction);
      default:
        return false;
    }
  }

  bool write_created(const ir::Instruction& instruction) {
    const ir::Definition& result = instruction.results[0];
    if (instruction.op->code == ir::Code::kConstant) {
      const Scalar& value = instruction.attributes.as<ir::ConstantAttributes>().value;
      define(result.name, Known{result.type, converted(converted(value, value.dtype), result.type.dtype)});
      return true;
    }
    if (instruction.op->code != ir::Code::kIota) return false;
    IndexMap map = IndexMap::row_major(result.type.shape);
    if (const std::optional<int64_t>& axis = instruction.attributes.as<ir::IotaAttributes>().axis)
      for (int d = 0; d < map.shape.size(); ++d) map.strides[d] = d == *axis ? 1 : 0;
    define(result.name, Known{result.type, GroupRead{std::nullopt, result.type.dtype, std::move(map)}});
    return true;
  }

  bool write_view(const ir::Instruction& instruction) {
    if (instruction.is_literal(0)) return false;
    const Known of = known(instruction.operands[0]);
    if (!is_view(instruction, of.type.dtype)) return false;
    const ir::Definition& result = instruction.results[0];
    Known view{result.type, of.is};
    if (const auto* read = std::get_if<GroupRead>(&of.is)) {
      std::optional<IndexMap> map = view_of(instruction, read->map);
      GroupRead seen = *read;
      if (!map) {
        seen = {placed(of), of.type.dtype, IndexMap::row_major(of.type.shape)};
        map = view_of(instruction, seen.map);
        if (!map) return false;
      }
      seen.map = *std::move(map);
      view.is = std::move(seen);
    }
    define(result.name, std::move(view));
    return true;
  }

  // The stage in which |read| can be read by code of |count| elements.
  size_t stage_of(const GroupRead& read, int64_t count) const {
    if (!read.value) return 0;
    const Maker& maker = makers_[*read.value];
    switch (maker.kind) {
      case Maker::Kind::kInput:
        return 0;
      case Maker::Kind::kReduction:
        return maker.stage + 1;
      case Maker::Kind::kElements:
        break;
    }
    const GroupValue& value = code_.values[*read.value];
    const bool is_there = value.is_number() || (value.count == count && read.is_plain());
    return maker.stage + (is_there ? 0 : 1);
  }

  GroupStage& stage(size_t number) {
    if (code_.stages.size() <= number) code_.stages.resize(number + 1);
    return code_.stages[number];
  }

  // That of the code of |count| elements in |stage|.
  size_t elements_step(size_t number, int64_t count) {
    std::vector<GroupElements>& elements = stage(number).elements;
    for (size_t i = 0; i < elements.size(); ++i)
      if (elements[i].count == count) return i;
    elements.emplace_back().count = count;
    return elements.size() - 1;
  }

  ValueNumber input(GroupRead read, size_t stage, size_t step) {
    GroupElements& elements = code_.stages[stage].elements[step];
    if (read.value) {
      if (code_.values[*read.value].is_number()) read.map = IndexMap::row_major({});
      const Maker& maker = makers_[*read.value];
      if (maker.kind == Maker::Kind::kElements && maker.stage == stage && maker.step == step) return maker.number;
    }
    ValueNumber number = 0;
    size_t next = 0;
    for (const scalar::Value& value : elements.block.values()) {
      if (value.kind == scalar::ValueKind::kInput) {
        const GroupRead& other = elements.reads[next++];
        if (other.value == read.value && other.type == read.type && is_same(other.map, read.map)) return number;
      }
      ++number;
    }
    if (read.value) write_out(*read.value);
    const Dtype type = read.type;
    elements.reads.push_back(std::move(read));
    return elements.block.input(type);
  }

  static bool is_same(const IndexMap& a, const IndexMap& b) {
    return a.shape == b.shape && a.strides == b.strides && a.offset == b.offset;
  }

  // Has |value| be there for others.
  void write_out(uint32_t value) {
    Maker& maker = makers_[value];
    if (maker.kind != Maker::Kind::kElements || maker.is_written) return;
    maker.is_written = true;
    GroupElements& elements = code_.stages[maker.stage].elements[maker.step];
    elements.block.result(maker.number);
    elements.writes.push_back(value);
  }

  // |read|, as it is seen from |shape|, to which it broadcasts.
  static GroupRead seen_from(const Shape& shape, GroupRead read) {
    if (read.map.shape == shape) return read;
    Dims axes;
    for (int i = 0; i < read.map.shape.size(); ++i) axes.push_back(shape.size() - read.map.shape.size() + i);
    read.map = broadcast_to(read.map, shape, axes);
    return read;
  }

  bool write_step(const ir::Instruction& instruction) {
    const ir::Definition& result = instruction.results[0];
    const int64_t count = element_count(result.type.shape);
    SmallList<std::variant<Scalar, GroupRead>, 3> operands;
    size_t at = 0;
    for (size_t k = 0; k < instruction.operands.size(); ++k) {
      if (instruction.is_literal(k)) {
        operands.push_back(
            literal_operand(instruction, k, [this](ir::ValueName name) { return known(name).type.dtype; }));
        continue;
      }
      const Known& of = known(instruction.operands[k]);
      if (const auto* number = std::get_if<Scalar>(&of.is)) {
        operands.push_back(*number);
        continue;
      }
      GroupRead read = seen_from(result.type.shape, std::get<GroupRead>(of.is));
      at = std::max(at, stage_of(read, count));
      operands.push_back(std::move(read));
    }
    const size_t step = elements_step(at, count);
    SmallList<ValueNumber, 3> numbers;
    for (const auto& operand : operands) {
      const auto* number = std::get_if<Scalar>(&operand);
      numbers.push_back(number != nullptr ? code_.stages[at].elements[step].block.constant(*number)
                                          : input(std::get<GroupRead>(operand), at, step));
    }
    const ValueNumber made =
        code_.stages[at].elements[step].block.step(*instruction.op, result.type.dtype, numbers.span());
    define(result.name, result.type, {Maker::Kind::kElements, at, step, made});
    work_ += count;
    return true;
  }

  // A value of its own, row-major, of what |known| is.
  uint32_t placed(const Known& known) {
    const int64_t count = element_count(known.type.shape);
    const auto* read = std::get_if<GroupRead>(&known.is);
    const size_t at = read == nullptr ? 0 : stage_of(*read, count);
    const size_t step = elements_step(at, count);
    const ValueNumber number = read == nullptr
                                   ? code_.stages[at].elements[step].block.constant(std::get<Scalar>(known.is))
                                   : input(*read, at, step);
    work_ += count;
    return add_value(known.type, {Maker::Kind::kElements, at, step, number});
  }

  // What a reduction reads: of a value. One that is the same everywhere has an element.
  GroupRead source(const Known& known) {
    if (const auto* number = std::get_if<Scalar>(&known.is)) {
      const Known one{{known.type.dtype, {}}, *number};
      return {placed(one), known.type.dtype, broadcast_to(IndexMap::row_major({}), known.type.shape, {})};
    }
    const auto& read = std::get<GroupRead>(known.is);
    if (read.value) return read;
    return {placed(known), known.type.dtype, IndexMap::row_major(known.type.shape)};
  }

  bool write_reduction(const ir::Instruction& instruction) {
    if (instruction.is_literal(0)) return false;
    const Known of = known(instruction.operands[0]);
    GroupReduction made;
    std::optional<int64_t> axis;
    if (instruction.op->family == ir::Family::kArgReduce) {
      const auto& attributes = instruction.attributes.as<ir::ArgReduceAttributes>();
      made.accumulator = arg_accumulator(instruction.op->code, attributes.tie_break);
      made.element = of.type.dtype;
      made.ordered = true;
      made.over = attributes.axis ? Dims{*attributes.axis} : axes_or_all({}, of.type.shape);
    } else {
      const std::optional<Accumulator> accumulator = accumulator_of(instruction.op->code);
      if (!accumulator) return false;
      made.accumulator = *accumulator;
      made.element = accumulated(*accumulator, instruction.results[0].type.dtype);
      made.over = axes_or_all(instruction.attributes.as<ir::ReduceAttributes>().axes, of.type.shape);
    }
    if (is_complex(made.element) && made.accumulator == Accumulator::kProduct) return false;
    made.sources.push_back(source(of));
    work_ += element_count(of.type.shape);
    append(std::move(made), instruction.results[0]);
    return true;
  }

  bool write_product(const ir::Instruction& instruction) {
    if (instruction.is_literal(0) || instruction.is_literal(1)) return false;
    const Known left = known(instruction.operands[0]), right = known(instruction.operands[1]);
    GroupReduction made;
    made.axes = product_axes(instruction.attributes.as<ir::DotAttributes>());
    made.element = instruction.results[0].type.dtype;
    made.sources = {source(left), source(right)};
    int64_t depth = 1;
    for (const int64_t axis : made.axes.contract_left) depth *= left.type.shape[static_cast<int>(axis)];
    work_ += 4 * depth * element_count(instruction.results[0].type.shape);
    append(std::move(made), instruction.results[0]);
    return true;
  }

  void append(GroupReduction made, const ir::Definition& result) {
    size_t at = 0;
    for (const GroupRead& read : made.sources) {
      const Maker& maker = makers_[*read.value];
      if (maker.kind != Maker::Kind::kInput)
        at = std::max(at, maker.stage + (maker.kind == Maker::Kind::kReduction ? 1 : 0));
      write_out(*read.value);
    }
    std::vector<GroupReduction>& reductions = stage(at).reductions;
    define(result.name, result.type, {Maker::Kind::kReduction, at, reductions.size()});
    made.result = static_cast<uint32_t>(code_.values.size() - 1);
    reductions.push_back(std::move(made));
  }

  uint32_t output(size_t k) {
    const Known of = known_[*numbers_.find(program_.outputs[k])];
    if (const auto* read = std::get_if<GroupRead>(&of.is); read != nullptr && read->value) {
      const GroupValue& value = code_.values[*read->value];
      const bool is_own = *read->value >= code_.inputs || *read->value == k;
      const bool is_whole = read->is_plain() && value.count == element_count(of.type.shape);
      if (value.is_number() ? element_count(of.type.shape) == 1 : is_whole && is_own) {
        write_out(*read->value);
        return *read->value;
      }
    }
    const uint32_t value = placed(of);
    write_out(value);
    return value;
  }

  const ir::Program& program_;
  GroupCode code_;
  std::vector<Maker> makers_;  // by value
  FlatMap<uint32_t> numbers_;
  std::vector<Known> known_;
  int64_t work_ = 0;
};

}  // namespace

std::optional<GroupCode> group_code(const ir::Program& program) {
  GroupWriter writer(program);
  if (!writer.write()) return std::nullopt;
  return writer.take();
}

}  // namespace gpu_node::kernels
