// A program as GLSL: the stages of its schedule as functions around shaders/chain.glsl, in the op table's functions.
//
// Where a chain's numbers lie in a buffer, one kernel serves all sizes: they lie in a buffer of words (Words says
// where). A chain that is small enough has its numbers at hand, in a kernel for its sizes. Known values lie in a buffer
// of their own in either.
#pragma once

#include <string>
#include <vector>

#include "chain/mapping.h"
#include "chain/schedule.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::chain {

// All mappings give the same bits: a sum is that of |lanes| strided parts, those added |kFan| at a time.
inline constexpr uint32_t kFan = 8;

// Where a chain's numbers lie between loops: in the state buffer, in memory that a workgroup shares, or in registers.
enum class Home : uint8_t { kBuffer, kShared, kOwn };

struct KernelShape {
  Dtype dtype = Dtype::f64;
  Mapping mapping = Mapping::kThread;
  uint32_t lanes = 64;
  uint32_t chains = 32;  // of a workgroup, by thread or by subgroup
  Home home = Home::kBuffer;
  // At home elsewhere than in a buffer: the sizes that the kernel is for.
  uint32_t coordinates = 0, chain_slots = 0;
  std::vector<uint32_t> words;
};

// Positions in the buffer of words.
struct Words {
  explicit Words(const Program& program, const Schedule& schedule)
      : variables(static_cast<uint32_t>(program.symbols.dimensions.size())),
        known(variables + static_cast<uint32_t>(program.symbols.variables.size())),
        slots(known + static_cast<uint32_t>(schedule.known.size())),
        parts(slots + static_cast<uint32_t>(schedule.slots.size())) {}

  // How long a dimension is, at its number; then where begin: a variable's coordinates, a known value's numbers, a
  // slot's numbers among those of a chain; and the parts of sums that are under way.
  uint32_t variables, known, slots, parts;
  uint32_t count() const { return parts + 1; }
};

// The buffers of the kernel, in order of binding.
enum class ChainBuffer : uint8_t {
  kKnown,
  kWords,
  kState,
  kPosition,
  kMomentum,
  kInverseMass,
  kStepSize,
  kPositions,
  kMomenta,
  kGradients,
  kLogp,
};
inline constexpr uint32_t kChainBuffers = 11;

// The push constants, as shaders/chain.glsl reads them.
struct ChainPush {
  uint32_t batch = 0;        // chains of one state buffer
  uint32_t chain_first = 0;  // of those that this dispatch runs, in the batch
  uint32_t chain_end = 0;
  uint32_t batch_first = 0;  // the batch's first chain among all
  uint32_t coordinates = 0;
  uint32_t chain_slots = 0;  // numbers of a chain in the state
  uint32_t round_first = 0;  // round 0 loads the state and evaluates, round k > 0 is step k - 1
  uint32_t round_end = 0;
  uint32_t rows = 0;  // states in the outputs for each chain: all, or only that after round last
  uint32_t last = 0;
  uint32_t stage_first = 0;  // the state moves in stage 0; the momentum and the outputs follow in the last
  uint32_t stage_end = 0;
  uint32_t begin = 0, end = ~0u;              // of the places of a loop
  uint32_t inner_begin = 0, inner_end = ~0u;  // of those of a loop in it
  uint32_t mass_stride = 0;                   // coordinates where each chain has its own inverse mass, else 0
  uint32_t step_stride = 0;                   // 1 where each chain has its own step size, else 0
};

// Bytes of shared memory that a workgroup needs, without those of chains that are at home there.
uint64_t sum_bytes(const Schedule& schedule, const KernelShape& shape, const vulkan::DeviceInfo& device);
// Sums that share a pass through shared memory.
uint32_t sums_at_once(const Schedule& schedule, const KernelShape& shape, const vulkan::DeviceInfo& device);

// kUnsupported where the device cannot compute it.
Result<vulkan::KernelSource> emit_program(const Program& program, const Schedule& schedule, const KernelShape& shape,
                                          const vulkan::DeviceInfo& device);

}  // namespace gpu_node::chain
