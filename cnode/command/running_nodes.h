// Which nodes of this user run on this host: a file for each in a folder that nobody else can write. `gpu_node status`
// finds them there. A node that cannot write its own serves all the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace gpu_node {

struct RunningNode {
  std::string name;  // "gpu0@host"
  int64_t pid = 0;
  int64_t port = 0;         // of control, where the node is not known to epmd; else 0
  std::string cookie_file;  // empty: the cookie did not come from a file
};

// $XDG_RUNTIME_DIR/gpu_node, else a folder of this user in the folder for temporary files. Made, mode 0700, when
// missing. Error: kInvalidArgument where it is not this user's alone.
Result<std::string> running_nodes_folder();

// The nodes that run. What those left behind that do not run any more is removed.
Result<std::vector<RunningNode>> running_nodes();

// This process's entry, from now to the end of its life or of this.
class RunningEntry {
 public:
  // |own_cookie|: a copy is kept beside the entry, because the file that it came from does not stay.
  RunningEntry(const RunningNode& node, const std::optional<std::string>& own_cookie);
  ~RunningEntry();
  RunningEntry(const RunningEntry&) = delete;
  RunningEntry& operator=(const RunningEntry&) = delete;

 private:
  std::string path_;  // empty: there is none
};

}  // namespace gpu_node
