// The GLSL of Fourier transforms (shaders/fourier*.glsl): which kernel it is, its parameters, its text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/glsl/shader_builder.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// What passes of all kinds have in common: how numbers come and go (shaders/fourier_ends.glsl).
struct FourierEnds {
  Dtype source = Dtype::c64;     // what is read
  Dtype computing = Dtype::c64;  // complex
  Dtype result = Dtype::c64;     // what is written: of a real type the real parts
  bool in_table = false;         // numbers are multiplied as they come
  bool out_table = false;        // and as they go
  bool mirrored = false;         // the source has the first half of numbers that the rest mirrors

  enum Flags : uint32_t {
    kConjugateIn = 1,
    kConjugateOut = 2,   // before the table
    kConjugateLast = 4,  // behind it
    kAlongIn = 8,        // neighbours in a row are nearer in memory than rows
    kAlongOut = 16,
    kDivided = 32,  // by a number of which there is no exact reciprocal, else multiplied
    kScaled = 64,   // by another number than 1
  };

  // The parameters, of 32 bits, behind up to two of the kind's own: rows, and how they are counted; where element 0
  // of each lies, how far apart elements are; which element of the whole transform the k-th of a row is, and how many
  // are there; how long the whole is; what the turn is a part of; what numbers are divided by (in two factors) or
  // multiplied with, and what is cleared, of double in two words.
  static constexpr std::string_view kNames[] = {
      "ROWS",    "SIZE1",   "SIZE2",     "SIZE3",  "IN0",  "IN1",   "IN2",    "IN3",       "IN_FIRST", "IN_STEP",
      "IN_BY",   "IN_BY3",  "IN_COUNT",  "OUT0",   "OUT1", "OUT2",  "OUT3",   "OUT_FIRST", "OUT_STEP", "OUT_BY",
      "OUT_BY2", "OUT_BY3", "OUT_COUNT", "LENGTH", "TURN", "SCALE", "SCALE2", "EPS",       "EPS2",     "FLAGS"};
  static constexpr uint32_t kMostWords = 2 + std::size(kNames);

  std::string key() const;
  // Bindings: the source, the tables, what is written.
  void declare(std::initializer_list<std::string_view> own, bool may_divide, ShaderBuilder& shader) const;
};

// A pass in shared memory, of rows of any length of primes of at most 13. Its own parameters: of a row its length and,
// in the upper half, how many rows are a workgroup's; the radices.
struct FourierPass {
  FourierEnds ends;
  uint32_t invocations = 256;
  uint32_t tile = 4096;  // numbers in shared memory
  bool skewed = false;   // with room between them

  std::string key() const;
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// How many numbers of |computing| a workgroup holds; whether there is room to skew them, on a device with banks.
uint32_t fourier_tile(Dtype computing, const vulkan::DeviceInfo& device);
bool fourier_skewed(Dtype computing, const vulkan::DeviceInfo& device);

// A number as GLSL has it, of a double or a float.
std::string fourier_number(double value, bool wide);

// The tables of Bluestein's transform.
struct FourierChirp {
  Dtype computing = Dtype::c64;

  std::string key() const;
  // Parameters: the length, that of the whole. Bindings: the chirp, what goes around.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
