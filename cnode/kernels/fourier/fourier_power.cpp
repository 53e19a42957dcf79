#include "kernels/fourier/fourier_power.h"

#include <algorithm>
#include <bit>

#include "base/concat.h"
#include "kernels/fourier/power_text.h"

namespace gpu_node::kernels {
namespace {

constexpr uint32_t kLongest = 8192;
constexpr uint32_t kFewest = 256, kMost = 512;  // invocations
// Drivers give a multiprocessor's workgroups about 48 KiB in all: three, which cover each other's waiting.
constexpr uint32_t kThirdOfShared = 16'384;

// Numbers of a row that an invocation has: few enough of short rows that neighbours read what lies side by side.
uint32_t elements_of(uint32_t length) {
  return length <= 2 ? 2 : length <= 16 ? 4 : length == 32 || length == 64 || length == 512 ? 8 : 16;
}

}  // namespace

uint32_t FourierPower::banks() const {
  return 128 / (static_cast<uint32_t>(dtype_size_bytes(ends.computing)) / (halves ? 2 : 1));
}

// Where one side goes along rows and the other across, they differ in more bits.
uint32_t FourierPower::slot(uint32_t i) const {
  const uint32_t shift = static_cast<uint32_t>(std::countr_zero(elements)), mask = banks() - 1;
  const uint32_t added = i >> shift ^ (along_in == along_out ? 0 : i / banks() >> shift);
  return i ^ (added & mask);
}

uint32_t FourierPower::shared_bytes() const {
  const auto bytes = static_cast<uint32_t>(dtype_size_bytes(ends.computing));
  return length == elements ? 0 : invocations * elements * bytes / (halves ? 2 : 1);
}

std::string FourierPower::key() const {
  return concat("fourier power ", ends.key(), " l", length, " e", elements, " n", invocations, halves ? " h" : "",
                along_in ? "" : " ai", along_out ? "" : " ao", cut_in ? " ci" : "", cut_out ? " co" : "",
                unit_in ? " ui" : "", unit_out ? " uo" : "", turned ? " t" : "");
}

Result<vulkan::KernelSource> FourierPower::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  // Without a table numbers are divided by the length, which is a power of two.
  ends.declare({}, ends.out_table, shader);
  shader.define("POWERS");
  shader.define("AROUND", concat(around(), "u"));
  shader.define("TOGETHER", concat(together(), "u"));
  if (halves) shader.define("HALVES");
  if (shared_bytes() != 0) shader.define("TILE", concat(invocations * elements, "u"));
  const int shift = std::countr_zero(elements), wide_shift = shift + std::countr_zero(banks());
  shader.define("slot(i)", along_in == along_out ? concat("((i) ^ ((i) >> ", shift, " & ", banks() - 1, "u))")
                                                 : concat("((i) ^ (((i) >> ", shift, " ^ (i) >> ", wide_shift, ") & ",
                                                          banks() - 1, "u))"));
  shader.library("fourier_power.glsl");
  shader.body() += PowerText(*this).text();
  return shader.build();
}

std::optional<FourierPower> fourier_power(Dtype computing, int64_t length, bool across,
                                          const vulkan::DeviceInfo& device) {
  const uint32_t most = std::min(kMost, std::bit_floor(device.max_workgroup_invocations));
  if (device.software || most < kFewest) return {};
  if (length < 2 || length > kLongest || !std::has_single_bit(static_cast<uint64_t>(length))) return {};
  FourierPower power;
  power.ends.computing = computing;
  power.length = static_cast<uint32_t>(length);
  power.elements = elements_of(power.length);
  // Of rows that lie side by side 32 bytes, which memory is read by: more invocations for more of them cost time.
  const uint32_t wanted = power.around() * (across ? 32 / static_cast<uint32_t>(dtype_size_bytes(computing)) : 1);
  for (power.invocations = std::max(kFewest, std::min(wanted, most)); power.invocations >= power.around();
       power.invocations /= 2) {
    power.halves = false;
    power.halves = power.shared_bytes() > kThirdOfShared;
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
