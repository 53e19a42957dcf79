// Which mapping is chosen, beside what was measured on a large GPU (one with 132 processors).
#include <doctest/doctest.h>

#include "chain/family.h"
#include "chain/launch.h"
#include "source_folder.h"

namespace gpu_node {
namespace {

using chain::Mapping;

vulkan::DeviceInfo large_gpu() {
  vulkan::DeviceInfo info;
  info.name = "a GPU";
  info.has_f64 = true;
  info.has_subgroup_shuffle = true;
  info.subgroup_size = 32;
  info.max_workgroup_invocations = 1024;
  info.shared_memory_bytes = 48 * 1024;
  return info;
}

Mapping chosen(int64_t d, uint64_t chains, Dtype dtype) {
  const auto family = chain::load_family(test::source_folder() + "/specs/families/normal.json");
  REQUIRE(family.ok());
  const auto binding = chain::bind(family->program, {.dimensions = {{"d", d}}});
  REQUIRE(binding.ok());
  const chain::Schedule schedule = chain::make_schedule(family->program);
  const vulkan::DeviceInfo info = large_gpu();
  const auto launch = chain::plan_launch(family->program, schedule, *binding, info);
  REQUIRE(launch.ok());
  return chain::choose_mapping(schedule, *launch, chains, dtype, info);
}

}  // namespace

TEST_CASE("chain mapping: the one that was measured to be the fastest") {
  struct Row {
    int64_t d;
    uint64_t chains;
    Mapping fastest;
  };
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const Row& row :
         {Row{1, 1, Mapping::kThread}, Row{1, 1024, Mapping::kThread}, Row{1, 65536, Mapping::kThread},
          Row{10, 65536, Mapping::kThread}, Row{100, 1, Mapping::kWorkgroup}, Row{100, 1024, Mapping::kWorkgroup},
          Row{10, 1, Mapping::kSubgroup}, Row{10, 1024, Mapping::kSubgroup}, Row{1000, 1, Mapping::kWorkgroup},
          Row{1000, 1024, Mapping::kWorkgroup}, Row{1000, 16384, Mapping::kWorkgroup}}) {
      CAPTURE(row.d);
      CAPTURE(row.chains);
      CHECK(chosen(row.d, row.chains, dtype) == row.fastest);
    }
  CHECK(chosen(100, 65536, Dtype::f64) == Mapping::kSubgroup);
}

}  // namespace gpu_node
