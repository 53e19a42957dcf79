#include "vulkan/driver_quirks.h"

#include <array>
#include <charconv>

namespace gpu_node::vulkan {

uint64_t max_loop_iterations(bool lavapipe, std::string_view info) {
  constexpr uint64_t kCut = 65'535;
  constexpr std::array<uint32_t, 3> kUncut = {25, 0, 7};
  constexpr std::string_view kName = "Mesa ";
  if (!lavapipe) return kUnlimited;
  const size_t at = info.find(kName);
  if (at == std::string_view::npos) return kCut;
  std::array<uint32_t, 3> version{};
  const char* next = info.data() + at + kName.size();
  const char* const end = info.data() + info.size();
  for (uint32_t& number : version) {
    const auto [rest, failure] = std::from_chars(next, end, number);
    if (failure != std::errc()) return kCut;
    next = rest;
    if (next == end || *next != '.') break;
    ++next;
  }
  return version >= kUncut ? kUnlimited : kCut;
}

bool fma_rounds_once(std::string_view driver) { return driver.starts_with("NVIDIA "); }

}  // namespace gpu_node::vulkan
