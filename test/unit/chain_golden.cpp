// The text of a family's stages in every mapping, reviewed in test/golden (golden.h).
#include <doctest/doctest.h>

#include "chain/family.h"
#include "chain/launch.h"
#include "golden.h"
#include "source_folder.h"

namespace gpu_node::test {
namespace {

using chain::Mapping;

// The kernel of |family| on |inputs|, as |mapping| runs it.
std::string text_of(const std::string& family, const chain::Inputs& inputs, Mapping mapping, Dtype dtype) {
  const auto loaded = chain::load_family(source_folder() + "/specs/families/" + family + ".json");
  REQUIRE(loaded.ok());
  const auto binding = chain::bind(loaded->program, inputs);
  REQUIRE_MESSAGE(binding.ok(), binding.error().message);
  const chain::Schedule schedule = chain::make_schedule(loaded->program);
  const vulkan::DeviceInfo device = full_device();
  const auto launch = chain::plan_launch(loaded->program, schedule, *binding, device);
  REQUIRE(launch.ok());
  const auto source = chain::emit_program(loaded->program, schedule,
                                          chain::kernel_shape(schedule, *launch, mapping, dtype, device), device);
  REQUIRE(source.ok());
  return "// chain " + family + " by " + std::string(name_of(mapping)) + "\n" +
         without_libraries(source->glsl, {"void stage_1() {"});
}

}  // namespace

TEST_CASE("emitter: golden chain stages") {
  for (const Mapping mapping : {Mapping::kThread, Mapping::kSubgroup, Mapping::kWorkgroup}) {
    const std::string by = std::string(name_of(mapping));
    CAPTURE(by);
    check_golden("chain_student_t_by_" + by,
                 text_of("student_t", {.dimensions = {{"d", 10'000}}}, mapping, Dtype::f64));
  }
  check_golden("chain_student_t_at_home",
               text_of("student_t", {.dimensions = {{"d", 3}}}, Mapping::kThread, Dtype::f32));
  const chain::Inputs table{
      .data = {{"X", {{400, 3}, std::vector<double>(1'200)}}, {"y", {{400}, std::vector<double>(400)}}}};
  check_golden("chain_linear_regression", text_of("linear_regression", table, Mapping::kWorkgroup, Dtype::f64));
}

}  // namespace gpu_node::test
