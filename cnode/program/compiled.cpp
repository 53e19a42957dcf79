#include "program/compiled.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/concat.h"
#include "base/flat_map.h"
#include "ir/infer.h"
#include "ir/liveness.h"
#include "kernels/loop/loop.h"

namespace gpu_node::program {
namespace {

// Ways for its inputs to lie that a program remembers.
constexpr size_t kKnown = 4;

Error invalid(std::string what) { return {ErrorCode::kInvalidArgument, std::move(what)}; }

// The types of what a program's names stand for, as far as it was read.
class Names {
 public:
  explicit Names(const ir::Program& program) : inputs_(program.inputs.size()) {
    for (size_t i = 0; i < inputs_; ++i) types_.insert(static_cast<ir::ValueName>(i), &program.inputs[i]);
  }
  Result<const ir::TensorType*> find(ir::ValueName name) const {
    if (const ir::TensorType* const* type = types_.find(name)) return *type;
    if (name < 0) return invalid(concat("local ", name, " is not made by an instruction before"));
    return invalid(concat("there is no input ", name, ", the program has ", inputs_));
  }
  Result<void> define(const ir::Definition& value) {
    if (value.name >= 0) return invalid(concat("a result's name is below 0, not ", value.name));
    if (types_.find(value.name) != nullptr) return invalid(concat("local ", value.name, " is made twice"));
    types_.insert(value.name, &value.type);
    return {};
  }

 private:
  size_t inputs_;
  FlatMap<const ir::TensorType*> types_;
};

using Bodies = std::vector<std::shared_ptr<CompiledProgram>>;

Result<void> check_same(std::string_view of, std::string_view what, const ir::TensorType& wanted,
                        const ir::TensorType& given) {
  if (wanted == given) return {};
  return invalid(concat(of, what, " is ", ir::text(given), ", not ", ir::text(wanted)));
}

// Body |number| takes what the instruction does.
Result<const ir::Program*> body_of(std::string_view which, int64_t number, std::span<const ir::OperandType> operands,
                                   const Bodies& bodies) {
  if (number >= static_cast<int64_t>(bodies.size()))
    return invalid(concat(which, " ", number, ": the program has ",
                          bodies.size() == 1 ? "1 body" : concat(bodies.size(), " bodies")));
  const ir::Program& body = bodies[static_cast<size_t>(number)]->sent();
  if (body.inputs.size() != operands.size())
    return invalid(concat(which, " has ", counted(body.inputs.size(), "input"), ", not ", operands.size()));
  for (size_t i = 0; i < operands.size(); ++i)
    GPU_TRY(check_same(which, concat(": input ", i), {operands[i].dtype, *operands[i].shape}, body.inputs[i]));
  return &body;
}

ir::TensorType output_type(const ir::Program& body, size_t i) {
  const ir::ValueName name = body.outputs[i];
  if (name >= 0) return body.inputs[static_cast<size_t>(name)];
  for (const ir::Instruction& instruction : body.instructions)
    for (const ir::Definition& result : instruction.results)
      if (result.name == name) return result.type;
  return {};
}

// Its bodies take its operands and give its results.
Result<void> check_loop(const ir::Instruction& instruction, std::span<const ir::OperandType> operands,
                        const Bodies& bodies) {
  const auto& attributes = instruction.attributes.as<ir::WhileAttributes>();
  GPU_ASSIGN(const ir::Program* condition, body_of("condition", attributes.condition.value, operands, bodies));
  GPU_ASSIGN(const ir::Program* body, body_of("body", attributes.body.value, operands, bodies));
  if (condition->outputs.size() != 1)
    return invalid(concat("condition has ", counted(condition->outputs.size(), "output"), ", not 1"));
  GPU_TRY(check_same("condition", ": its output", {Dtype::u8, {}}, output_type(*condition, 0)));
  if (body->outputs.size() != instruction.results.size())
    return invalid(concat("body has ", counted(body->outputs.size(), "output"), ", not ", instruction.results.size()));
  for (size_t i = 0; i < body->outputs.size(); ++i)
    GPU_TRY(check_same("body", concat(": output ", i), instruction.results[i].type, output_type(*body, i)));
  return {};
}

Result<void> check_instruction(const ir::Instruction& instruction, const Bodies& bodies, Names& names) {
  std::vector<ir::OperandType> operands;
  for (const ir::Operand& operand : instruction.operands) {
    if (const auto* literal = std::get_if<Scalar>(&operand)) {
      operands.push_back(ir::OperandType::of(*literal));
      continue;
    }
    const auto type = names.find(std::get<ir::ValueName>(operand));
    if (!type.ok()) return with_context(type.error(), instruction.op->name);
    operands.push_back(ir::OperandType::of(**type));
  }
  // What is inferred is what is declared, or an error.
  ir::TensorTypes results;
  GPU_TRY(ir::infer(instruction, operands, results));
  if (instruction.op->has_bodies())
    if (Result<void> checked = check_loop(instruction, operands, bodies); !checked.ok())
      return with_context(std::move(checked).error(), instruction.op->name);
  for (const ir::Definition& result : instruction.results)
    if (Result<void> defined = names.define(result); !defined.ok())
      return with_context(std::move(defined).error(), instruction.op->name);
  return {};
}

// Of a body the outputs may be its inputs, and one of them twice: its state is what they are for.
Result<void> check(const ir::Program& program, const Bodies& bodies, bool is_body) {
  Names names(program);
  for (size_t i = 0; i < program.instructions.size(); ++i)
    if (Result<void> checked = check_instruction(program.instructions[i], bodies, names); !checked.ok())
      return with_context(std::move(checked).error(), concat("instruction ", i));
  std::vector<ir::ValueName> outputs;
  for (const ir::ValueName name : program.outputs) {
    if (name >= 0 && !is_body)
      return invalid(concat("output ", name, " is an input: only what the program makes is an output"));
    GPU_TRY(names.find(name));
    outputs.push_back(name);
  }
  if (is_body) return {};
  std::sort(outputs.begin(), outputs.end());
  if (const auto twice = std::adjacent_find(outputs.begin(), outputs.end()); twice != outputs.end())
    return invalid(concat("local ", *twice, " is an output twice"));
  return {};
}

uint64_t bytes_of(const ir::Instruction& instruction) {
  uint64_t bytes = sizeof(instruction) + instruction.operands.size() * sizeof(ir::Operand);
  instruction.attributes.visit([&bytes](std::string_view, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, ir::Function>)
      bytes += field.steps.size() * sizeof(ir::FunctionStep);
  });
  return bytes;
}

uint64_t bytes_of(const ir::Map& map) {
  uint64_t bytes = sizeof(map);
  for (const ir::MapPart& part : map.parts)
    bytes += sizeof(part) + part.sources.size() * sizeof(ir::MapSource) + part.steps.size() * sizeof(ir::MapStep);
  return bytes;
}

uint64_t bytes_of(const ir::Rows& rows) {
  return sizeof(rows) + rows.sources.size() * sizeof(ir::AlignedSource) + rows.steps.size() * sizeof(ir::MapStep);
}

uint64_t bytes_of(const ir::Finished& finished) {
  return sizeof(finished) + bytes_of(finished.instruction) + finished.sources.size() * sizeof(ir::AlignedSource) +
         finished.steps.size() * sizeof(ir::MapStep);
}

}  // namespace

Result<void> ProgramSize::add(size_t& count, const char* what, size_t limit) {
  if (++count <= limit) return {};
  return invalid(concat("a program, its bodies included, of more than ", limit, " ", what, ", the limit"));
}

Result<void> ProgramSize::add_body(int depth) {
  if (depth > kMaxBodyDepth) return invalid(concat("bodies lie deeper than ", kMaxBodyDepth, ", the limit"));
  return add_instruction();
}

Result<std::shared_ptr<CompiledProgram>> CompiledProgram::make(ir::Program program,
                                                               const std::optional<fuse::Limits>& limits) {
  ProgramSize size;
  return make(std::move(program), limits, 0, size);
}

Result<std::shared_ptr<CompiledProgram>> CompiledProgram::make(ir::Program program,
                                                               const std::optional<fuse::Limits>& limits, int depth,
                                                               ProgramSize& size) {
  if (depth > 0) GPU_TRY(size.add_body(depth));
  for (size_t i = 0; i < program.inputs.size(); ++i) GPU_TRY(size.add_input());
  for (size_t i = 0; i < program.instructions.size(); ++i) GPU_TRY(size.add_instruction());
  std::vector<std::shared_ptr<CompiledProgram>> bodies;
  for (ir::Program& inner : std::exchange(program.bodies, {})) {
    auto body = make(std::move(inner), limits, depth + 1, size);
    if (!body.ok()) return with_context(std::move(body).error(), concat("body ", bodies.size()));
    bodies.push_back(std::move(body).value());
  }
  GPU_TRY(check(program, bodies, depth > 0));
  std::shared_ptr<CompiledProgram> made(new CompiledProgram(std::move(program), limits));
  made->take_bodies(std::move(bodies));
  return made;
}

CompiledProgram::CompiledProgram(ir::Program sent, const std::optional<fuse::Limits>& limits)
    : sent_(std::move(sent)), limits_(limits), work_(limits ? fuse::fused(sent_, *limits) : fuse::as_sent(sent_)) {
  place();
}

std::shared_ptr<CompiledProgram> CompiledProgram::fitted(const std::shared_ptr<CompiledProgram>& program,
                                                         size_t buffers) {
  if (!program->limits_ || program->limits_->buffers <= buffers) return program;
  fuse::Limits limits = *program->limits_;
  limits.buffers = buffers;
  std::shared_ptr<CompiledProgram> made(new CompiledProgram(program->sent_, limits));
  std::vector<std::shared_ptr<CompiledProgram>> bodies;
  for (const auto& body : program->bodies_) bodies.push_back(fitted(body, buffers));
  made->take_bodies(std::move(bodies));
  return made;
}

void CompiledProgram::take_bodies(std::vector<std::shared_ptr<CompiledProgram>> bodies) {
  bodies_ = std::move(bodies);
  // Loops of the same bodies have one code.
  std::map<std::pair<int64_t, int64_t>, std::shared_ptr<const kernels::LoopCode>> codes;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const ir::Instruction* instruction = work_.steps[i].instruction();
    if (instruction == nullptr || !instruction->op->has_bodies()) continue;
    const auto& attributes = instruction->attributes.as<ir::WhileAttributes>();
    steps_[i].condition = bodies_[static_cast<size_t>(attributes.condition.value)];
    steps_[i].body = bodies_[static_cast<size_t>(attributes.body.value)];
    if (!limits_) continue;  // a kernel is several instructions in one
    const auto [known, is_new] = codes.try_emplace({attributes.condition.value, attributes.body.value});
    if (is_new)
      if (auto code = kernels::loop_code(steps_[i].condition->sent(), steps_[i].body->sent())) {
        code_bytes_ += code->host_bytes();
        known->second = std::make_shared<const kernels::LoopCode>(*std::move(code));
      }
    steps_[i].code = known->second;
  }
}

void CompiledProgram::place() {
  FlatMap<uint32_t> places;
  const auto define = [&](ir::ValueName name, const ir::TensorType& type) {
    places.insert(name, static_cast<uint32_t>(types_.size()));
    types_.push_back(type);
  };
  for (size_t i = 0; i < sent_.inputs.size(); ++i) define(static_cast<ir::ValueName>(i), sent_.inputs[i]);
  ir::Liveness liveness;
  const auto names = [&](size_t i, auto use) {
    work_.steps[i].each_operand(use);
    for (const ir::Definition& result : work_.steps[i].results()) use(result.name);
  };
  liveness.find(work_.steps.size(), names, work_.outputs);
  for (size_t i = 0; i < work_.steps.size(); ++i) {
    Step& step = steps_.emplace_back();
    if (const ir::Instruction* instruction = work_.steps[i].instruction()) {
      for (const ir::Operand& operand : instruction->operands) {
        const auto* name = std::get_if<ir::ValueName>(&operand);
        step.operands.push_back(name == nullptr ? kLiteral : *places.find(*name));
      }
    } else {
      for (const ir::ValueName name : *work_.steps[i].fused_operands()) step.operands.push_back(*places.find(name));
    }
    step.first_result = static_cast<uint32_t>(types_.size());
    for (const ir::Definition& result : work_.steps[i].results()) define(result.name, result.type);
    for (const ir::ValueName name : liveness.dying(i)) step.dying.push_back(*places.find(name));
  }
  for (const ir::ValueName name : work_.outputs) outputs_.push_back(*places.find(name));
}

std::vector<ir::OperandType> CompiledProgram::sent_operands(size_t i) const {
  const auto type_of = [this](ir::ValueName name) -> const ir::TensorType* {
    if (name >= 0) return &sent_.inputs[static_cast<size_t>(name)];
    for (const ir::Instruction& instruction : sent_.instructions)
      for (const ir::Definition& result : instruction.results)
        if (result.name == name) return &result.type;
    return nullptr;
  };
  std::vector<ir::OperandType> types;
  for (const ir::Operand& operand : sent_.instructions[i].operands)
    types.push_back(std::holds_alternative<Scalar>(operand)
                        ? ir::OperandType::of(std::get<Scalar>(operand))
                        : ir::OperandType::of(*type_of(std::get<ir::ValueName>(operand))));
  return types;
}

uint64_t CompiledProgram::host_bytes() const {
  uint64_t bytes =
      sizeof(CompiledProgram) + code_bytes_ + types_.size() * sizeof(ir::TensorType) + steps_.size() * sizeof(Step);
  for (const ir::Instruction& instruction : sent_.instructions) bytes += bytes_of(instruction);
  for (const fuse::Step& step : work_.steps)
    bytes += std::visit([](const auto& work) { return bytes_of(work); }, step.work);
  for (const auto& body : bodies_) bytes += body->host_bytes();
  return bytes;
}

std::shared_ptr<const CompiledProgram::Known> CompiledProgram::find(const std::vector<uint64_t>& inputs) {
  ++runs_;
  for (const std::shared_ptr<Known>& known : known_) {
    if (known->inputs != inputs) continue;
    known->used = runs_;
    return known;
  }
  return nullptr;
}

void CompiledProgram::keep(Known known) {
  known.used = runs_;
  auto kept = std::make_shared<Known>(std::move(known));
  if (known_.size() < kKnown) {
    known_.push_back(std::move(kept));
    return;
  }
  const auto earlier = [](const auto& a, const auto& b) { return a->used < b->used; };
  *std::min_element(known_.begin(), known_.end(), earlier) = std::move(kept);
}

}  // namespace gpu_node::program
