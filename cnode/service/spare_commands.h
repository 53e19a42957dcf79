// Lists of commands that have been executed, for their memory: the reader threads decode into it again. Any thread.
//
// What is in a spare list is old: decode_command overwrites it.
#pragma once

#include <utility>
#include <vector>

#include "base/mutex.h"
#include "service/request.h"

namespace gpu_node::service {

class SpareCommands {
 public:
  std::vector<Command> take() {
    const MutexLock lock(mutex_);
    if (spare_.empty()) return {};
    std::vector<Command> commands = std::move(spare_.back());
    spare_.pop_back();
    return commands;
  }

  void give(std::vector<Command>&& commands) {
    if (commands.empty() || commands.size() > kMaxKept) return;
    // Only small instructions are of bounded size.
    for (Command& command : commands)
      if (const auto* instruction = std::get_if<ir::Instruction>(&command);
          !instruction || instruction->operands.size() > kMaxOperands || instruction->results.size() > kMaxOperands)
        command.emplace<AllocCommand>();
    const MutexLock lock(mutex_);
    if (spare_.size() < kMaxLists) spare_.push_back(std::move(commands));
  }

 private:
  static constexpr size_t kMaxKept = 128;  // commands of a list; a client's messages have up to 64
  static constexpr size_t kMaxLists = 32;
  static constexpr size_t kMaxOperands = 8;

  Mutex mutex_;
  // The last given is the next taken, for it is warm.
  std::vector<std::vector<Command>> spare_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::service
