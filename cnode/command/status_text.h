// What `gpu_node status` tells people.
#pragma once

#include <map>
#include <string>

namespace gpu_node {

// The numbers and texts of an answer under their paths: "memory.live_bytes", "sessions.0.bytes".
using Leaves = std::map<std::string, std::string>;

std::string bytes_text(double bytes);  // "1.5 GiB"
std::string duration_text(double ms);  // "2 h 5 min"
std::string status_text(Leaves& node, Leaves& stats);

}  // namespace gpu_node
