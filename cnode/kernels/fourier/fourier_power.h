// Passes of Fourier transforms over rows whose length is a power of two, for devices with registers and banks.
//
// An invocation has |elements| numbers of a row in registers, as far apart as a row has invocations, and does the
// butterflies of a radix among them; between radices rows are exchanged through shared memory (Stockham's order, so the
// result needs no permutation). All that depends on the length is in the text, so a length is a kernel.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/fourier/fourier_shader.h"

namespace gpu_node::kernels {

struct FourierPower {
  FourierEnds ends;
  uint32_t length = 4096, elements = 16;
  uint32_t invocations = 256;
  bool halves = false;  // real and imaginary parts are exchanged one after the other
  bool cut_in = false,
       cut_out = false;  // not all numbers are there or wanted, or they come and go otherwise than they lie
  bool turned = false;   // by a turn as numbers go, to the next pass

  bool wide() const { return ends.computing == Dtype::c128; }
  // Invocations of a row, rows of a workgroup at a time.
  uint32_t around() const { return std::max(length / elements, 1U); }
  uint32_t together() const { return invocations / around(); }
  // Where number |i| of a row lies in shared memory: with room behind as many as the first radix, so that what a
  // butterfly gives lies in different banks.
  uint32_t slot(uint32_t i) const { return i + i / elements; }
  // How far rows are apart there: neighbouring invocations have numbers of one row (|along|) or of neighbouring rows.
  uint32_t rows_apart(bool along) const;
  uint32_t shared_bytes() const;

  // The own parameters: how often a workgroup takes rows; how far apart they are in shared memory.
  std::string key() const;
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// The pass over rows of |length|, with as many side by side as the device has room for where they lie |across|; nothing
// where the device has no such passes, or none of this length.
std::optional<FourierPower> fourier_power(Dtype computing, int64_t length, bool across,
                                          const vulkan::DeviceInfo& device);
// The greatest length that has one; 0 where none has.
int64_t fourier_power_most(Dtype computing, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
