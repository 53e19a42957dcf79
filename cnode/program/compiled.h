// A program that is run again and again: checked, inferred and its values' lifetimes found once, its names turned into
// places. Made on any thread; what it remembers of its runs belongs to the device thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ir/program.h"
#include "program/layout_key.h"
#include "program/plan_cache.h"

namespace gpu_node::program {

// Instructions of a program, its bodies included, and how deep bodies may lie in bodies.
inline constexpr size_t kMaxProgramInstructions = 4096;
inline constexpr size_t kMaxProgramInputs = 4096;
inline constexpr int kMaxBodyDepth = 8;

class CompiledProgram {
 public:
  static constexpr uint32_t kLiteral = ~uint32_t{0};

  // An instruction whose values have places: first the inputs, then every instruction's results.
  struct Step {
    SmallList<uint32_t, 2> operands;  // kLiteral: the instruction has it
    uint32_t first_result = 0;
    SmallList<uint32_t, 2> dying;  // places to be emptied afterwards
  };

  // What the steps came to for inputs that lay in a certain way: then nothing need be inferred or planned.
  struct Known {
    struct Move {
      std::shared_ptr<CachedPlan> plan;
      std::optional<IndexMap> view;
      ir::TensorTypes types;
    };
    std::vector<uint64_t> inputs;  // LayoutKey's words
    std::vector<Move> moves;       // by step
    uint64_t used = 0;             // the run that used it last
  };

  // Errors are kInvalidArgument and name the instruction: "instruction 3, add f32{2} ...".
  static Result<std::shared_ptr<CompiledProgram>> make(ir::Program program);

  const ir::Program& program() const { return program_; }
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<uint32_t>& outputs() const { return outputs_; }    // places
  const std::vector<ir::TensorType>& types() const { return types_; }  // by place
  size_t places() const { return types_.size(); }
  const std::vector<std::shared_ptr<CompiledProgram>>& bodies() const { return bodies_; }

  // Device thread: what is known for inputs that lie as |inputs| says, or nullptr.
  const Known* find(const std::vector<uint64_t>& inputs);
  void keep(Known known);

 private:
  explicit CompiledProgram(ir::Program program) : program_(std::move(program)) {}
  static Result<std::shared_ptr<CompiledProgram>> make(ir::Program program, int depth, size_t& instructions);
  Result<void> place_inputs(class Places& places);
  Result<void> place_steps(class Places& places);
  Result<void> place_outputs(class Places& places);

  const ir::Program program_;
  std::vector<Step> steps_;
  std::vector<uint32_t> outputs_;
  std::vector<ir::TensorType> types_;
  std::vector<std::shared_ptr<CompiledProgram>> bodies_;
  std::vector<Known> known_;
  uint64_t runs_ = 0;
};

using CompiledProgramRef = std::shared_ptr<CompiledProgram>;

}  // namespace gpu_node::program
