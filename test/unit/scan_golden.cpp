// The text of scans, reviewed in test/golden (golden.h).
#include <doctest/doctest.h>

#include "golden.h"

namespace gpu_node::test {

TEST_CASE("emitter: golden scans") {
  using enum Dtype;
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"cumulative_max_u8", "cumulative_max", {turned(u8, {9, 7})}, {u8, {7, 9}}, ir::CumulativeAttributes{1}},
           {"cumulative_sum_f32_segments",
            "cumulative_sum",
            {tensor(f32, {100'000})},
            {f32, {100'000}},
            ir::CumulativeAttributes{0, true},
            3},
       })
    check_golden(
        kernel, {"void take(inout Acc acc, uint line, uint position) {", "VALUES quad_at(uint line, uint position) {"});
}

}  // namespace gpu_node::test
