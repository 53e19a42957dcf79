// A program that is run again and again: checked, inferred, fused and its values' lifetimes found once, its names
// turned into places. Made on any thread; what it remembers of its runs belongs to the device thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "fuse/fuse.h"
#include "ir/layout_key.h"
#include "ir/program.h"
#include "program/plan_cache.h"
#include "program/tensor.h"

namespace gpu_node::kernels {
struct LoopCode;
}

namespace gpu_node::program {

// Of a program with its bodies, each of which counts as an instruction of the program that it lies in; and how deep
// bodies may lie in bodies.
inline constexpr size_t kMaxProgramInstructions = 4096;
inline constexpr size_t kMaxProgramInputs = 4096;
inline constexpr int kMaxBodyDepth = 8;

// What a program has come to so far: the same for who decodes one and who is given one.
class ProgramSize {
 public:
  Result<void> add_instruction() { return add(instructions_, "instructions", kMaxProgramInstructions); }
  Result<void> add_input() { return add(inputs_, "inputs", kMaxProgramInputs); }
  // A body that lies |depth| deep.
  Result<void> add_body(int depth);

 private:
  static Result<void> add(size_t& count, const char* what, size_t limit);

  size_t instructions_ = 0, inputs_ = 0;
};

class CompiledProgram {
 public:
  static constexpr uint32_t kLiteral = ~uint32_t{0};

  // A step whose values have places: first the inputs, then every step's results.
  struct Step {
    SmallList<uint32_t, 2> operands;  // kLiteral: the instruction has it
    uint32_t first_result = 0;
    SmallList<uint32_t, 2> dying;                                          // places to be emptied afterwards
    std::shared_ptr<CompiledProgram> condition = nullptr, body = nullptr;  // of a loop
    std::shared_ptr<const kernels::LoopCode> code = nullptr;               // where a kernel is the whole loop
  };

  // What the steps came to for inputs that lay in a certain way: then nothing need be inferred or planned.
  struct Known {
    std::vector<uint64_t> inputs;                    // LayoutKey's words
    std::vector<Resolved> steps;                     // as resolved
    std::vector<std::shared_ptr<CachedPlan>> plans;  // theirs, each held
    Payment payment;                                 // for the memory
    uint64_t used = 0;                               // the run that used it last
  };

  // Errors are kInvalidArgument and name the instruction: "instruction 3, add f32{2} ...".
  // |limits|: of what is fused; nothing: each instruction is carried out by itself.
  static Result<std::shared_ptr<CompiledProgram>> make(ir::Program program,
                                                       const std::optional<fuse::Limits>& limits = fuse::Limits());

  // The same for a device that binds no more than |buffers|: |program| where it needs no more.
  static std::shared_ptr<CompiledProgram> fitted(const std::shared_ptr<CompiledProgram>& program, size_t buffers);

  // As it was sent: errors speak of that.
  const ir::Program& sent() const { return sent_; }
  // What is carried out, beside steps().
  const std::vector<fuse::Step>& work() const { return work_.steps; }
  const fuse::Steps& fused() const { return work_; }
  // Of what is fused; nothing: each instruction is carried out by itself.
  const std::optional<fuse::Limits>& limits() const { return limits_; }
  // The types of what instruction |i| of sent() takes.
  std::vector<ir::OperandType> sent_operands(size_t i) const;
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<uint32_t>& outputs() const { return outputs_; }    // places
  const std::vector<ir::TensorType>& types() const { return types_; }  // by place
  size_t places() const { return types_.size(); }
  // Of this process's memory, but for what it remembers of its runs; at least so many.
  uint64_t host_bytes() const;
  const std::vector<std::shared_ptr<CompiledProgram>>& bodies() const { return bodies_; }

  // Device thread: what is known for inputs that lie as |inputs| says, or nullptr.
  std::shared_ptr<const Known> find(const std::vector<uint64_t>& inputs);
  void keep(Known known);

 private:
  // Of a checked program.
  CompiledProgram(ir::Program sent, const std::optional<fuse::Limits>& limits);
  static Result<std::shared_ptr<CompiledProgram>> make(ir::Program program, const std::optional<fuse::Limits>& limits,
                                                       int depth, ProgramSize& size);
  void place();
  // Has the steps that are loops know their bodies.
  void take_bodies(std::vector<std::shared_ptr<CompiledProgram>> bodies);

  const ir::Program sent_;  // its bodies are bodies()
  const std::optional<fuse::Limits> limits_;
  const fuse::Steps work_;
  std::vector<Step> steps_;
  std::vector<uint32_t> outputs_;
  std::vector<ir::TensorType> types_;
  std::vector<std::shared_ptr<CompiledProgram>> bodies_;
  std::vector<std::shared_ptr<Known>> known_;  // a run that is under way holds its own
  uint64_t runs_ = 0;
  uint64_t code_bytes_ = 0;  // of loops that are kernels
};

using CompiledProgramRef = std::shared_ptr<CompiledProgram>;

}  // namespace gpu_node::program
