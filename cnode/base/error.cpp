#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace gpu_node {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
#define GPU_NODE_X(name, text) \
  case ErrorCode::name:        \
    return text;
    GPU_NODE_ERROR_CODES(GPU_NODE_X)
#undef GPU_NODE_X
  }
  return "internal";
}

Error with_context(Error error, std::string_view context) {
  // Said once: who failed may have said it already.
  const std::string start = std::string(context) + ": ";
  if (!error.message.starts_with(start)) error.message.insert(0, start);
  return error;
}

Error with_details(Error error, ErrorDetails details) {
  if (error.details == nullptr) error.details = std::make_shared<const ErrorDetails>(std::move(details));
  return error;
}

Error errno_error(int error_number, std::string_view what) {
  ErrorCode code = ErrorCode::kInternal;
  if (error_number == ENOENT) code = ErrorCode::kNotFound;
  if (error_number == ENOMEM || error_number == ENOSPC) code = ErrorCode::kOutOfMemory;
  if (error_number == ETIMEDOUT) code = ErrorCode::kDeadline;
  if (error_number == EACCES || error_number == EPERM || error_number == EINVAL) code = ErrorCode::kInvalidArgument;
  return {code, std::string(what) + ": " + std::generic_category().message(error_number)};
}

}  // namespace gpu_node
