#include "command/commands.h"

namespace gpu_node {

const char* version_text() { return GPU_NODE_VERSION; }

}  // namespace gpu_node
