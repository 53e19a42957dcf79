#include "vulkan/fault.h"

#include <charconv>
#include <cstdlib>
#include <string>

namespace gpu_node::vulkan {

Result<Fault> parse_fault(std::string_view text) {
  if (text.empty()) return Fault{};
  const Error error{ErrorCode::kInvalidArgument, "GPU_NODE_FAULT=" + std::string(text) +
                                                     ": expected device_lost:N, out_of_memory:N or hang:N with N >= 1"};
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return error;
  const std::string_view kind = text.substr(0, colon);
  const std::string_view number = text.substr(colon + 1);
  Fault fault;
  if (kind == "device_lost") {
    fault.kind = Fault::Kind::kDeviceLost;
  } else if (kind == "out_of_memory") {
    fault.kind = Fault::Kind::kOutOfMemory;
  } else if (kind == "hang") {
    fault.kind = Fault::Kind::kHang;
  } else {
    return error;
  }
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), fault.at);
  if (failure != std::errc() || end != number.data() + number.size() || fault.at == 0) return error;
  return fault;
}

Result<Fault> fault_from_environment() {
  const char* text = std::getenv("GPU_NODE_FAULT");
  return parse_fault(text == nullptr ? "" : text);
}

}  // namespace gpu_node::vulkan
