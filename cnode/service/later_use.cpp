#include "service/later_use.h"

#include <algorithm>

namespace gpu_node::service {

bool LaterUse::is_left(int64_t id) const { return std::find(left_.begin(), left_.end(), id) != left_.end(); }

void LaterUse::forget(std::span<const int64_t> ids) {
  std::erase_if(left_, [&](int64_t id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); });
}

bool LaterUse::needs(const Command& command) {
  const auto takes = [this](const auto& operands) {
    return std::any_of(operands.begin(), operands.end(), [this](const ir::Operand& operand) {
      const auto* name = std::get_if<ir::ValueName>(&operand);
      return name != nullptr && is_left(*name);
    });
  };
  if (const auto* instruction = std::get_if<ir::Instruction>(&command)) return takes(instruction->operands);
  if (const auto* run = std::get_if<RunProgramCommand>(&command)) return takes(run->inputs);
  if (const auto* freed = std::get_if<FreeCommand>(&command)) forget(freed->ids);
  if (const auto* released = std::get_if<ReleaseCommand>(&command)) forget(released->ids);
  return false;
}

bool LaterUse::needs(const Work& work) {
  if (const auto* run = std::get_if<RunWork>(&work))
    return std::any_of(run->run.commands.begin(), run->run.commands.end(),
                       [this](const Command& command) { return any_left() && needs(command); });
  // A call that somebody still waits for may be about any of them.
  const PendingCallRef* call = call_of(work);
  if (call == nullptr || (*call)->answered()) return false;
  if (const auto* download = std::get_if<DownloadWork>(&work)) return is_left(download->download.id);
  if (const auto* sync = std::get_if<SyncWork>(&work))
    return std::any_of(sync->ids.begin(), sync->ids.end(), [this](int64_t id) { return is_left(id); });
  return !std::holds_alternative<UploadOpenWork>(work);
}

}  // namespace gpu_node::service
