// What holds of any work, whatever it is.
#include "service/work.h"

namespace gpu_node::service {
namespace {

constexpr size_t kFewOperands = 8;  // take little more than on the wire

template <typename Item>
const SessionRef* session_in(const Item& item) {
  if constexpr (requires { item.session; }) return &item.session;
  if constexpr (requires { item.work.session; }) return &item.work.session;
  if constexpr (requires { item.job; }) return &item.job->session_ref();
  return nullptr;
}

template <typename Item>
const PendingCallRef* call_in(const Item& item) {
  if constexpr (requires { item.call; }) return &item.call;
  if constexpr (requires { item.work.call; }) return &item.work.call;
  if constexpr (requires { item.job; }) return &item.job->call();
  return nullptr;
}

}  // namespace

const SessionRef* session_of(const Work& work) {
  return std::visit([](const auto& item) { return session_in(item); }, work);
}

const PendingCallRef* call_of(const Work& work) {
  return std::visit([](const auto& item) { return call_in(item); }, work);
}

RunWork RunWork::of(SessionRef session, Run&& run, std::vector<std::byte>&& frame) {
  RunWork work{std::move(session), std::move(run), std::move(frame)};
  for (const Command& command : work.run.commands) {
    if (const auto* instruction = std::get_if<ir::Instruction>(&command)) {
      if (instruction->operands.size() > kFewOperands)
        work.list_bytes += instruction->operands.size() * sizeof(ir::Operand);
    } else if (const auto* program = std::get_if<RunProgramCommand>(&command)) {
      work.list_bytes += program->inputs.size() * sizeof(ir::Operand) + program->results.size() * sizeof(int64_t);
    } else if (const auto* compile = std::get_if<CompileProgramCommand>(&command)) {
      work.program_bytes += compile->program->host_bytes();
    }
  }
  return work;
}

uint64_t held_bytes(const Work& work) {
  const auto* run = std::get_if<RunWork>(&work);
  return run != nullptr ? run->frame.size() + run->program_bytes + run->list_bytes : 0;
}

bool fail(const Work& work, const Error& error) {
  if (const PendingCallRef* call = call_of(work)) {
    (*call)->fail(error);
    return true;
  }
  const auto* chunk = std::get_if<StagedChunkWork>(&work);
  if (chunk != nullptr) reply_error(chunk->reply_to, error);
  return chunk != nullptr;
}

void refuse(RunWork& work, const Error& error) {
  for (Command& command : work.run.commands) {
    MalformedCommand refused{{}, error};
    if (const auto* instruction = std::get_if<ir::Instruction>(&command)) {
      for (const auto& [name, type] : instruction->results) refused.ids.push_back(name);
    } else if (const auto* alloc = std::get_if<AllocCommand>(&command)) {
      refused.ids.push_back(alloc->id);
    } else if (const auto* program = std::get_if<RunProgramCommand>(&command)) {
      refused.ids = program->results;
    } else {
      continue;
    }
    command = std::move(refused);
  }
  work.frame = {};
  work.list_bytes = 0;
}

}  // namespace gpu_node::service
