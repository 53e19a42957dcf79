// Where things stand in a JSON text: for messages to people.
#pragma once

#include <cstdint>
#include <string_view>

namespace gpu_node::chain {

// The line, counted from 1, on which |text| ends.
int64_t line_at_end(std::string_view text);

// The line on which the value that the JSON pointer |path| leads to begins, or the innermost value on the way to it
// that there is. REQUIRES: |text| is JSON without escapes in the keys on the way; else 0 may be returned.
int64_t line_of(std::string_view text, std::string_view path);

}  // namespace gpu_node::chain
