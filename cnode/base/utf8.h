// Text that leaves the process is UTF-8, whatever was quoted in it.
#pragma once

#include <string>
#include <string_view>

namespace gpu_node {

// |text| with U+FFFD for each byte that is no part of a character (RFC 3629: the shortest form, no surrogates).
std::string valid_utf8(std::string_view text);

}  // namespace gpu_node
