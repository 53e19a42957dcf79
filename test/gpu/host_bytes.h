// What this process has of the host's memory.
#pragma once

#include <cstdint>

namespace gpu_node::test {

uint64_t resident_bytes();

// Of files in memory that have no name, where lavapipe keeps what it allocates. What it has freed counts as well: it is
// no longer mapped, so resident_bytes() does not show it, and yet the host has not got it back.
uint64_t nameless_file_bytes();

}  // namespace gpu_node::test
