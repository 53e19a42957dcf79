// Blocks and their texts: what is in one, and that its text is its key.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "block_text.h"

namespace gpu_node::scalar {
namespace {

using enum Dtype;

const ir::Op& op(std::string_view name) {
  const ir::Op* found = ir::find_op(name);
  REQUIRE(found != nullptr);
  return *found;
}

// Types, constants and operands at random; not what a validated program would compute.
Block random_block(std::mt19937& random, size_t values) {
  std::vector<const ir::Op*> rows;
  for (const ir::Op& row : ir::ops())
    if (ir::is_elementwise(row.family)) rows.push_back(&row);
  const auto type = [&] { return static_cast<Dtype>(random() % static_cast<unsigned>(kDtypeCount)); };
  Block block(random() % 2 == 0 ? Block::Rounding::kEachStep : Block::Rounding::kNone);
  block.input(type());
  for (ValueNumber number = 1; number < values; ++number) {
    if (random() % 4 == 0) {
      block.input(type());
    } else if (random() % 4 == 0) {
      block.constant({type(), static_cast<int64_t>(random()) - (int64_t{1} << 31)});
    } else {
      const ir::Op& row = *rows[random() % rows.size()];
      std::vector<ValueNumber> operands;
      for (size_t i = 0; i < row.operands(); ++i) operands.push_back(static_cast<ValueNumber>(random() % number));
      block.step(row, type(), operands);
    }
  }
  for (size_t results = random() % 4; results > 0; --results) block.result(static_cast<ValueNumber>(random() % values));
  return block;
}

}  // namespace

TEST_CASE("scalar block: values are numbered as they come") {
  Block block;
  const ValueNumber x = block.input(s64);
  const ValueNumber two = block.constant({f32, 2.0});
  const ValueNumber y = block.input(bf16);
  const ValueNumber product = block.step(op("multiply"), f32, {x, two});
  const ValueNumber sum = block.step(op("add"), f32, {product, y});
  block.result(sum);
  block.result(product);
  CHECK(block.inputs() == 2);
  CHECK(block.values().size() == 5);
  CHECK(block[two].kind == ValueKind::kConstant);
  CHECK(block[y].kind == ValueKind::kInput);
  CHECK(block[sum].op == &op("add"));
  CHECK(block[sum].operands == SmallList<ValueNumber, 3>{product, y});
  CHECK(block.result_type(1) == f32);
  CHECK(block.text() == "s64 f32=40000000 bf16 multiply,0,1:f32@f64 add,3,2:f32 >4,3");
  std::string marked = "e ";
  block.append_text(marked, "sf");
  CHECK(marked == "e s64.s f32=40000000 bf16.f multiply,0,1:f32@f64 add,3,2:f32 >4,3");
}

TEST_CASE("scalar block: the last value alone is the result that need not be said") {
  Block block;
  block.input(u8);
  CHECK(block.text() == "u8 >");
  block.result(0);
  CHECK(block.text() == "u8");
  block.result(0);
  CHECK(block.text() == "u8 >0,0");
  Block density(Block::Rounding::kNone);
  density.step(op("exp"), f64, {density.input(f64)});
  density.result(1);
  CHECK(density.text() == "~ f64 exp,0:f64");
}

TEST_CASE("scalar block: constants are kept to the last bit") {
  const auto text = [](const Scalar& number) {
    Block block;
    block.constant(number);
    block.result(0);
    return block.text();
  };
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(text({f64, -0.0}) == "f64=8000000000000000");
  CHECK(text({f64, 0.1}) == "f64=3fb999999999999a");
  CHECK(text({f32, 0.1}) == "f32=3dcccccd");
  CHECK(text({bf16, 0.1}) == "bf16=3dcd0000");
  CHECK(text({f8_e4m3fn, 1000.0}) == "f8_e4m3fn=43e00000");
  CHECK(text({f16, -infinity}) == "f16=ff800000");
  CHECK(text({f32, std::nan("")}) == "f32=7fc00000");
  CHECK(text({s8, int64_t{-1}}) == "s8=ffffffffffffffff");
  CHECK(text({u8, int64_t{-1}}) == "u8=ff");
  CHECK(text({u64, ~uint64_t{0}}) == "u64=ffffffffffffffff");
  CHECK(text({s64, std::numeric_limits<int64_t>::min()}) == "s64=8000000000000000");
  CHECK(text({c64, std::complex<double>(1.0, -2.0)}) == "c64=c00000003f800000");
  CHECK(text({c128, std::complex<double>(1.0, -2.0)}) == "c128=3ff0000000000000_c000000000000000");
  for (const Scalar& number :
       {Scalar{c64, std::complex<double>(0.5, -0.0)}, Scalar{c128, std::complex<double>(-0.1, infinity)},
        Scalar{f64, 0.1}, Scalar{f32, 0.5}, Scalar{bf16, -3.0}, Scalar{s2, int64_t{-2}}, Scalar{u64, ~uint64_t{0}}}) {
    const Scalar back = number_of(number.dtype, compute_bits(number));
    CHECK(back.dtype == number.dtype);
    CHECK(back.value == number.value);
  }
}

TEST_CASE("scalar block: equal texts are equal blocks, of any length") {
  std::mt19937 random(11);
  std::set<std::string> texts;
  std::vector<Block> blocks;
  for (int i = 0; i < 3'000; ++i) {
    const Block block = random_block(random, i % 100 == 0 ? 300 : 1 + random() % 12);
    const std::string text = block.text();
    INFO(text);
    const auto back = test::read_block(text);
    REQUIRE(back.has_value());
    CHECK(*back == block);
    CHECK(back->text() == text);
    CHECK(back->inputs() == block.inputs());
    // Reading is a function of the text, so blocks that differ have texts that differ.
    if (!texts.insert(text).second) continue;
    blocks.push_back(block);
  }
  CHECK(blocks.size() > 2'000);
  for (size_t i = 0; i + 1 < 400; ++i)
    for (size_t k = i + 1; k < 400; ++k) REQUIRE_FALSE(blocks[i] == blocks[k]);
}

TEST_CASE("scalar block: any one change changes the text") {
  const auto made = [](auto change) {
    struct Parts {
      Dtype input = f32, type = f32;
      double number = 1;
      std::string_view name = "add";
      ValueNumber left = 0, right = 1, result = 2;
      Block::Rounding rounding = Block::Rounding::kEachStep;
      bool more = false;
    } parts;
    change(parts);
    Block block(parts.rounding);
    block.input(parts.input);
    block.constant({f32, parts.number});
    block.step(op(parts.name), parts.type, {parts.left, parts.right});
    if (parts.more) block.input(f32);
    block.result(parts.result);
    return block.text();
  };
  const std::set<std::string> texts = {
      made([](auto&) {}),
      made([](auto& parts) { parts.input = f16; }),
      made([](auto& parts) { parts.type = f64; }),
      made([](auto& parts) { parts.number = -1; }),
      made([](auto& parts) { parts.name = "subtract"; }),
      made([](auto& parts) { parts.left = 1; }),
      made([](auto& parts) { parts.right = 0; }),
      made([](auto& parts) { parts.result = 1; }),
      made([](auto& parts) { parts.rounding = Block::Rounding::kNone; }),
      made([](auto& parts) { parts.more = true; }),
  };
  CHECK(texts.size() == 10);
}

TEST_CASE("scalar block: texts of no block are not read") {
  for (const char* text : {"", "f33", "f32=", "f32=xyz", "add,0,1:f32", "f32 add,0:", "f32 ad,0:f32", "f32 >1",
                           "f32 >a", "f32 add,0,9:f32"})
    CHECK_FALSE(test::read_block(text).has_value());
}

}  // namespace gpu_node::scalar
