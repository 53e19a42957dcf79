#include "kernels/fourier/fourier_power.h"

#include <algorithm>
#include <bit>

#include "base/concat.h"
#include "kernels/fourier/power_text.h"

namespace gpu_node::kernels {
namespace {

constexpr uint32_t kLongest = 8192;
constexpr uint32_t kFewest = 256, kMost = 512;  // invocations
constexpr uint32_t kLeastShared = 32'768;

// Numbers of a row that an invocation has: few enough of short rows that neighbours read what lies side by side.
uint32_t elements_of(uint32_t length) {
  return length <= 2 ? 2 : length <= 16 ? 4 : length == 32 || length == 64 || length == 512 ? 8 : 16;
}

}  // namespace

uint32_t FourierPower::rows_apart(bool along) const {
  const uint32_t least = slot(length), rows = together();
  if (rows == 1) return least;
  // Invocations whose accesses are one: of 4 bytes each a subgroup, of more a part of it.
  const auto bytes = static_cast<uint32_t>(dtype_size_bytes(ends.computing)) / (halves ? 2 : 1);
  const uint32_t lanes = 128 / bytes;
  const uint32_t wanted = along ? around() % lanes : rows >= lanes ? 1 : lanes / rows;
  return least + (wanted + lanes - least % lanes) % lanes;
}

uint32_t FourierPower::shared_bytes() const {
  const uint32_t slots = together() * std::max(rows_apart(true), rows_apart(false));
  return length == elements ? 0 : slots * static_cast<uint32_t>(dtype_size_bytes(ends.computing)) / (halves ? 2 : 1);
}

std::string FourierPower::key() const {
  return concat("fourier power ", ends.key(), " l", length, " e", elements, " n", invocations, halves ? " h" : "",
                cut_in ? " ci" : "", cut_out ? " co" : "", turned ? " t" : "");
}

Result<vulkan::KernelSource> FourierPower::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  // Without a table numbers are divided by the length, which is a power of two.
  ends.declare({"ROUNDS", "ROWS_APART"}, ends.out_table, shader);
  shader.define("POWERS");
  shader.define("AROUND", concat(around(), "u"));
  shader.define("TOGETHER", concat(together(), "u"));
  if (halves) shader.define("HALVES");
  if (const uint32_t bytes = shared_bytes(); bytes != 0)
    shader.define("TILE",
                  concat(bytes / static_cast<uint32_t>(dtype_size_bytes(ends.computing)) * (halves ? 2 : 1), "u"));
  shader.library("fourier_power.glsl");
  shader.body() += PowerText(*this).text();
  return shader.build();
}

std::optional<FourierPower> fourier_power(Dtype computing, int64_t length, bool across,
                                          const vulkan::DeviceInfo& device) {
  const uint32_t most = std::min(kMost, std::bit_floor(device.max_workgroup_invocations));
  if (device.software || device.shared_memory_bytes < kLeastShared || most < kFewest) return {};
  if (length < 2 || length > kLongest || !std::has_single_bit(static_cast<uint64_t>(length))) return {};
  FourierPower power;
  power.ends.computing = computing;
  power.length = static_cast<uint32_t>(length);
  power.elements = elements_of(power.length);
  // Of rows that lie side by side 32 bytes, which memory is read by: more invocations for more of them cost time.
  const uint32_t wanted = power.around() * (across ? 32 / static_cast<uint32_t>(dtype_size_bytes(computing)) : 1);
  for (power.invocations = std::max(kFewest, std::min(wanted, most)); power.invocations >= power.around();
       power.invocations /= 2)
    for (const bool halves : {false, true}) {
      power.halves = halves;
      if (power.shared_bytes() <= device.shared_memory_bytes) return power;
    }
  return {};
}

int64_t fourier_power_most(Dtype computing, const vulkan::DeviceInfo& device) {
  for (int64_t length = kLongest; length > 1; length /= 2)
    if (fourier_power(computing, length, false, device)) return length;
  return 0;
}

}  // namespace gpu_node::kernels
