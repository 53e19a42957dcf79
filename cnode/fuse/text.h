// Programs as text, an instruction a line, for tests and whoever looks for what became of one.
#pragma once

#include <string>

#include "fuse/steps.h"

namespace gpu_node::fuse {

// "-1 f32{2} = add 0, 2.5" and so on, then "out -1". What a map does stands behind it, a part in brackets, its values
// counted from a: "-3 f32{4} = map 0, -1 [f32{4}: a = 0; b = -1; c = add a, b :f32 > c]".
std::string text(const ir::Program& program);
std::string text(const Steps& steps);

}  // namespace gpu_node::fuse
