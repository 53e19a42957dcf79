#include "program/compiled.h"

#include <algorithm>

#include "base/concat.h"
#include "base/flat_map.h"
#include "ir/infer.h"
#include "ir/liveness.h"

namespace gpu_node::program {
namespace {

// Ways for its inputs to lie that a program remembers.
constexpr size_t kKnown = 4;

Error invalid(std::string what) { return {ErrorCode::kInvalidArgument, std::move(what)}; }

}  // namespace

// The place of each name.
class Places {
 public:
  Result<uint32_t> find(ir::ValueName name, size_t inputs) const {
    if (const uint32_t* place = of_.find(name)) return *place;
    if (name < 0) return invalid(concat("local ", name, " is not made by an instruction before"));
    return invalid(concat("there is no input ", name, ", the program has ", inputs));
  }
  Result<void> define(ir::ValueName name, uint32_t place) {
    if (of_.find(name) != nullptr) return invalid(concat("local ", name, " is made twice"));
    of_.insert(name, place);
    return {};
  }

 private:
  FlatMap<uint32_t> of_;
};

Result<void> ProgramSize::add(size_t& count, const char* what, size_t limit) {
  if (++count <= limit) return {};
  return invalid(concat("a program, its bodies included, of more than ", limit, " ", what, ", the limit"));
}

Result<void> ProgramSize::add_body(int depth) {
  if (depth > kMaxBodyDepth) return invalid(concat("bodies lie deeper than ", kMaxBodyDepth, ", the limit"));
  return add_instruction();
}

Result<std::shared_ptr<CompiledProgram>> CompiledProgram::make(ir::Program program) {
  ProgramSize size;
  return make(std::move(program), 0, size);
}

Result<std::shared_ptr<CompiledProgram>> CompiledProgram::make(ir::Program program, int depth, ProgramSize& size) {
  if (depth > 0) GPU_TRY(size.add_body(depth));
  for (size_t i = 0; i < program.inputs.size(); ++i) GPU_TRY(size.add_input());
  for (size_t i = 0; i < program.instructions.size(); ++i) GPU_TRY(size.add_instruction());
  std::vector<ir::Program> bodies = std::exchange(program.bodies, {});
  std::shared_ptr<CompiledProgram> made(new CompiledProgram(std::move(program)));
  for (size_t i = 0; i < bodies.size(); ++i) {
    auto body = make(std::move(bodies[i]), depth + 1, size);
    if (!body.ok()) return with_context(std::move(body).error(), concat("body ", i));
    made->bodies_.push_back(std::move(body).value());
  }
  Places places;
  GPU_TRY(made->place_inputs(places));
  GPU_TRY(made->place_steps(places));
  GPU_TRY(made->place_outputs(places));
  return made;
}

Result<void> CompiledProgram::place_inputs(Places& places) {
  for (const ir::TensorType& input : program_.inputs) {
    const auto place = static_cast<uint32_t>(types_.size());
    GPU_TRY(places.define(place, place));
    types_.push_back(input);
  }
  return {};
}

Result<void> CompiledProgram::place_steps(Places& places) {
  ir::Liveness liveness;
  const auto names = [&](size_t i, auto use) { ir::each_name(program_.instructions[i], use); };
  liveness.find(program_.instructions.size(), names, program_.outputs);
  std::vector<ir::OperandType> operands;
  ir::TensorTypes results;
  for (size_t i = 0; i < program_.instructions.size(); ++i) {
    const ir::Instruction& instruction = program_.instructions[i];
    const auto wrong = [&](Error error) { return with_context(std::move(error), concat("instruction ", i)); };
    Step& step = steps_.emplace_back();
    operands.clear();
    for (const ir::Operand& operand : instruction.operands) {
      if (const auto* literal = std::get_if<Scalar>(&operand)) {
        step.operands.push_back(kLiteral);
        operands.push_back(ir::OperandType::of(*literal));
        continue;
      }
      const Result<uint32_t> place = places.find(std::get<ir::ValueName>(operand), program_.inputs.size());
      if (!place.ok()) return wrong(with_context(place.error(), instruction.op->name));
      step.operands.push_back(*place);
      operands.push_back(ir::OperandType::of(types_[*place]));
    }
    if (Result<void> inferred = ir::infer(instruction, operands, results); !inferred.ok())
      return wrong(std::move(inferred).error());
    step.first_result = static_cast<uint32_t>(types_.size());
    for (size_t k = 0; k < results.size(); ++k) {
      const ir::ValueName name = instruction.results[k].name;
      if (name >= 0) return wrong(invalid(concat(instruction.op->name, ": a result's name is below 0, not ", name)));
      if (Result<void> defined = places.define(name, static_cast<uint32_t>(types_.size())); !defined.ok())
        return wrong(with_context(std::move(defined).error(), instruction.op->name));
      types_.push_back(results[k]);
    }
    for (const ir::ValueName name : liveness.dying(i)) {
      GPU_ASSIGN(const uint32_t place, places.find(name, program_.inputs.size()));
      step.dying.push_back(place);
    }
  }
  return {};
}

Result<void> CompiledProgram::place_outputs(Places& places) {
  for (const ir::ValueName name : program_.outputs) {
    if (name >= 0) return invalid(concat("output ", name, " is an input: only what the program makes is an output"));
    GPU_ASSIGN(const uint32_t place, places.find(name, program_.inputs.size()));
    if (std::find(outputs_.begin(), outputs_.end(), place) != outputs_.end())
      return invalid(concat("local ", name, " is an output twice"));
    outputs_.push_back(place);
  }
  return {};
}

uint64_t CompiledProgram::host_bytes() const {
  uint64_t bytes = sizeof(CompiledProgram) + types_.size() * sizeof(ir::TensorType) +
                   steps_.size() * (sizeof(ir::Instruction) + sizeof(Step));
  for (const ir::Instruction& instruction : program_.instructions) {
    bytes += instruction.operands.size() * (sizeof(ir::Operand) + sizeof(uint32_t));
    instruction.attributes.visit([&bytes](std::string_view, const auto& field) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, ir::Function>)
        bytes += field.steps.size() * sizeof(ir::FunctionStep);
    });
  }
  for (const auto& body : bodies_) bytes += body->host_bytes();
  return bytes;
}

const CompiledProgram::Known* CompiledProgram::find(const std::vector<uint64_t>& inputs) {
  ++runs_;
  for (Known& known : known_) {
    if (known.inputs != inputs) continue;
    known.used = runs_;
    return &known;
  }
  return nullptr;
}

void CompiledProgram::keep(Known known) {
  known.used = runs_;
  if (known_.size() < kKnown) {
    known_.push_back(std::move(known));
    return;
  }
  *std::min_element(known_.begin(), known_.end(), [](const Known& a, const Known& b) { return a.used < b.used; }) =
      std::move(known);
}

}  // namespace gpu_node::program
