// Executes the commands of sessions: resolves ids, records instructions, binds or poisons results.
//
// Every failure ends up in the results of the command that failed; whoever reads one gets that first error. Device
// thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/thread_owner.h"
#include "ir/liveness.h"
#include "jobs/turns.h"
#include "program/executor.h"
#include "program/program_run.h"
#include "program/transfer.h"
#include "service/attachments.h"
#include "service/departed.h"
#include "service/kept_errors.h"
#include "service/kept_tensors.h"
#include "service/session.h"
#include "service/trial.h"

namespace gpu_node::service {

class LaterUse;

// A run message between two of its turns: how far it is, and what it made for itself.
struct Running {
  explicit Running(program::Executor& executor) : program_run(executor) {}
  // Drops what it has.
  void end();
  // What it waits for; nothing where that is its turn.
  Lacking lacking() const;
  // How far a run of a program is: its steps, or where one is a loop the rounds of that. Nothing where there is none.
  std::optional<jobs::TaskView> view() const;

  Clock::time_point begun;
  size_t next = 0;  // command
  bool has_locals = false, prefetched = false;
  program::Kernels kernels;  // asked for before they are needed
  HandleTable locals;
  ir::Liveness liveness;
  // A run of a program that is between two of its steps, and the next one.
  program::ProgramRun program_run;
  std::optional<size_t> step;
  // Of an instruction that is between two of its parts.
  std::optional<program::Rest> rest;
  // Of the next command, or step.
  Trial trial;
};

class Interpreter {
 public:
  // Whether something is over.
  using Over = std::function<bool()>;
  // Whether what came of a session later needs what is being made, or leaves some of it.
  using Wanted = std::function<bool(const Session&, LaterUse&)>;
  // |go_on| is asked between commands, the steps of a program and the parts of a long dispatch: whether the turn goes
  // on. |others_free| is asked when memory is short: what others than a session have begun that is going to free some,
  // so that its work waits for that instead of failing; nothing where there is none.
  // |wanted| is asked while a loop goes on, which may never end.
  Interpreter(vulkan::Device& device, const SessionTable& sessions, UploadTable& uploads, std::function<bool()> go_on,
              std::function<Over(const Session&)> others_free, Wanted wanted);

  // Executes |commands| in order, from where |paused| left them; their negative names are gone afterwards. False when
  // the turn is over before they are, or they lack something: |paused| says how far they are.
  bool run(Session& session, std::span<const Command> commands, std::unique_ptr<Running>& paused);
  void free(Session& session, std::span<const int64_t> ids);
  // Frees all that |session| holds.
  void drop(Session& session);

  // What |work| gives, done for |session| without waiting; |trial| says what it lacks where it fails because of that.
  template <typename Work>
  auto attempt(const Session& session, Trial& trial, Work work) {
    const OnTrial trying(*this, session, trial);
    auto result = work();
    if (result.ok() || !trial.lacks()) trial.end();
    return result;
  }

  // What |allocates| gives: tried again as long as kept tensors stand in its way. Where memory stays short, its error
  // says who holds it.
  template <typename Allocates>
  auto with_room(const Session& session, Allocates allocates) {
    auto result = allocates();
    while (!result.ok() && make_room(session, result.error().code)) result = allocates();
    if (!result.ok() && result.error().code == ErrorCode::kOutOfMemory)
      result = short_of_memory(session, std::move(result).error());
    return result;
  }

  // The tensor |id| for |reader| ("download"). Errors: the tensor's own, when it is poisoned; kNotFound;
  // kInvalidArgument while bytes of it are missing.
  Result<program::Tensor> find(const Session& session, int64_t id, std::string_view reader) const;

  // Puts |tensor| in place of tensor |id|, whose elements it has.
  void replace(Session& session, int64_t id, program::Tensor tensor);

  // Makes tensor |id|, which its chunks fill.
  Result<void> open_upload(Session& session, int64_t id, const ir::TensorType& type);
  void complete_upload(Session& session, const Upload& upload);

  // Makes |id| another name of tensor |from|: the same storage, or the same error. Errors: kNotFound; kStale when the
  // session that made it has ended and nobody else has it; kInvalidArgument while bytes of it are missing.
  Result<void> attach(Session& session, int64_t id, const TensorName& from);

  // The model |id| for |reader|. Errors: kNotFound; kInvalidArgument where |id| is no model.
  Result<ModelRef> find_model(const Session& session, int64_t id, std::string_view reader) const;
  // The same for a program.
  Result<ProgramRef> find_program(const Session& session, int64_t id, std::string_view reader) const;

  // Gives |handle| the name |id|, which must be new.
  Result<void> bind_new(Session& session, int64_t id, Handle&& handle, std::string_view what);

  // A tensor with |bytes|, which nothing has as its name. Error: kInvalidArgument for another number of bytes.
  Result<program::Tensor> make_tensor(Session& session, const ir::TensorType& type,
                                      std::optional<std::span<const std::byte>> bytes);

  // |tensor| in row-major order, charged to |session| whatever its quota.
  Result<program::Tensor> contiguous(const Session& session, const program::Tensor& tensor);

  // The same as f64 numbers.
  Result<program::Tensor> in_double(const Session& session, const program::Tensor& tensor);
  // Makes |size_bytes| of the row-major |tensor| readable by the host.
  Result<program::Readback> read(const Session& session, const program::Tensor& tensor, uint64_t offset,
                                 uint64_t size_bytes);

  // Ends the grace of kept tensors.
  void expire_kept() {
    if (!kept_.empty()) kept_.expire(Clock::now());
  }
  const KeptTensors& kept() const { return kept_; }
  uint64_t attached() const { return attached_.load(std::memory_order_relaxed); }

  program::Executor& executor() { return executor_; }
  program::Transfer& transfer() { return transfer_; }
  uint64_t unknown_frees() const { return unknown_frees_.load(std::memory_order_relaxed); }

 private:
  // While one lives, what is done for a session is on trial.
  class OnTrial {
   public:
    OnTrial(Interpreter& interpreter, const Session& session, Trial& trial);
    ~OnTrial() { interpreter_.trial_ = nullptr; }
    OnTrial(const OnTrial&) = delete;
    OnTrial& operator=(const OnTrial&) = delete;

   private:
    Interpreter& interpreter_;
    const program::Executor::Trying trying_;
  };

  // These three are false when the turn is over before the command is, or when it lacks something.
  bool execute(Session& session, const ir::Instruction& instruction);
  bool execute(Session& session, const RunProgramCommand& run);
  bool execute(Session& session, const AllocCommand& alloc);
  void execute(Session& session, const FreeCommand& freed);
  void execute(Session& session, const ReleaseCommand& released);
  void execute(Session& session, const MalformedCommand& malformed);
  void execute(Session& session, const CompileProgramCommand& compile);

  Result<bool> record(Session& session, const ir::Instruction& instruction);
  Result<bool> record_rest(const ir::Instruction& instruction);
  Result<void> hold_program(Session& session, const CompileProgramCommand& compile);
  // Executes what remains of |commands|; false when the turn is over before.
  bool run_turn(Session& session, std::span<const Command> commands);
  // |error| of whoever finds no memory: others are going to free some, which is waited for once, or it says who has it.
  Error short_of_memory(const Session& session, Error error);
  Result<void> begin_program(Session& session, const RunProgramCommand& run);
  // Whether anybody may want results of |run|, which is at hand.
  bool is_wanted(const Session& session, const RunProgramCommand& run) const;
  // Executes the steps that remain, then binds the results; false when the turn is over before.
  Result<bool> continue_program(Session& session, const RunProgramCommand& run);
  // |operand| of |reader|, where it lies for as long as a command is executed.
  Result<program::Operand> resolve(const Session& session, const ir::Operand& operand, std::string_view reader);
  // What |id| stands for. Errors as find_model.
  template <typename T>
  Result<T> find_as(const Session& session, int64_t id, std::string_view reader) const;
  Result<void> check_new(Session& session, int64_t name, std::string_view what);
  const Handle* find_handle(const Session& session, int64_t name) const;
  // What |name| of |session| stands for, let go of or not.
  const Handle* find_own(const Session& session, int64_t name) const;
  // What |name| stood for, when its own session let go of it: kept, or held by another session.
  const Handle* find_shared(const TensorName& name) const;
  void bind(Session& session, int64_t name, Handle&& handle);
  void poison(Session& session, int64_t name, const ErrorRef& error);
  // After names went.
  static void count_names(Session& session);
  ErrorRef failure(Session& session, Error error);
  Error missing(const Session& session, int64_t name, std::string_view what) const;
  static Error missing_bytes(std::string_view reader, int64_t id, const Upload& upload);

  bool make_room(const Session& session, ErrorCode lacking);

  // Finds where the locals of |commands| end; false where there are none.
  bool find_ends(std::span<const Command> commands);
  // Asks for the kernels of the instructions from |commands[from]| on; false when it is too early for some.
  bool prefetch(const Session& session, std::span<const Command> commands, size_t from);
  program::Kernels prefetch(const program::CompiledProgram& program);
  bool operand_types(const Session& session, const ir::Instruction& instruction, std::span<const Command> before);
  const ir::TensorType* declared_type(int64_t name, std::span<const Command> before);

  [[no_unique_address]] ThreadOwner thread_;
  const SessionTable& sessions_;
  UploadTable& uploads_;
  const std::function<bool()> go_on_;
  const std::function<Over(const Session&)> others_free_;
  const Wanted wanted_;
  KeptErrors errors_;
  program::Executor executor_;
  program::Transfer transfer_;
  KeptTensors kept_;
  Departed departed_;
  Attachments attachments_;
  Trial* trial_ = nullptr;             // of the work at hand, where it is on trial
  std::span<const Command> commands_;  // of the message at hand
  std::unique_ptr<Running> running_;   // the message at hand, or one that is over, kept for its memory
  // Of the command at hand; kept for their memory.
  std::vector<program::Operand> operands_;
  std::deque<program::Tensor> borrowed_;  // operands that could go while room is made for others
  program::Tensors results_;
  std::vector<ir::OperandType> types_;
  FlatMap<const ir::TensorType*> declared_;  // results of the message's first commands, as many as had to be known
  size_t declared_commands_ = 0;
  std::atomic<uint64_t> unknown_frees_{0}, attached_{0};
};

}  // namespace gpu_node::service
