// Programs: {Inputs, Instructions, Outputs, Bodies}, and their runs.
#include <algorithm>
#include <string_view>
#include <vector>

#include "base/concat.h"
#include "service/decode_parts.h"
#include "service/option_map.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr std::string_view kCompile = "compile_program";
constexpr uint32_t kMaxBodies = 256;
constexpr uint32_t kMaxResults = 4096;

// Calls |entry| for each element of the list that comes next, of at most |limit|.
template <typename Entry>
Result<void> read_each(Reader& reader, std::string_view what, std::string_view of, uint32_t limit, Entry entry) {
  uint32_t count = 0;
  if (!reader.read_list(count, limit)) return malformed(what, concat("a list of at most ", limit, " ", of), reader);
  for (uint32_t i = 0; i < count; ++i) {
    if (Result<void> read = entry(i); !read.ok()) return read;
  }
  if (count > 0 && !reader.read_nil()) return malformed(what, concat("a proper list of ", of), reader);
  return {};
}

Result<void> read_input(Reader& reader, ir::TensorType& type) {
  if (!reader.read_tuple_of(2)) return malformed(kCompile, "an input {Type, Shape}", reader);
  GPU_TRY(read_dtype(reader, type.dtype));
  return read_shape(reader, type.shape);
}

Result<void> read_own_instruction(Reader& reader, ir::Instruction& instruction) {
  uint32_t arity = 0;
  std::string_view name;
  if (!reader.read_tuple(arity) || arity == 0 || !reader.read_atom(name))
    return malformed(kCompile, "an instruction {Op, Results, Operands, Attributes}", reader);
  return read_instruction(reader, name, arity, instruction);
}

Result<void> read_program(Reader& reader, int depth, program::ProgramSize& size, ir::Program& program);

Result<void> read_bodies(Reader& reader, int depth, program::ProgramSize& size, ir::Program& program) {
  return read_each(reader, kCompile, "bodies", kMaxBodies, [&](uint32_t i) -> Result<void> {
    if (Result<void> added = size.add_body(depth + 1); !added.ok())
      return with_context(std::move(added).error(), kCompile);
    if (!reader.read_tuple_of(4)) return malformed(kCompile, "a body {Inputs, Instructions, Outputs, Bodies}", reader);
    Result<void> read = read_program(reader, depth + 1, size, program.bodies.emplace_back());
    return read.ok() ? Result<void>() : with_context(std::move(read).error(), concat("body ", i));
  });
}

Result<void> read_program(Reader& reader, int depth, program::ProgramSize& size, ir::Program& program) {
  GPU_TRY(read_each(reader, kCompile, "inputs", program::kMaxProgramInputs, [&](uint32_t) -> Result<void> {
    if (Result<void> added = size.add_input(); !added.ok()) return with_context(std::move(added).error(), kCompile);
    return read_input(reader, program.inputs.emplace_back());
  }));
  GPU_TRY(
      read_each(reader, kCompile, "instructions", program::kMaxProgramInstructions, [&](uint32_t i) -> Result<void> {
        if (Result<void> added = size.add_instruction(); !added.ok())
          return with_context(std::move(added).error(), kCompile);
        Result<void> read = read_own_instruction(reader, program.instructions.emplace_back());
        return read.ok() ? Result<void>() : with_context(std::move(read).error(), concat("instruction ", i));
      }));
  GPU_ASSIGN(program.outputs, decode_integers(reader, kMaxResults));
  return read_bodies(reader, depth, size, program);
}

}  // namespace

Result<void> read_compile_program(Reader& reader, bool has_options, CompileProgramCommand& compile) {
  GPU_TRY(read_id(reader, kCompile, compile.id));
  ir::Program program;
  program::ProgramSize size;
  GPU_TRY(read_program(reader, 0, size, program));
  bool fuses = true;
  if (has_options)
    GPU_TRY(read_keys(reader, kCompile, "option",
                      Key{"fuse", [&](const KeyedValue& value) { return value.boolean(fuses); }}));
  Result<program::CompiledProgramRef> made =
      program::CompiledProgram::make(std::move(program), fuses ? std::optional(fuse::Limits()) : std::nullopt);
  if (!made.ok()) return with_context(std::move(made).error(), kCompile);
  compile.program = std::move(made).value();
  return {};
}

Result<Request> read_explain_program(Reader& reader) {
  constexpr std::string_view kWhat = "explain_program";
  ExplainProgram explain;
  GPU_TRY(read_session(reader, kWhat, explain.session));
  GPU_TRY(read_id(reader, kWhat, explain.program));
  GPU_TRY(read_request_options(reader, kWhat, explain.options,
                               Key{"glsl", [&](const KeyedValue& value) { return value.boolean(explain.glsl); }}));
  return Request(std::move(explain));
}

Result<void> read_run_program(Reader& reader, RunProgramCommand& run) {
  constexpr std::string_view kRun = "run_program";
  GPU_TRY(read_id(reader, kRun, run.program));
  GPU_TRY(read_each(reader, kRun, "inputs", program::kMaxProgramInputs,
                    [&](uint32_t) { return read_operand(reader, run.inputs.emplace_back()); }));
  GPU_ASSIGN(run.results, decode_integers(reader, kMaxResults));
  for (const int64_t id : run.results)
    if (id < 0) return Error{ErrorCode::kInvalidArgument, concat(kRun, ": results are ids >= 0, not ", id)};
  std::vector<int64_t> sorted = run.results;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    return Error{ErrorCode::kInvalidArgument, concat(kRun, ": result ", *twice, " is given twice")};
  return {};
}

}  // namespace gpu_node::service
