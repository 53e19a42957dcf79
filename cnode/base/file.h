// Whole files: bounded reads, atomic writes, digests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpu_node {

enum class ReadBy : uint8_t { kAnyone, kOwner };

// Reads the file at |path|, of at most |limit_bytes|. What is larger, or is no regular file (a folder, FIFO, socket or
// device, also behind a link), is kInvalidArgument at once: nothing is waited for, no more than the limit is read.
// kOwner: nor is one taken that others than its owner can reach.
Result<std::string> read_file(const std::string& path, size_t limit_bytes, ReadBy who = ReadBy::kAnyone);

// Writes |content| to |path| so that readers see the old file or the new one, never a part: a temporary file in the
// same folder (mode 0600), fsync, rename. The folder is made (mode 0700) when missing.
Result<void> write_file_atomically(const std::string& path, std::string_view content);

// Makes |path| and its parents, mode 0700.
Result<void> make_folders(const std::string& path);

// Lower-case hexadecimal SHA-256 of |content|.
std::string sha256_hex(std::string_view content);

}  // namespace gpu_node
