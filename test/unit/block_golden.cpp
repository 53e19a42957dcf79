// The text of blocks of several steps, reviewed in test/golden (golden.h): kernels of them, flat, strided and by
// vectors, with one result and with several.
#include <doctest/doctest.h>

#include "base/concat.h"
#include "block_text.h"
#include "golden.h"
#include "kernels/elementwise/emit.h"

namespace gpu_node::kernels {
namespace {

using enum InputMode;

void check(const std::string& file, std::string_view text, const Layout& layout) {
  INFO(file);
  const auto block = test::read_block(text);
  REQUIRE(block.has_value());
  const auto source = emit_elementwise(*block, layout, test::full_device());
  REQUIRE(source.ok());
  test::check_golden(
      file, concat("// ", elementwise_key(*block, layout), "\n", test::without_libraries(source->glsl, {" element("})));
}

}  // namespace

TEST_CASE("emitter: golden blocks of several steps") {
  // Every step of bf16 is rounded but the last, which the store rounds; a cast and a choice need no rounding.
  check("block_bf16_rounded", "bf16 bf16 f32=3f000000 add,0,1:bf16 multiply,3,2:bf16 max,4,0:bf16",
        {.inputs = {kFlat, kLiteral}});
  check("block_casts", "f64 as_type,0:f32 as_type,1:f64 s8=ffffffffffffffff less,2,3:u8 select,4,2,0:f64",
        {.inputs = {kFlat}});
  check("block_results_strided", "u8 s64 s64=8000000000000000 add,0,1:s64 subtract,3,2:s64 equal,3,1:u8 >4,5,3",
        {.inputs = {kStrided, kStrided}, .rank = 2, .out_strided = true});
  check("block_results_vectors", "f16 f32 exp,0:f16 multiply,2,1:f32 less,3,1:u8 >2,3,4",
        {.inputs = {kFlat, kSingle}, .vectors = true});
  check("block_vector_turns", "bf16 f32 multiply,0,1:f32 >2", {.inputs = {kFlat, kFlat}, .vectors = true, .turns = 2});
  check("block_results_in_buffer", "s32 s32 add,0,1:s32 subtract,0,1:s32 >2,3",
        {.inputs = {kStrided, kSingle}, .in_buffer = true, .out_strided = true});
  // What the single element and the number come to is computed before the turns.
  check("block_turns", "u32 u32 u32 u32=0000000d bitwise_xor,1,2:u32 left_shift,0,3:u32 add,5,4:u32 >6,5",
        {.inputs = {kStrided, kSingle, kLiteral}, .rank = 2, .turns = 4});
}

}  // namespace gpu_node::kernels
