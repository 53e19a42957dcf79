#include "chain/sampler_kernels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "base/concat.h"
#include "chain/adaptation.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::chain {
namespace {

using kernels::ShaderBuilder;
using enum ShaderBuilder::Access;

// What all of them begin with. The pieces of the library use what is declared before them.
ShaderBuilder begin(Dtype dtype, uint32_t lanes, const vulkan::DeviceInfo& device) {
  ShaderBuilder builder(device);
  builder.local_size(lanes);
  builder.use(dtype_info(dtype).compute);
  builder.use_double_where_supported();
  builder.define("REAL", kernels::compute_type(dtype));
  builder.define("REAL2", dtype == Dtype::f64 ? "dvec2" : "vec2");
  builder.define("REAL4", dtype == Dtype::f64 ? "dvec4" : "vec4");
  builder.define("LANES", concat(lanes, "u"));
  builder.library("lib/op_common.glsl");
  builder.library("lib/op_divide.glsl");
  return builder;
}

template <size_t N>
void push(ShaderBuilder& builder, const std::array<const char*, N>& names) {
  for (const char* name : names) builder.push("uint", name);
}

}  // namespace

Result<vulkan::KernelSource> emit_turn(const KernelShape& shape, const vulkan::DeviceInfo& device) {
  const bool threads = shape.mapping == Mapping::kThread;
  ShaderBuilder builder = begin(shape.dtype, threads ? kThreadLanes : shape.lanes, device);
  const std::string real(kernels::compute_type(shape.dtype));
  if (threads) {
    builder.define("CHAIN_PER_THREAD");
    builder.define("PART_LANES", concat(shape.lanes, "u"));
  } else {
    builder.define("PART_LANES", "LANES");
  }
  builder.define("FAN", concat(kFan, "u"));
  builder.define("PATIENCE", "5u");        // iterations
  builder.define("MOST_HALVINGS", "60u");  // where f32 has room
  builder.define("MOST_LOST", "REAL(0.1)");
  builder.define("NEGATIVE_INFINITY",
                 shape.dtype == Dtype::f64 ? "packDouble2x32(uvec2(0u, 0xfff00000u))" : "uintBitsToFloat(0xff800000u)");
  builder.buffer("state", threads ? real : "coherent " + real, kReadWrite);
  builder.buffer("current", real, kReadWrite);
  builder.buffer("numbers", real, kReadWrite);
  builder.buffer("counts", "uint", kReadWrite);
  for (const char* name : {"inverse_mass", "mass_root", "centre"}) builder.buffer(name, real, kRead);
  push(builder, std::array{"p_batch", "p_batch_first", "p_coordinates", "p_chain_slots", "p_logp_slot", "p_iteration",
                           "p_beginning", "p_counted", "p_learning", "p_shortening", "p_draw_begins", "p_rest_limit",
                           "p_seed_low", "p_seed_high"});
  builder.library("lib/threefry.glsl");
  builder.math("exp", shape.dtype);
  builder.library("sampler_turn.glsl");
  builder.body() += "  turn_main();\n";
  return builder.build();
}

uint64_t turn_iterations(uint32_t coordinates, const KernelShape& shape) {
  const uint64_t lanes = shape.lanes;
  if (shape.mapping == Mapping::kThread) return 2 * (uint64_t{coordinates} + 2 * lanes) + 2 * uint64_t{coordinates};
  return 4 * (coordinates / lanes + 1) + 4 * lanes / kFan;
}

Result<vulkan::KernelSource> emit_reduce(Dtype dtype, const vulkan::DeviceInfo& device) {
  ShaderBuilder builder = begin(dtype, kElementLanes, device);
  const std::string real(kernels::compute_type(dtype));
  builder.define("LEAST_ACCEPTANCE", concat("REAL(", std::to_string(kLeastAcceptance), ")"));
  builder.define("DIVERGENCE_COLUMN", concat(kChainColumns - 1, "u"));
  builder.buffer("current", real, kRead);
  builder.buffer("numbers", real, kRead);
  builder.buffer("counts", "uint", kRead);
  builder.buffer("centre", real, kRead);
  builder.buffer("partials", real, kWrite);
  push(builder, std::array{"p_batch", "p_coordinates", "p_chain_stride", "p_place_stride", "p_column_first",
                           "p_columns", "p_blocks", "p_block_first", "p_all_blocks", "p_target", "p_rest_limit"});
  builder.library("sampler_reduce.glsl");
  builder.body() += "  reduce_main();\n";
  return builder.build();
}

Result<vulkan::KernelSource> emit_keep(Dtype dtype, uint32_t transforms, const vulkan::DeviceInfo& device) {
  if (!device.has_8bit_storage)
    return Error{ErrorCode::kUnsupported, "a sampler keeps flags of 8 bits, for which the device has no storage"};
  ShaderBuilder builder = begin(dtype, kElementLanes, device);
  const std::string real(kernels::compute_type(dtype));
  builder.buffer("source", real, kRead);
  builder.buffer("numbers", real, kRead);
  builder.buffer("counts", "uint", kRead);
  builder.buffer("moments", real, kReadWrite);
  for (const char* name : {"logp", "energy"}) builder.buffer(name, real, kWrite);
  for (const char* name : {"diverged", "never_moved"}) builder.buffer(name, Dtype::u8, kWrite);
  for (const char* name : {"draws0", "draws1", "draws2", "draws3"}) builder.buffer(name, real, kWrite);
  push(builder,
       std::array{"p_batch",       "p_coordinates", "p_chain_stride", "p_place_stride", "p_source",     "p_first",
                  "p_end0",        "p_end1",        "p_end2",         "p_end3",         "p_transforms", "p_kept",
                  "p_draws",       "p_draw",        "p_of_chains",    "p_last",         "p_half",       "p_count",
                  "p_moment_size", "p_from_first",  "p_share_low",    "p_share_high"});
  builder.define("FIRST_DRAW_ARRAY", concat(kMomentArrays - 1, "u"));
  builder.define("SHARE", dtype == Dtype::f64 ? "packDouble2x32(uvec2(p_share_low, p_share_high))"
                                              : "uintBitsToFloat(p_share_low)");
  constexpr std::pair<Transform, const char*> kFunctions[] = {
      {Transform::kExp, "exp"}, {Transform::kSoftplus, "softplus"}, {Transform::kSigmoid, "sigmoid"}};
  for (const auto& [transform, function] : kFunctions) {
    if ((transforms >> static_cast<uint32_t>(transform) & 1) == 0) continue;
    builder.math(function, dtype);
    std::string name = function;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    builder.define("HAS_" + name);
  }
  builder.library("sampler_keep.glsl");
  builder.body() += "  keep_main();\n";
  return builder.build();
}

Result<vulkan::KernelSource> emit_start(Dtype dtype, const vulkan::DeviceInfo& device) {
  ShaderBuilder builder = begin(dtype, kElementLanes, device);
  builder.buffer("position", kernels::compute_type(dtype), kWrite);
  builder.buffer("counts", "uint", kRead);
  push(builder, std::array{"p_batch", "p_batch_first", "p_coordinates", "p_seed_low", "p_seed_high", "p_attempt"});
  builder.library("lib/threefry.glsl");
  builder.library("sampler_start.glsl");
  builder.body() += "  start_main();\n";
  return builder.build();
}

Result<vulkan::KernelSource> emit_check(Dtype dtype, const vulkan::DeviceInfo& device) {
  ShaderBuilder builder = begin(dtype, kElementLanes, device);
  builder.buffer("state", kernels::compute_type(dtype), kRead);
  builder.buffer("counts", "uint", kReadWrite);
  builder.buffer("found", "uint", kReadWrite);
  push(builder, std::array{"p_batch", "p_batch_first", "p_coordinates", "p_chain_stride", "p_place_stride",
                           "p_logp_slot", "p_attempt"});
  builder.library("sampler_check.glsl");
  builder.body() += "  check_main();\n";
  return builder.build();
}

Result<vulkan::KernelSource> emit_steps(Dtype dtype, const vulkan::DeviceInfo& device) {
  ShaderBuilder builder = begin(dtype, kElementLanes, device);
  builder.buffer("counts", "uint", kRead);
  builder.buffer("step_size", kernels::compute_type(dtype), kRead);
  builder.buffer("steps", kernels::compute_type(dtype), kWrite);
  push(builder, std::array{"p_batch"});
  builder.library("sampler_steps.glsl");
  builder.body() += "  steps_main();\n";
  return builder.build();
}

}  // namespace gpu_node::chain
