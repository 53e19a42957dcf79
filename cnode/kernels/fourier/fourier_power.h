// Passes of Fourier transforms over rows whose length is a power of two, for devices with registers and banks.
//
// An invocation has |elements| numbers of a row in registers, as far apart as a row has invocations, and does the
// butterflies of a radix among them; between radices rows are exchanged through shared memory (Stockham's order, so the
// result needs no permutation). All that depends on the length is in the text, so a length is a kernel.
//
// Time goes by waiting for memory, so what counts is how many workgroups a multiprocessor has at once: the tile is as
// small as can be, with nothing between its numbers. They lie in different banks because the bits of a place that come
// after those of a butterfly are added, without carry, to its lowest.
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
  // Neighbouring invocations have numbers of one row, not of neighbouring rows.
  bool along_in = true, along_out = true;
  // Not all numbers are there or wanted, or they come and go otherwise than they lie.
  bool cut_in = false, cut_out = false;
  // A row's numbers are neighbours there, none cut: how far apart an invocation's are is in the text.
  bool unit_in = false, unit_out = false;
  bool turned = false;  // by a turn as numbers go, to the next pass

  bool wide() const { return ends.computing == Dtype::c128; }
  // Invocations of a row, rows of a workgroup at a time.
  uint32_t around() const { return std::max(length / elements, 1U); }
  uint32_t together() const { return invocations / around(); }
  // Of the tile's index: how far numbers of a row, and rows are apart. What lies side by side comes first.
  uint32_t place_step() const { return along_in && along_out ? 1 : together(); }
  uint32_t row_step() const { return along_in && along_out ? length : 1; }
  // Accesses that are one of a subgroup, or of a part of it.
  uint32_t banks() const;
  // Where index |i| lies. A sum of indices that have no bit in common lies at the sum without carry of their places.
  uint32_t slot(uint32_t i) const;
  uint32_t shared_bytes() const;

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
