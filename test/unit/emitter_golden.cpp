// The text of elementwise kernels, reviewed in test/golden (golden.h), and which work shares a kernel.
#include <doctest/doctest.h>

#include "golden.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {
namespace {

using enum Dtype;
using test::full_device;
using test::tensor;
using test::turned;

}  // namespace

TEST_CASE("emitter: golden kernels") {
  const ir::Attributes seven = ir::ConstantAttributes{{s64, int64_t{7}}};
  for (const test::PlannedKernel& kernel : std::vector<test::PlannedKernel>{
           {"add_f32_flat", "add", {tensor(f32, {100}), tensor(f32, {100})}, {f32, {100}}},
           {"add_f32_literal", "add", {tensor(f32, {100}), Scalar{f32, 2.5}}, {f32, {100}}},
           {"add_s32_single", "add", {tensor(s32, {100}), tensor(s32, {})}, {s32, {100}}},
           {"add_f32_broadcast", "add", {tensor(f32, {20, 1}), tensor(f32, {30})}, {f32, {20, 30}}},
           {"multiply_bf16_rank_3", "multiply", {turned(bf16, {3, 4, 5}), tensor(bf16, {5, 4, 3})}, {bf16, {5, 4, 3}}},
           {"subtract_u8_rank_6",
            "subtract",
            {turned(u8, {2, 3, 2, 3, 2, 3}), tensor(u8, {3, 2, 3, 2, 3, 2})},
            {u8, {3, 2, 3, 2, 3, 2}}},
           {"divide_s64_u8", "divide", {tensor(s64, {9}), tensor(u8, {9})}, {f32, {9}}},
           {"remainder_u64_s64", "remainder", {tensor(u64, {9}), tensor(s64, {9})}, {s64, {9}}},
           {"add_f16_number", "add", {tensor(f16, {9}), Scalar{s32, int64_t{70'001}}}, {f16, {9}}},
           {"less_s64_f32", "less", {tensor(s64, {9}), tensor(f32, {9})}, {u8, {9}}},
           {"left_shift_s4", "left_shift", {tensor(s4, {9}), tensor(s4, {9})}, {s4, {9}}},
           {"select_f16", "select", {tensor(u8, {9}), tensor(f16, {9}), Scalar{f16, 0.0}}, {f16, {9}}},
           {"as_type_f64_f8_e4m3fn", "as_type", {tensor(f64, {9})}, {f8_e4m3fn, {9}}},
           {"is_nan_f64", "is_nan", {tensor(f64, {9})}, {u8, {9}}},
           {"add_bf16_vectors", "add", {tensor(bf16, {40'000}), tensor(bf16, {40'000})}, {bf16, {40'000}}},
           {"select_s64_vectors",
            "select",
            {tensor(u8, {40'000}), tensor(s64, {40'000}), Scalar{s64, int64_t{0}}},
            {s64, {40'000}}},
           {"iota_f16", "iota", {}, {f16, {3, 5}}},
           {"eye_s8", "eye", {}, {s8, {3, 5}}},
           {"constant_u64", "constant", {}, {u64, {4}}, seven},
       })
    check_golden(kernel, {" element("});
}

TEST_CASE("emitter: a device's missing features are named") {
  const auto message = [](void (*lack)(vulkan::DeviceInfo&), const char* op, Dtype type) {
    vulkan::DeviceInfo device = full_device();
    lack(device);
    ir::Instruction instruction;
    instruction.op = ir::find_op(op);
    instruction.results.push_back({1, {type, {4}}});
    const std::vector<Arg> operands = {tensor(type, {4})};
    const auto made = plan(instruction, operands, device);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == ErrorCode::kUnsupported);
    return made.error().message;
  };
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_8bit_storage = false; }, "abs", s8) ==
        "abs: type s8 needs 8-bit storage (storageBuffer8BitAccess), which the device lacks (device test)");
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_f16_storage = false; }, "abs", bf16) ==
        "abs: type bf16 needs 16-bit storage (storageBuffer16BitAccess), which the device lacks (device test)");
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_f64 = false; }, "abs", f64) ==
        "abs: type f64 needs 64-bit floats (shaderFloat64), which the device lacks (device test)");
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_i64 = false; }, "abs", u64) ==
        "abs: type u64 needs 64-bit integers (shaderInt64), which the device lacks (device test)");
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_f64 = false; }, "exp", f32) ==
        "exp: needs 64-bit floats (shaderFloat64) for its precision, which the device lacks (device test)");
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_f64 = false; }, "sqrt", c64) ==
        "sqrt: needs 64-bit floats (shaderFloat64) for its precision, which the device lacks (device test)");
  CHECK(message([](vulkan::DeviceInfo& d) { d.has_f64 = false; }, "negate", c128) ==
        "negate: type c128 needs 64-bit floats (shaderFloat64), which the device lacks (device test)");
}

TEST_CASE("emitter: what an op would compute in and the device lacks is named" * doctest::test_suite("truth")) {
  vulkan::DeviceInfo device = full_device();
  device.has_f64 = false;
  ir::Instruction instruction;
  instruction.op = ir::find_op("divide");
  instruction.results.push_back({1, {f32, {4}}});
  const std::vector<Arg> operands = {tensor(s32, {4}), tensor(u8, {4})};
  const auto made = plan(instruction, operands, device);
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().code == ErrorCode::kUnsupported);
  CHECK(made.error().message ==
        "divide: of s32, u8 to f32 is computed in 64-bit floats (shaderFloat64), which the device lacks (device test)");
}

TEST_CASE("emitter: one kernel serves all values, sizes and offsets of a layout") {
  const vulkan::DeviceInfo device = full_device();
  const auto key = [&](const Arg& a, const Arg& b, const Shape& shape) {
    ir::Instruction instruction;
    instruction.op = ir::find_op("add");
    instruction.results.push_back({1, {f32, shape}});
    const std::vector<Arg> operands = {a, b};
    return plan(instruction, operands, device).value().dispatches[0].key;
  };
  const std::string flat = key(tensor(f32, {7}), tensor(f32, {7}), {7});
  CHECK(key(tensor(f32, {}), tensor(f32, {}), {}) == flat);
  CHECK(key(tensor(f32, {3, 4, 5}), tensor(f32, {3, 4, 5}), {3, 4, 5}) == flat);
  TensorArg part = tensor(f32, {90});
  part.map = {{7}, {1}, 33};
  CHECK(key(part, tensor(f32, {7}), {7}) == flat);
  const std::string literal = key(tensor(f32, {7}), Scalar{f32, 1.0}, {7});
  CHECK(literal != flat);
  CHECK(key(tensor(f32, {7}), Scalar{f32, 2.0}, {7}) == literal);
  CHECK(key(tensor(f32, {7}), Scalar{s32, int64_t{3}}, {7}) == literal);
  const std::string strided = key(turned(f32, {3, 4}), tensor(f32, {4, 3}), {4, 3});
  CHECK(strided != flat);
  CHECK(key(turned(f32, {30, 40}), tensor(f32, {40, 30}), {40, 30}) == strided);
  CHECK(key(tensor(f32, {4, 1}), tensor(f32, {3}), {4, 3}) == strided);
}

}  // namespace gpu_node::kernels
