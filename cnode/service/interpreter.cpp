#include "service/interpreter.h"

#include <algorithm>
#include <string>

#include "base/concat.h"
#include "program/storage.h"
#include "service/later_use.h"

namespace gpu_node::service {
namespace {

constexpr uint64_t kKeptShare = 16;  // of the memory limit

}  // namespace

Interpreter::Interpreter(vulkan::Device& device, const SessionTable& sessions, UploadTable& uploads,
                         std::function<bool()> go_on, std::function<Over(const Session&)> others_free, Wanted wanted)
    : sessions_(sessions),
      uploads_(uploads),
      go_on_(std::move(go_on)),
      others_free_(std::move(others_free)),
      wanted_(std::move(wanted)),
      executor_(device, go_on_),
      transfer_(device),
      kept_(device.memory_limit_bytes() / kKeptShare),
      running_(std::make_unique<Running>(executor_)) {}

bool Interpreter::make_room(const Session& session, ErrorCode lacking) {
  if (lacking == ErrorCode::kOutOfMemory) return kept_.give_up(nullptr);
  return lacking == ErrorCode::kQuota && kept_.give_up(session.account.get());
}

bool Interpreter::run(Session& session, std::span<const Command> commands, std::unique_ptr<Running>& paused) {
  thread_.check("an interpreter");
  if (paused != nullptr) {
    running_ = std::move(paused);
  } else {
    running_->next = 0;
    running_->has_locals = find_ends(commands);
    running_->prefetched = commands.size() == 1;
    running_->begun = Clock::now();
  }
  const bool done = [&] {
    const OnTrial trying(*this, session, running_->trial);
    return run_turn(session, commands);
  }();
  operands_.clear();
  if (!borrowed_.empty()) borrowed_.clear();
  if (done) {
    running_->end();
    return true;
  }
  paused = std::exchange(running_, std::make_unique<Running>(executor_));
  return false;
}

void Running::end() {
  if (locals.size() > 0) locals.clear();
  kernels.clear();
  if (step) program_run.clear();
  step.reset();
  rest.reset();
  trial.end();
}

std::optional<jobs::TaskView> Running::view() const {
  if (!step) return std::nullopt;
  if (program_run.is_looping()) return jobs::TaskView{.kind = "while", .done = program_run.rounds()};
  return jobs::TaskView{.kind = "run_program", .done = *step, .of = program_run.steps()};
}

Lacking Running::lacking() const {
  Lacking lacking = trial.lacking();
  const program::Rest* left = rest ? &*rest : program_run.rest();
  if (left != nullptr && left->kernel.valid()) lacking.kernel = left->kernel;
  lacking.submission = program_run.awaits();
  return lacking;
}

Interpreter::OnTrial::OnTrial(Interpreter& interpreter, const Session& session, Trial& trial)
    : interpreter_(interpreter), trying_(interpreter.executor_, trial.attempt) {
  trial.begin();
  interpreter.trial_ = &trial;
  interpreter.executor_.set_owner(session.id);
}

bool Interpreter::run_turn(Session& session, std::span<const Command> commands) {
  Running& running = *running_;
  commands_ = commands;
  for (bool first = true; running.next < commands.size(); first = false) {
    if (!first && !go_on_()) return false;
    if (session.closed.load(std::memory_order_relaxed)) return true;  // nobody will ask for the rest
    const size_t i = running.next;
    const auto execute_one = [&](const auto& command) {
      if constexpr (std::same_as<decltype(execute(session, command)), bool>) return execute(session, command);
      execute(session, command);
      return true;
    };
    const bool done = std::visit(execute_one, commands[i]);
    // The first that had to be planned most likely waits for its kernel: those behind it need not, one by one.
    if (!running.prefetched && executor_.planned()) running.prefetched = prefetch(session, commands, i + 1);
    if (!done) return false;
    running.trial.end();
    ++running.next;
    if (running.has_locals)
      for (const int64_t name : running.liveness.dying(i)) running.locals.erase(name);
  }
  return true;
}

bool Interpreter::find_ends(std::span<const Command> commands) {
  const auto makes_local = [](const Command& command) {
    const auto* instruction = std::get_if<ir::Instruction>(&command);
    return instruction && std::any_of(instruction->results.begin(), instruction->results.end(),
                                      [](const ir::Definition& result) { return result.name < 0; });
  };
  if (std::none_of(commands.begin(), commands.end(), makes_local)) return false;
  running_->liveness.find(commands.size(), [&](size_t i, auto use) {
    if (const auto* instruction = std::get_if<ir::Instruction>(&commands[i])) ir::each_name(*instruction, use);
    if (const auto* run = std::get_if<RunProgramCommand>(&commands[i]))
      for (const ir::Operand& input : run->inputs)
        if (const auto* name = std::get_if<ir::ValueName>(&input)) use(*name);
  });
  return true;
}

bool Interpreter::execute(Session& session, const ir::Instruction& instruction) {
  const Result<bool> recorded = running_->rest ? record_rest(instruction) : record(session, instruction);
  if (!recorded.ok() && running_->trial.lacks()) return false;
  if (!recorded.ok()) {
    const ErrorRef error = failure(session, recorded.error());
    for (const auto& [name, type] : instruction.results) poison(session, name, error);
  } else if (*recorded) {
    for (size_t i = 0; i < results_.size(); ++i) bind(session, instruction.results[i].name, std::move(results_[i]));
  } else {
    if (!running_->rest) running_->rest = executor_.take_rest();
    return false;
  }
  running_->rest.reset();
  return true;
}

Result<bool> Interpreter::record_rest(const ir::Instruction& instruction) {
  Result<bool> done = executor_.go_on(*running_->rest, results_);
  if (done.ok()) return done;
  types_.clear();
  for (const program::Value& operand : running_->rest->operands) types_.push_back(program::Operand(operand).type());
  return ir::with_instruction(std::move(done).error(), instruction, types_);
}

Result<bool> Interpreter::record(Session& session, const ir::Instruction& instruction) {
  for (const auto& [name, type] : instruction.results) GPU_TRY(check_new(session, name, instruction.op->name));
  operands_.clear();
  if (!borrowed_.empty()) borrowed_.clear();
  for (const ir::Operand& operand : instruction.operands) {
    GPU_ASSIGN(operands_.emplace_back(), resolve(session, operand, instruction.op->name));
  }
  return with_room(session, [&] { return executor_.begin(instruction, operands_, session.charge, results_); });
}

Result<program::Operand> Interpreter::resolve(const Session& session, const ir::Operand& operand,
                                              std::string_view reader) {
  if (const Scalar* scalar = std::get_if<Scalar>(&operand)) return program::Operand(*scalar);
  const auto name = std::get<ir::ValueName>(operand);
  const Handle* handle = find_handle(session, name);
  const auto* tensor = handle ? std::get_if<program::Tensor>(handle) : nullptr;
  if (tensor) return program::Operand(*tensor);
  GPU_ASSIGN(borrowed_.emplace_back(), find(session, name, reader));
  return program::Operand(borrowed_.back());
}

void Interpreter::execute(Session& session, const CompileProgramCommand& compile) {
  const Result<void> bound = hold_program(session, compile);
  if (!bound.ok()) poison(session, compile.id, failure(session, bound.error()));
}

Result<void> Interpreter::hold_program(Session& session, const CompileProgramCommand& compile) {
  constexpr std::string_view kWhat = "compile_program";
  program::CompiledProgramRef program = program::CompiledProgram::fitted(compile.program, executor_.info().max_buffers);
  Result<program::Payment> payment = session.host_charge(program->host_bytes());
  if (!payment.ok()) return with_context(std::move(payment).error(), kWhat);
  program::Kernels kernels = prefetch(*program);
  return bind_new(
      session, compile.id,
      std::make_shared<const HeldProgram>(std::move(program), std::move(payment).value(), std::move(kernels)), kWhat);
}

bool Interpreter::execute(Session& session, const RunProgramCommand& run) {
  const Result<bool> done = continue_program(session, run);
  if (done.ok() && !*done) return false;
  if (!done.ok() && running_->trial.lacks()) return false;
  running_->step.reset();
  running_->program_run.clear();
  if (done.ok()) return true;
  const ErrorRef error = failure(session, done.error());
  for (const int64_t id : run.results) poison(session, id, error);
  return true;
}

Result<void> Interpreter::begin_program(Session& session, const RunProgramCommand& run) {
  constexpr std::string_view kWhat = "run_program";
  for (const int64_t id : run.results) GPU_TRY(check_new(session, id, kWhat));
  GPU_ASSIGN(const ProgramRef held, find_program(session, run.program, kWhat));
  const program::CompiledProgramRef& program = held->program;
  if (run.results.size() != program->outputs().size())
    return Error{ErrorCode::kInvalidArgument,
                 concat("run_program: the program has ", counted(program->outputs().size(), "output"), ", not ",
                        run.results.size())};
  operands_.clear();
  if (!borrowed_.empty()) borrowed_.clear();
  for (const ir::Operand& input : run.inputs) {
    GPU_ASSIGN(operands_.emplace_back(), resolve(session, input, kWhat));
  }
  GPU_TRY(running_->program_run.begin(program, operands_));
  running_->step = 0;
  return {};
}

bool Interpreter::is_wanted(const Session& session, const RunProgramCommand& run) const {
  LaterUse use(run.results);
  for (const Command& command : commands_.subspan(running_->next + 1))
    if (use.needs(command)) return true;
  return wanted_(session, use);
}

Result<bool> Interpreter::continue_program(Session& session, const RunProgramCommand& run) {
  executor_.start_clock();
  if (!running_->step) GPU_TRY(begin_program(session, run));
  program::ProgramRun& program_run = running_->program_run;
  size_t& step = *running_->step;
  const size_t from = step;
  for (; step < program_run.steps(); ++step) {
    const bool goes_on = step == from || go_on_();
    if (session.closed.load(std::memory_order_relaxed)) return sessions_.ended(session.id);
    if (program_run.is_looping() && !is_wanted(session, run))
      return Error{ErrorCode::kNotFound, "run_program: given up in a loop, as nobody has its results any more"};
    bool recorded = false;
    if (goes_on) {
      GPU_ASSIGN(recorded,
                 with_room(session, [&] { return program_run.step(step, {session.charge, session.host_charge}); }));
    }
    if (recorded) {
      running_->trial.attempt.buffers.clear();
      continue;
    }
    executor_.count(step - from);
    return false;
  }
  executor_.count(step - from);
  program_run.finish(results_, session.host_charge);
  for (size_t i = 0; i < results_.size(); ++i) bind(session, run.results[i], std::move(results_[i]));
  return true;
}

bool Interpreter::execute(Session& session, const AllocCommand& alloc) {
  Result<program::Tensor> tensor = [&]() -> Result<program::Tensor> {
    GPU_TRY(check_new(session, alloc.id, "alloc"));
    return make_tensor(session, alloc.type, alloc.bytes);
  }();
  if (tensor.ok()) {
    bind(session, alloc.id, std::move(tensor).value());
  } else if (running_->trial.lacks()) {
    return false;
  } else {
    poison(session, alloc.id, failure(session, std::move(tensor).error()));
  }
  return true;
}

Error Interpreter::short_of_memory(const Session& session, Error error) {
  if (trial_ != nullptr) {
    trial_->attempt.buffers.clear();
    if (!trial_->waited_for_others) trial_->others_over = others_free_(session);
    if (trial_->others_over != nullptr) {
      trial_->waited_for_others = true;
      return error;
    }
  }
  error.message += "; " + sessions_.owners_text();
  return error;
}

Result<program::Tensor> Interpreter::make_tensor(Session& session, const ir::TensorType& type,
                                                 std::optional<std::span<const std::byte>> bytes) {
  const uint64_t size =
      static_cast<uint64_t>(element_count(type.shape)) * static_cast<uint64_t>(dtype_size_bytes(type.dtype));
  if (bytes && bytes->size() != size)
    return Error{ErrorCode::kInvalidArgument, concat("alloc: ", type_text(type.dtype, type.shape), " has ", size,
                                                     " bytes, the binary ", bytes->size())};
  const bool filled = bytes.has_value();
  GPU_ASSIGN(program::Tensor tensor, with_room(session, [&] {
               return executor_.allocate(type.dtype, type.shape, !filled, filled, session.charge);
             }));
  if (filled && size > 0) GPU_TRY(with_room(session, [&] { return transfer_.write(tensor, 0, *bytes); }));
  return tensor;
}

void Interpreter::execute(Session& session, const FreeCommand& freed) {
  free(session, freed.ids);
  for (const int64_t id : freed.ids) departed_.note({session.id, id}, Departure::kFreed);
}

void Interpreter::execute(Session& session, const MalformedCommand& malformed) {
  const ErrorRef error = failure(session, malformed.error);
  for (const int64_t id : malformed.ids) poison(session, id, error);
}

void Interpreter::free(Session& session, std::span<const int64_t> ids) {
  for (const int64_t id : ids) {
    const Handle* found = session.handles.find(id);
    if (!found) {
      if (!kept_.erase({session.id, id})) unknown_frees_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    attachments_.erase(session, id);
    if (std::holds_alternative<UploadRef>(*found)) uploads_.erase(session.id, id);
    session.handles.erase(id);
  }
  count_names(session);
}

void Interpreter::drop(Session& session) {
  thread_.check("an interpreter");
  session.handles.for_each([&](int64_t id, const Handle& handle) {
    if (std::holds_alternative<UploadRef>(handle)) uploads_.erase(session.id, id);
    attachments_.erase(session, id);
  });
  session.handles.clear();
  kept_.erase_session(session.id);
  count_names(session);
}

void Interpreter::replace(Session& session, int64_t id, program::Tensor tensor) {
  if (Handle* found = session.handles.find(id)) *found = std::move(tensor);
}

Result<void> Interpreter::open_upload(Session& session, int64_t id, const ir::TensorType& type) {
  thread_.check("an interpreter");
  GPU_TRY(check_new(session, id, "upload_open"));
  GPU_ASSIGN(program::Tensor tensor, with_room(session, [&] {
               return executor_.allocate(type.dtype, type.shape, false, true, session.charge);
             }));
  const uint64_t size = program::size_bytes(tensor);
  if (size == 0) {
    bind(session, id, std::move(tensor));
    return {};
  }
  std::vector<vulkan::BufferRef> slots;
  if (!program::is_mapped(tensor)) {
    const uint64_t chunks = (size + kUploadChunkBytes - 1) / kUploadChunkBytes;
    for (uint64_t i = 0; i < std::min<uint64_t>(chunks, kUploadWindow); ++i) {
      GPU_ASSIGN(vulkan::BufferRef slot,
                 with_room(session, [&] { return transfer_.upload_buffer(std::min(size, kUploadChunkBytes)); }));
      slots.push_back(std::move(slot));
    }
  }
  auto upload = std::make_shared<Upload>(session.id, id, std::move(tensor), std::move(slots));
  uploads_.insert(upload);
  bind(session, id, std::move(upload));
  return {};
}

void Interpreter::complete_upload(Session& session, const Upload& upload) {
  thread_.check("an interpreter");
  Handle* found = session.handles.find(upload.id());
  if (!found) return;
  const UploadRef* current = std::get_if<UploadRef>(found);
  if (!current || current->get() != &upload) return;
  uploads_.erase(session.id, upload.id());
  *found = program::Tensor(upload.tensor());
}

}  // namespace gpu_node::service
