// Writes each stage as a function stage_N, and what the skeleton wants to know.
#include "chain/emit_program.h"

#include <algorithm>

#include "base/concat.h"
#include "chain/emit_stage.h"

namespace gpu_node::chain {
namespace {

using kernels::ShaderBuilder;

constexpr uint32_t kMostInOrder = 64;  // coordinates in registers, written out one by one

uint32_t bytes_of_sum(const KernelShape& shape) {
  return static_cast<uint32_t>(dtype_info(shape.dtype).size_bytes) * (shape.lanes + shape.lanes / kFan);
}

class Emitter {
 public:
  Emitter(const Program& program, const Schedule& schedule, const KernelShape& shape, const vulkan::DeviceInfo& device)
      : program_(program),
        schedule_(schedule),
        shape_(shape),
        words_(program, schedule),
        device_(device),
        sums_at_once_(chain::sums_at_once(schedule, shape, device)),
        builder_(device) {}

  Result<vulkan::KernelSource> emit() {
    declare_interface();
    std::string run;
    for (size_t i = 0; i < schedule_.stages.size(); ++i) {
      const std::string name = concat("stage_", i + 1);
      builder_.declare("void " + name + "() {\n" +
                       stage_text(program_, schedule_, shape_, sums_at_once_, schedule_.stages[i], builder_) + "}\n");
      run += "  if (runs(" + number(i + 1) + ")) {\n    " + name + "();\n    settle();\n  }\n";
    }
    builder_.declare("void evaluate() {\n" + run + "}\n");
    builder_.body() += "  chain_main();\n";
    return builder_.build();
  }

 private:
  bool threads() const { return shape_.mapping == Mapping::kThread; }
  bool at_home() const { return shape_.home != Home::kBuffer; }
  bool subgroups() const { return shape_.mapping == Mapping::kSubgroup; }

  uint32_t invocations() const {
    if (shape_.mapping == Mapping::kWorkgroup) return shape_.lanes;
    return shape_.chains * (subgroups() ? device_.subgroup_size : 1);
  }

  void declare_interface() {
    const std::string real(kernels::compute_type(shape_.dtype));
    builder_.local_size(invocations());
    builder_.use(dtype_info(shape_.dtype).compute);
    builder_.use_double_where_supported();
    builder_.define("REAL", real);
    builder_.define("LANES", number(shape_.lanes));
    builder_.define("FAN", number(kFan));
    builder_.define("SUMS", number(sums_at_once_));
    builder_.define("LAST_STAGE", number(schedule_.stages.size() + 1));
    builder_.define("LOGP_SLOT", word_text(shape_, words_.slots + schedule_.logp_slot));
    builder_.define("PARTS", word_text(shape_, words_.parts));
    if (threads()) builder_.define("CHAIN_PER_THREAD");
    if (subgroups()) {
      builder_.use_subgroups();
      builder_.define("CHAIN_PER_SUBGROUP");
      builder_.define("SUBGROUP", number(device_.subgroup_size));
      builder_.define("CHAINS", number(shape_.chains));
      if (device_.subgroup_size < kFan) builder_.define("BRANCH_OF_SUBGROUPS");
    }
    if (at_home()) declare_home();
    using enum ShaderBuilder::Access;
    const std::string element = "restrict " + real;
    builder_.buffer("known", element, kRead);
    builder_.buffer("words", "restrict uint", kRead);
    builder_.buffer("state", threads() || at_home() ? element : "coherent " + element, kReadWrite);
    for (const char* name : {"position", "momentum", "inverse_mass", "step_size"})
      builder_.buffer(name, element, kRead);
    for (const char* name : {"positions", "momenta", "gradients", "logp"}) builder_.buffer(name, element, kWrite);
    for (const char* name :
         {"p_batch", "p_chain_first", "p_chain_end", "p_batch_first", "p_coordinates", "p_chain_slots", "p_round_first",
          "p_round_end", "p_rows", "p_last", "p_stage_first", "p_stage_end", "p_begin", "p_end", "p_inner_begin",
          "p_inner_end", "p_mass_stride", "p_step_stride"})
      builder_.push("uint", name);
    builder_.library("lib/op_common.glsl");
    builder_.library("chain.glsl");
  }

  // Sizes are numbers here, rounds are whole.
  void declare_home() {
    builder_.define("AT_HOME");
    builder_.define("OWN", number(shape_.chain_slots + shape_.coordinates));
    builder_.define("MASSES", number(shape_.chain_slots));
    builder_.define("COORDINATES", number(shape_.coordinates));
    if (shape_.home != Home::kOwn) return;
    builder_.define("IN_REGISTERS");
    if (shape_.coordinates > kMostInOrder) return;
    std::string all;
    for (uint32_t i = 0; i < shape_.coordinates; ++i) all += "f(" + number(i) + "); ";
    builder_.define("EACH_COORDINATE(f)", all);
  }

  const Program& program_;
  const Schedule& schedule_;
  const KernelShape& shape_;
  const Words words_;
  const vulkan::DeviceInfo& device_;
  const uint32_t sums_at_once_;
  ShaderBuilder builder_;
};

}  // namespace

uint32_t sums_at_once(const Schedule& schedule, const KernelShape& shape, const vulkan::DeviceInfo& device) {
  size_t sums = 1;
  for (const Stage& stage : schedule.stages)
    if (stage.outer == 0) sums = std::max(sums, stage.sums.size());
  const size_t most = std::clamp(device.shared_memory_bytes / bytes_of_sum(shape), 1u, 16u);
  return static_cast<uint32_t>(std::min(sums, most));
}

uint64_t sum_bytes(const Schedule& schedule, const KernelShape& shape, const vulkan::DeviceInfo& device) {
  if (shape.mapping != Mapping::kWorkgroup) return 0;
  return uint64_t{sums_at_once(schedule, shape, device)} * bytes_of_sum(shape);
}

Result<vulkan::KernelSource> emit_program(const Program& program, const Schedule& schedule, const KernelShape& shape,
                                          const vulkan::DeviceInfo& device) {
  if (shape.dtype != Dtype::f32 && shape.dtype != Dtype::f64)
    return Error{ErrorCode::kInvalidArgument,
                 "chains are computed in f32 or f64, not " + std::string(dtype_info(shape.dtype).name)};
  if (!device.has_f64)
    return Error{ErrorCode::kUnsupported,
                 "chains need 64-bit floats (shaderFloat64), which the device " + device.name + " lacks"};
  if (shape.mapping == Mapping::kSubgroup && !device.has_subgroup_shuffle)
    return Error{
        ErrorCode::kUnsupported,
        "a subgroup for each chain needs full subgroups with shuffles, which the device " + device.name + " lacks"};
  return Emitter(program, schedule, shape, device).emit();
}

}  // namespace gpu_node::chain
