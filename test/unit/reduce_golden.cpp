// The text of reductions, of matrix products and of what puts elements in order, reviewed in test/golden (golden.h).
#include <doctest/doctest.h>

#include "golden.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

constexpr std::string_view kPut = "void put(uint part, uint output_index, Acc acc) {";

ir::Attributes over(const ir::Axes& axes) { return ir::ReduceAttributes{axes}; }

ir::Attributes along(std::optional<int64_t> axis, ir::TieBreak tie_break) {
  return ir::ArgReduceAttributes{axis, tie_break};
}

ir::Attributes best(int64_t k) { return ir::TopKAttributes{ir::Count{k}}; }

ir::Attributes contracted(const ir::Axes& left, const ir::Axes& right, const ir::Axes& batch = {}) {
  return ir::DotAttributes{left, batch, right, batch};
}

}  // namespace

TEST_CASE("emitter: golden reductions") {
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"sum_f32_two_passes", "sum", {tensor(f32, {1'000'000})}, {f32, {}}, {}, 2},
           {"sum_f32_rows", "sum", {tensor(f32, {300, 50})}, {f32, {300}}, over({1})},
           {"sum_f64_columns", "sum", {tensor(f64, {50, 300})}, {f64, {300}}, over({0})},
           {"sum_s64_u8", "sum", {tensor(u8, {3, 5, 7})}, {u64, {5}}, over({0, 2})},
           {"sum_nothing", "sum", {tensor(f32, {3, 0})}, {f32, {3}}, over({1})},
           {"product_bf16", "product", {turned(bf16, {5, 6})}, {bf16, {6}}, over({1})},
           {"reduce_max_f8_e4m3fn", "reduce_max", {tensor(f8_e4m3fn, {60})}, {f8_e4m3fn, {}}},
           {"all_f64", "all", {tensor(f64, {40})}, {u8, {}}},
           {"any_rank_9_in_buffer",
            "any",
            {turned(s16, {2, 3, 2, 3, 2, 3, 2, 3, 2})},
            {u8, {2, 2, 2, 2, 2}},
            over({1, 3, 5, 7})},
           {"argmax_f32", "argmax", {tensor(f32, {30, 40})}, {s64, {40}}, along(0, ir::TieBreak::kLow)},
           {"argmin_u8_high", "argmin", {tensor(u8, {30})}, {s32, {}}, along({}, ir::TieBreak::kHigh)},
       })
    check_golden(kernel, {"ELEMENT fetch(OFFSETS at) {", kPut});
}

TEST_CASE("emitter: golden products") {
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"dot_f32_vectors", "dot", {tensor(f32, {50}), tensor(f32, {50})}, {f32, {}}, contracted({0}, {0})},
           {"dot_s32_thin", "dot", {tensor(s8, {3, 50}), tensor(s32, {50, 7})}, {s32, {3, 7}}, contracted({1}, {0})},
           {"dot_f32_deep",
            "dot",
            {tensor(f32, {64, 40}), tensor(f32, {32, 40})},
            {f32, {64, 32}},
            contracted({1}, {1})},
           {"dot_bf16_wide",
            "dot",
            {tensor(bf16, {40, 64}), tensor(bf16, {40, 32})},
            {bf16, {64, 32}},
            contracted({0}, {0})},
           {"dot_f64_parts",
            "dot",
            {tensor(f64, {32, 4'096}), tensor(f64, {4'096, 32})},
            {f64, {32, 32}},
            contracted({1}, {0}),
            2},
           {"dot_f32_batches",
            "dot",
            {tensor(f32, {5, 20, 3, 4}), tensor(f32, {5, 3, 20, 4})},
            {f32, {5, 20, 20}},
            contracted({2, 3}, {1, 3}, {0})},
       })
    check_golden(kernel, {"ELEMENT fetch(OFFSETS at) {", kPut, "uvec2 batch_offsets(uint index) {"});
}

TEST_CASE("emitter: golden orders") {
  const ir::Attributes ascending = ir::OrderAttributes{.axis = 1, .direction = ir::Direction::kAscending};
  const ir::Attributes descending = ir::OrderAttributes{.axis = 0, .direction = ir::Direction::kDescending};
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"top_k_bf16_block", "top_k", {tensor(bf16, {4, 50})}, {bf16, {4, 5}}, best(5), 1, {{s64, {4, 5}}}},
           {"top_k_f64_selected", "top_k", {tensor(f64, {5'000})}, {f64, {9}}, best(9), 2, {{s32, {9}}}},
           {"sort_f32_block", "sort", {tensor(f32, {4, 50})}, {f32, {4, 50}}, ascending},
           {"sort_u8_digits", "sort", {tensor(u8, {2, 20'000})}, {u8, {2, 20'000}}, ascending, 3},
           {"argsort_s16_digits", "argsort", {tensor(s16, {20'000})}, {s64, {20'000}}, descending, 6},
       })
    check_golden(kernel, {"WORD word_at(uint row, uint position) {", "KEY bits_at(uint row, uint place) {",
                          "Acc acc_identity() {"});
}

TEST_CASE("emitter: golden functions") {
  const auto step = [](std::string_view op, Dtype type, const SmallList<ir::FunctionStep::Operand, 2>& operands) {
    return ir::FunctionStep{ir::find_op(op), type, operands};
  };
  const ir::Function function = {{step("greater", u8, {int64_t{0}, Scalar{s32, int64_t{1}}}),
                                  step("multiply", f16, {int64_t{1}, Scalar{f32, 0.5}}),
                                  step("select", f16, {int64_t{-1}, int64_t{-2}, int64_t{0}})}};
  const PlannedKernel folds[] = {
      {"reduce_f16_function",
       "reduce",
       {turned(bf16, {9, 7, 3}), Scalar{f32, 0.0}},
       {f16, {7}},
       ir::FoldAttributes{ir::Axes{0, 2}, false, function},
       2},
  };
  for (const PlannedKernel& kernel : folds) check_golden(kernel, {"uint kept_offset(uint index) {"});
}

}  // namespace gpu_node::test
