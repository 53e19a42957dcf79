// The text of moves, of joined rows and of window scatters, reviewed in test/golden (golden.h).
#include <doctest/doctest.h>

#include "golden.h"

namespace gpu_node::test {

TEST_CASE("emitter: golden moves") {
  using enum Dtype;
  const ir::SliceAttributes from_operands{{{ir::Starts::kOperand, ir::Starts::kOperand}}, {4, 5}, {}};
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"gather_f32", "gather", {tensor(f32, {9, 7, 3}), tensor(s64, {5, 2})}, {f32, {5, 3}}},
           {"take_c128", "take", {turned(c128, {9, 7}), tensor(u8, {5})}, {c128, {5, 9}}, ir::AxisAttributes{0}},
           {"slice_bf16",
            "slice",
            {tensor(bf16, {9, 7}), tensor(s32, {}), tensor(u32, {})},
            {bf16, {4, 5}},
            from_operands},
           {"indexed_put_u8",
            "indexed_put",
            {tensor(u8, {9, 7}), tensor(s32, {5, 1}), tensor(u8, {5, 7})},
            {u8, {9, 7}},
            {},
            4},
       })
    check_golden(kernel, {});
}

TEST_CASE("emitter: golden joined rows") {
  using enum Dtype;
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"concatenate_f32",
            "concatenate",
            {tensor(f32, {9, 8}), tensor(f32, {9, 4})},
            {f32, {9, 12}},
            ir::AxisAttributes{1}},
           {"stack_u8",
            "stack",
            {tensor(u8, {9}), tensor(u8, {9}), tensor(u8, {9})},
            {u8, {9, 3}},
            ir::AxisAttributes{1}},
       })
    check_golden(kernel, {"UNIT unit_at(uint row, uint at) {"});
}

TEST_CASE("emitter: golden sums by key, and what names the keys") {
  using enum Dtype;
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"indexed_add_bf16",
            "indexed_add",
            {tensor(bf16, {9, 7, 3}), tensor(s64, {5, 1}), turned(f32, {3, 9, 5})},
            {f32, {9, 7, 3}},
            ir::AxesAttributes{ir::Axes{1}},
            3},
           {"indexed_add_s16_many",
            "indexed_add",
            {tensor(s16, {9}), tensor(u8, {200, 1}), tensor(s16, {200})},
            {s16, {9}},
            {},
            7},
       })
    check_golden(kernel, {"uvec2 column_offsets(uint index) {"});
}

TEST_CASE("emitter: golden window scatters") {
  using enum Dtype;
  const ir::WindowScatterAttributes twos{{2, 2}, {{}, {1, 0}}, Dims{2, 1}};
  check_golden({"window_scatter_max_bf16",
                "window_scatter_max",
                {tensor(bf16, {8, 5}), tensor(f32, {4, 5}), Scalar{f32, 0.0}},
                {f32, {8, 5}},
                twos,
                4},
               {});
}

}  // namespace gpu_node::test
