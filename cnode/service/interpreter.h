// Executes the commands of sessions: resolves ids, records instructions, binds or poisons results.
//
// Every failure ends up in the results of the command that failed; whoever reads one gets that first error. Device
// thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "program/executor.h"
#include "program/transfer.h"
#include "service/session.h"

namespace gpu_node::service {

class Interpreter {
 public:
  // |progress| is raised with every command: the watchdog looks at it.
  Interpreter(vulkan::Device& device, const SessionTable& sessions, UploadTable& uploads,
              std::atomic<uint64_t>& progress);

  // Executes |commands| in order; their negative names are gone afterwards.
  void run(Session& session, std::span<const Command> commands);
  void free(Session& session, std::span<const int64_t> ids);
  // Frees all that |session| holds.
  void drop(Session& session);

  // The tensor |id| for |reader| ("download"). Errors: the tensor's own, when it is poisoned; kNotFound;
  // kInvalidArgument while bytes of it are missing.
  Result<program::Tensor> find(const Session& session, int64_t id, std::string_view reader) const;

  // Puts |tensor| in place of tensor |id|, whose elements it has.
  void replace(Session& session, int64_t id, program::Tensor tensor);

  // Makes tensor |id|, which its chunks fill.
  Result<void> open_upload(Session& session, int64_t id, const ir::TensorType& type);
  void complete_upload(Session& session, const Upload& upload);

  program::Executor& executor() { return executor_; }
  program::Transfer& transfer() { return transfer_; }
  uint64_t unknown_frees() const { return unknown_frees_.load(std::memory_order_relaxed); }

 private:
  void execute(Session& session, const ir::Instruction& instruction);
  void execute(Session& session, const AllocCommand& alloc);
  void execute(Session& session, const FreeCommand& freed);
  void execute(Session& session, const MalformedCommand& malformed);

  Result<void> record(Session& session, const ir::Instruction& instruction);
  Result<program::Tensor> allocate(Session& session, const AllocCommand& alloc);
  Result<void> check_new(Session& session, int64_t name, std::string_view what);
  Result<program::Value> resolve(const Session& session, const ir::Operand& operand, std::string_view what) const;
  const Handle* find_handle(const Session& session, int64_t name) const;
  void bind(Session& session, int64_t name, Handle handle);
  void poison(Session& session, int64_t name, const ErrorRef& error);
  ErrorRef failure(Error error) const;

  void prefetch(const Session& session, std::span<const Command> commands);
  bool operand_types(const Session& session, const ir::Instruction& instruction,
                     const std::unordered_map<int64_t, const ir::TensorType*>& declared);

  const SessionTable& sessions_;
  UploadTable& uploads_;
  std::atomic<uint64_t>& progress_;
  program::Executor executor_;
  program::Transfer transfer_;
  std::unordered_map<int64_t, Handle> locals_;
  std::vector<program::Value> operands_;     // of the instruction at hand; kept for its memory
  std::vector<ir::TensorType> types_;        // likewise
  std::unordered_set<uint64_t> prefetched_;  // signatures of instructions whose kernels were asked for
  std::atomic<uint64_t> unknown_frees_{0};
};

}  // namespace gpu_node::service
