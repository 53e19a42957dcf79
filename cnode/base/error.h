// The closed list of error codes, and the error value that every fallible function returns.
//
// A code tells the caller what to do; the message says which op, shapes, types and limits, with their values. On the
// wire an error is {error, {Code, Message}}, the code spelled as in the list below, or {error, {Code, Message,
// Details}}.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace gpu_node {

// X(enumerator, wire spelling): what the caller should do is in PROTOCOL.md, "Errors".
#define GPU_NODE_ERROR_CODES(X)           \
  X(kInvalidArgument, "invalid_argument") \
  X(kUnsupported, "unsupported")          \
  X(kNotFound, "not_found")               \
  X(kStale, "stale")                      \
  X(kOutOfMemory, "out_of_memory")        \
  X(kQuota, "quota")                      \
  X(kBusy, "busy")                        \
  X(kDeadline, "deadline")                \
  X(kCompileFailed, "compile_failed")     \
  X(kDeviceLost, "device_lost")           \
  X(kShuttingDown, "shutting_down")       \
  X(kInternal, "internal")

enum class ErrorCode {
#define GPU_NODE_X(name, text) name,
  GPU_NODE_ERROR_CODES(GPU_NODE_X)
#undef GPU_NODE_X
};

// Returns the wire spelling of |code|.
std::string_view error_code_name(ErrorCode code);

// Where the compilation of a text went wrong; what is not known is empty.
struct ErrorDetails {
  std::string stage;   // "parse", "check", "glsl", "spirv" or "driver"
  std::string file;    // what the text is called
  std::string path;    // in a family file: a JSON pointer
  int64_t line = 0;    // of the text, counted from 1
  std::string source;  // the shader
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::shared_ptr<const ErrorDetails> details;
};

// |error| of a compilation, with |details| unless it has its own.
Error with_details(Error error, ErrorDetails details);

// Returns |error| with |context| and ": " before its message.
Error with_context(Error error, std::string_view context);

// Converts the errno value |error_number| of the system call described by |what|.
Error errno_error(int error_number, std::string_view what);

}  // namespace gpu_node
