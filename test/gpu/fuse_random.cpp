// Programs drawn at random, over all elementwise ops and types, with reductions, products, views, concatenations,
// iotas and several outputs: fused they give the same bits. One that does not is made as small as dropping instructions
// makes it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/concat.h"
#include "fuse/text.h"
#include "gpu/program_case.h"
#include "program_builder.h"
#include "tensor/shape.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

// A value of the program that is being drawn.
struct Drawn {
  ValueName name = 0;
  ir::TensorType type;
};

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  ir::Program program() {
    // Few types and sizes in a program, so that its values meet.
    for (int i = 0; i < 2; ++i) types_.push_back(any_type());
    types_.push_back(f32);
    // Some so large that products of theirs go by tiles.
    const bool large = below(6) == 0;
    rows_ = large ? 16 + below(20) : 1 + below(4);
    columns_ = large ? 16 + below(24) : 1 + below(7);
    for (int i = 0; i < 3; ++i) {
      const Dtype type = any_of(types_);
      const Shape shape = any_shape();
      add(builder_.input(type, shape), type, shape);
    }
    const int wanted = 5 + below(12);
    for (int tries = 0; static_cast<int>(builder_.program.instructions.size()) < wanted && tries < 400; ++tries)
      append();
    for (int i = 1 + below(4); i > 0; --i) {
      const ValueName name = -1 - below(static_cast<int>(builder_.program.instructions.size()));
      auto& outputs = builder_.program.outputs;
      if (std::find(outputs.begin(), outputs.end(), name) == outputs.end()) outputs.push_back(name);
    }
    return std::move(builder_.program);
  }

  std::vector<program::Value> inputs(const ir::Program& program) {
    std::vector<program::Value> values;
    for (const ir::TensorType& type : program.inputs)
      values.push_back(to_device(any_tensor(type.dtype, type.shape, static_cast<uint32_t>(random_())),
                                 !is_complex(type.dtype) && type.shape.size() == 2 && below(3) == 0
                                     ? Placement::kTransposed
                                     : Placement::kPlain));
    return values;
  }

 private:
  int below(int end) { return static_cast<int>(random_() % static_cast<uint32_t>(end)); }
  Dtype any_type() { return static_cast<Dtype>(below(kDtypeCount)); }
  template <typename T>
  const T& any_of(const std::vector<T>& list) {
    return list[static_cast<size_t>(below(static_cast<int>(list.size())))];
  }
  Shape any_shape() {
    switch (below(5)) {
      case 0:
        return {};
      case 1:
        return {columns_};
      case 2:
        return {rows_, 1};
      default:
        return {rows_, columns_};
    }
  }
  void add(ValueName name, Dtype type, const Shape& shape) { values_.push_back({name, {type, shape}}); }

  // Of the later ones rather, so that programs are deep.
  const Drawn& any_value() {
    const auto size = static_cast<int>(values_.size());
    return values_[static_cast<size_t>(std::max(below(size), below(size)))];
  }

  Scalar any_number() {
    static const std::vector<Scalar> kNumbers = {{f32, 0.0},         {f32, -0.0},         {f32, 1.0},
                                                 {f32, 2.5},         {f64, 0.1},          {s64, int64_t{0}},
                                                 {s64, int64_t{1}},  {s64, int64_t{3}},   {f32, 1e30},
                                                 {s32, int64_t{-2}}, {u8, uint64_t{200}}, {f32, std::nan("")}};
    return any_of(kNumbers);
  }

  // Appends |op| where some type of the result makes it valid.
  bool offer(const ir::Op& op, const std::vector<ir::Operand>& operands, const std::vector<ir::OperandType>& types,
             const Shape& shape, const ir::Attributes& attributes, std::vector<Dtype> results) {
    ir::Instruction made;
    made.op = &op;
    made.operands.append(operands.begin(), operands.end());
    made.attributes = attributes;
    for (const Dtype result : results) {
      // Inference lets what has no order be declared complex, which nothing computes.
      if (op.takes == ir::Takes::kOrdered && is_complex(result)) continue;
      made.results.clear();
      made.results.push_back({0, {result, shape}});
      ir::TensorTypes inferred;
      if (!ir::infer(made, types, inferred).ok()) continue;
      const ValueName name = builder_.op(op.name, result, shape, {}, attributes);
      builder_.program.instructions.back().operands = made.operands;
      add(name, result, shape);
      return true;
    }
    return false;
  }

  static bool broadcast(const Shape& a, const Shape& b, Shape& both) {
    Shape result;
    const int rank = std::max(a.size(), b.size());
    for (int d = 0; d < rank; ++d) {
      const int i = d - (rank - a.size()), j = d - (rank - b.size());
      const int64_t x = i < 0 ? 1 : a[i], y = j < 0 ? 1 : b[j];
      if (x != y && x != 1 && y != 1) return false;
      result.push_back(std::max(x, y));
    }
    both = result;
    return true;
  }

  void append() {
    const int kind = below(25);
    if (kind < 13) return append_elementwise();
    if (kind < 16) return append_view();
    if (kind < 18) return append_concatenation();
    if (kind == 18) return append_created();
    if (kind < 21) return append_product();
    append_reduction();
  }

  // Of two matrices, along axes of one length.
  void append_product() {
    const auto any_matrix = [this]() -> std::optional<Drawn> {
      for (int tries = 0; tries < 8; ++tries)
        if (const Drawn& value = any_value(); value.type.shape.size() == 2) return value;
      return std::nullopt;
    };
    const std::optional<Drawn> left = any_matrix(), right = any_matrix();
    if (!left || !right) return;
    const int first = below(2);
    for (int l = 0; l < 2; ++l)
      for (int r = 0; r < 2; ++r) {
        const auto contracted = static_cast<uint8_t>((first + l) % 2), other = static_cast<uint8_t>((first + r) % 2);
        if (left->type.shape[contracted] != right->type.shape[other]) continue;
        const Shape shape = {left->type.shape[1 - contracted], right->type.shape[1 - other]};
        const ir::DotAttributes attributes{{contracted}, {}, {other}, {}};
        if (offer(ir::op_called("dot"), {left->name, right->name},
                  {ir::OperandType::of(left->type), ir::OperandType::of(right->type)}, shape, attributes,
                  {left->type.dtype, right->type.dtype, f32, f64, s64, c64, c128}))
          return;
      }
  }

  // Over the last axis mostly, so that several are of the same rows.
  void append_reduction() {
    static const std::vector<std::string_view> kReductions = {"sum",        "sum", "product",   "reduce_max",
                                                              "reduce_min", "all", "logsumexp", "any"};
    const Drawn from = any_value();
    const Shape& shape = from.type.shape;
    ir::ReduceAttributes attributes;
    attributes.keep_axes = below(2) == 0;
    if (!shape.empty() && below(4) != 0)
      attributes.axes = ir::Axes{static_cast<uint8_t>(below(4) == 0 ? below(shape.size()) : shape.size() - 1)};
    Shape kept;
    for (int d = 0; d < shape.size(); ++d) {
      const bool reduces = !attributes.axes || (*attributes.axes)[0] == d;
      if (!reduces || attributes.keep_axes) kept.push_back(reduces ? 1 : shape[d]);
    }
    offer(ir::op_called(any_of(kReductions)), {from.name}, {ir::OperandType::of(from.type)}, kept, attributes,
          {from.type.dtype, s64, u64, u8, f32, f64});
  }

  void append_elementwise() {
    static const std::vector<const ir::Op*> kOps = [] {
      std::vector<const ir::Op*> ops;
      for (const ir::Op& op : ir::ops())
        if (ir::is_elementwise(op.family)) {
          ops.push_back(&op);
          // Functions take long to compile: half as many of them.
          if (op.code != ir::Code::kMath) ops.push_back(&op);
        }
      return ops;
    }();
    const ir::Op& op = *any_of(kOps);
    std::vector<ir::Operand> operands;
    std::vector<ir::OperandType> types;
    std::vector<Drawn> taken;
    taken.reserve(3);
    Shape shape;
    for (size_t k = 0; k < op.operands(); ++k) {
      if ((k > 0 || op.operands() == 1) && op.operands() > 1 && below(4) == 0) {
        operands.emplace_back(any_number());
        types.push_back(ir::OperandType::of(std::get<Scalar>(operands.back())));
        continue;
      }
      taken.push_back(any_value());
      if (!broadcast(shape, taken.back().type.shape, shape)) return;
      operands.emplace_back(taken.back().name);
    }
    size_t tensor = 0;
    types.clear();
    for (const ir::Operand& operand : operands)
      types.push_back(std::holds_alternative<Scalar>(operand) ? ir::OperandType::of(std::get<Scalar>(operand))
                                                              : ir::OperandType::of(taken[tensor++].type));
    std::vector<Dtype> results = {any_of(types_)};
    for (const Drawn& value : taken) results.push_back(value.type.dtype);
    for (int t = 0; t < kDtypeCount; ++t) results.push_back(static_cast<Dtype>(t));
    offer(op, operands, types, shape, {}, results);
  }

  void append_view() {
    const Drawn from = any_value();
    const Shape& shape = from.type.shape;
    const std::vector<ir::OperandType> types = {ir::OperandType::of(from.type)};
    const auto view = [&](std::string_view op, const Shape& result, const ir::Attributes& attributes = {}) {
      offer(ir::op_called(op), {from.name}, types, result, attributes, {from.type.dtype});
    };
    switch (below(6)) {
      case 5: {  // of numbers of rows or of columns
        if (shape.size() != 1 || (shape[0] != rows_ && shape[0] != columns_)) return;
        return view("broadcast", {rows_, columns_},
                    ir::AxesAttributes{ir::Axes{static_cast<uint8_t>(shape[0] == rows_ ? 0 : 1)}});
      }
      case 0: {
        Shape turned;
        for (int d = shape.size(); d-- > 0;) turned.push_back(shape[d]);
        return view("transpose", turned);
      }
      case 1:
        return view("reverse", shape);
      case 2:
        return view("reshape", {element_count(shape)});
      case 3:
        return view("reshape", {1, element_count(shape)});
      default: {
        if (shape.empty() || shape[0] < 2) return;
        ir::SliceAttributes slice;
        Shape part = shape;
        for (int d = 0; d < shape.size(); ++d) {
          slice.starts.values.push_back(d == 0 ? 1 : 0);
          slice.lengths.push_back(d == 0 ? shape[0] - 1 : shape[d]);
        }
        part[0] -= 1;
        return view("slice", part, slice);
      }
    }
  }

  void append_concatenation() {
    const Drawn first = any_value();
    if (first.type.shape.empty()) return;
    std::vector<ir::Operand> operands = {first.name};
    std::vector<Drawn> taken = {first};
    for (int tries = 0; tries < 8 && operands.size() < 3; ++tries) {
      const Drawn& other = any_value();
      if (other.type.shape != first.type.shape) continue;
      taken.push_back(other);
      operands.emplace_back(other.name);
    }
    std::vector<ir::OperandType> types;
    for (const Drawn& value : taken) types.push_back(ir::OperandType::of(value.type));
    const int axis = below(first.type.shape.size());
    Shape shape = first.type.shape;
    std::vector<Dtype> results;
    for (const Drawn& value : taken) results.push_back(value.type.dtype);
    for (const Dtype wide : {f32, f64, c64, c128, s64}) results.push_back(wide);
    if (below(2) == 0) {
      shape[axis] *= static_cast<int64_t>(operands.size());
      offer(ir::op_called("concatenate"), operands, types, shape, ir::AxisAttributes{axis}, results);
    } else {
      Shape stacked;
      for (int d = 0; d < shape.size(); ++d) {
        if (d == axis) stacked.push_back(static_cast<int64_t>(operands.size()));
        stacked.push_back(shape[d]);
      }
      offer(ir::op_called("stack"), operands, types, stacked, ir::AxisAttributes{axis}, results);
    }
  }

  void append_created() {
    const Shape shape = any_shape();
    const Dtype type = any_of(types_);
    if (below(3) == 0)
      offer(ir::op_called("constant"), {}, {}, shape, ir::ConstantAttributes{any_number()}, {type});
    else if (shape.empty() || below(2) == 0)
      offer(ir::op_called("iota"), {}, {}, shape, ir::IotaAttributes{}, {type});
    else
      offer(ir::op_called("iota"), {}, {}, shape, ir::IotaAttributes{below(shape.size())}, {type});
  }

  std::mt19937 random_;
  ProgramBuilder builder_;
  std::vector<Drawn> values_;
  std::vector<Dtype> types_;
  int64_t rows_ = 1, columns_ = 1;
};

std::string differs(const ir::Program& program, std::span<const program::Value> inputs) {
  return difference(run_program(program, inputs, false), run_program(program, inputs, true));
}

// |program| without instruction |i| and what needs it.
ir::Program without(const ir::Program& program, size_t i) {
  ir::Program less{program.inputs, {}, {}, {}};
  std::vector<ValueName> gone = {program.instructions[i].results[0].name};
  const auto is_gone = [&](ValueName name) { return std::find(gone.begin(), gone.end(), name) != gone.end(); };
  for (size_t k = 0; k < program.instructions.size(); ++k) {
    const ir::Instruction& instruction = program.instructions[k];
    bool kept = k != i;
    for (const ir::Operand& operand : instruction.operands)
      if (const auto* name = std::get_if<ValueName>(&operand)) kept = kept && !is_gone(*name);
    if (kept)
      less.instructions.push_back(instruction);
    else
      gone.push_back(instruction.results[0].name);
  }
  for (const ValueName name : program.outputs)
    if (!is_gone(name)) less.outputs.push_back(name);
  return less;
}

// The smallest program that dropping instructions, or making an earlier value the output, leaves different.
ir::Program shrunk(ir::Program program, std::span<const program::Value> inputs) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (size_t i = program.instructions.size(); i-- > 0 && !smaller;) {
      ir::Program less = without(program, i);
      if (less.outputs.empty() || differs(less, inputs).empty()) continue;
      program = std::move(less);
      smaller = true;
    }
  }
  return program;
}

}  // namespace

TEST_CASE("fuse random: programs give the same bits fused") {
  const char* given = std::getenv("GPU_NODE_RANDOM_PROGRAMS");
  const uint32_t count = given != nullptr ? static_cast<uint32_t>(std::atoi(given)) : 300;
  const char* first = std::getenv("GPU_NODE_RANDOM_FIRST");
  size_t steps = 0, instructions = 0, refused = 0;
  for (uint32_t seed = first != nullptr ? static_cast<uint32_t>(std::atoi(first)) : 1, last = seed + count; seed < last;
       ++seed) {
    Draw draw(seed);
    const ir::Program program = draw.program();
    const std::vector<program::Value> inputs = draw.inputs(program);
    const ProgramOutcome plain = run_program(program, inputs, false), fused = run_program(program, inputs, true);
    instructions += plain.steps;
    steps += fused.steps;
    refused += plain.error.empty() ? 0 : 1;
    if (const std::string text = difference(plain, fused); !text.empty()) {
      const ir::Program small = shrunk(program, inputs);
      FAIL_CHECK("seed " << seed << ": " << text << "\n"
                         << fuse::text(small) << fuse::text(fuse::fused(small)) << differs(small, inputs));
    }
  }
  MESSAGE(instructions << " instructions in " << steps << " steps, " << refused << " programs refused");
  CHECK(refused < count / 8 + 1);
}

}  // namespace gpu_node::test
