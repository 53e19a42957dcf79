// What is refused of modules that callers have made, and what is found in those that are taken. No device.
#include "vulkan/spirv_interface.h"

#include <doctest/doctest.h>

#include <string>

#include "unit/spirv_edit.h"
#include "vulkan/glsl_compiler.h"

namespace gpu_node::test {
namespace {

using vulkan::inspect_spirv;
using vulkan::ShaderInterface;
using vulkan::ShaderRules;
using vulkan::validate_spirv;
namespace spirv = vulkan::spirv;

const std::string kHead = "#version 450\nlayout(local_size_x = 64) in;\n";
const std::string kBuffers =
    "layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };\n"
    "layout(std430, set = 0, binding = 1) buffer Out { float b[]; };\n";

ShaderRules rules() {
  ShaderRules rules;
  rules.capabilities = {0, 1, 10};
  rules.max_buffers = 8;
  rules.max_push_bytes = 128;
  for (uint32_t& size : rules.max_local_size) size = 128;
  rules.max_invocations = 128;
  rules.shared_memory_bytes = 1024;
  return rules;
}

Words compiled(const std::string& glsl) {
  auto words = vulkan::compile_glsl(glsl);
  if (!words.ok()) FAIL(words.error().message);
  return std::move(words).value();
}

// The module is good SPIR-V, and refused with |code| and a message that holds |part|.
void refused(const Words& words, ErrorCode code, const std::string& part, const ShaderRules& by = rules()) {
  const auto valid = validate_spirv(words, true);
  CHECK_MESSAGE(valid.ok(), valid.error().message);
  const auto found = inspect_spirv(words, by);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code == code);
  CHECK_MESSAGE(found.error().message.find(part) != std::string::npos, found.error().message);
}

ShaderInterface taken(const Words& words) {
  const auto valid = validate_spirv(words, true);
  CHECK_MESSAGE(valid.ok(), valid.error().message);
  const auto found = inspect_spirv(words, rules());
  if (!found.ok()) FAIL(found.error().message);
  return *found;
}

TEST_CASE("spirv interface: bindings, what may be written, the push constant range") {
  const std::string body = "void main() { b[0] = a[0] + float(e); }\n";
  const Words words = compiled(
      kHead + kBuffers + "layout(push_constant) uniform P { uint k; uint n; uint d; uint pad; double e; };\n" + body);
  ShaderInterface found = taken(words);
  CHECK(found.buffers == 2);
  CHECK(found.written == 2);
  CHECK(found.push_bytes == 24);
  found = taken(as_vulkan_1_0(words));
  CHECK(found.buffers == 2);
  CHECK(found.written == 2);
  CHECK(found.push_bytes == 24);
  found = taken(compiled(kHead + kBuffers + "layout(push_constant) uniform P { uint k[3]; float e; };\n" + body));
  CHECK(found.push_bytes == 16);
  found = taken(compiled(kHead + kBuffers +
                         "layout(push_constant) uniform P { mat2 m; layout(offset = 64) vec2 e2; };\n"
                         "void main() { b[0] = a[0] + e2.y + m[1][1]; }\n"));
  CHECK(found.push_bytes == 72);
  found = taken(compiled("#version 450\nlayout(local_size_x = 1) in;\nvoid main() {}\n"));
  CHECK(found.buffers == 0);
  CHECK(found.push_bytes == 0);
}

TEST_CASE("spirv interface: structs in structs, each twice, are refused before anybody walks through them") {
  constexpr uint32_t kDepth = 200;
  Words words = as_vulkan_1_0(compiled(kHead + kBuffers + "void main() { b[0] = a[0]; }\n"));
  const uint32_t first = words[3];
  words = edited(words, [&](uint32_t op, std::vector<uint32_t> operands) {
    const uint32_t scalar = operands.empty() ? 0 : operands[0];
    Words made = instruction(op, std::move(operands));
    if (op != spirv::kTypeFloat) return made;
    const auto add = [&](const Words& more) { made.insert(made.end(), more.begin(), more.end()); };
    for (uint32_t i = 0; i < kDepth; ++i) {
      const uint32_t inner = i == 0 ? scalar : first + i - 1;
      add(instruction(spirv::kTypeStruct, {first + i, inner, inner}));
    }
    add(instruction(spirv::kTypePointer, {first + kDepth, 4, first + kDepth - 1}));
    add(instruction(spirv::kVariable, {first + kDepth, first + kDepth + 1, 4}));
    return made;
  });
  words[3] = first + kDepth + 2;
  const auto checked = vulkan::check_nesting(words);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().message.find("more than 65536 members") != std::string::npos);
}

TEST_CASE("spirv interface: functions that call functions, each twice") {
  const auto shader = [](int depth) {
    std::string glsl = kHead + kBuffers + "float f0(float x) { return x + 1.0; }\n";
    for (int i = 1; i <= depth; ++i) {
      const std::string inner = "f" + std::to_string(i - 1);
      glsl += "float f" + std::to_string(i) + "(float x) { return " + inner + "(x) * " + inner + "(x + 1.0); }\n";
    }
    return compiled(glsl + "void main() { b[0] = f" + std::to_string(depth) + "(a[0]); }\n");
  };
  CHECK(taken(shader(10)).buffers == 2);
  refused(shader(40), ErrorCode::kCompileFailed, "more than 65536 calls");
}

TEST_CASE("spirv interface: a gap in the bindings is the caller's; one past the device's is refused") {
  const std::string far = "layout(std430, set = 0, binding = 5) buffer Out { float b; };\nvoid main() { b = 1.0; }\n";
  CHECK(taken(compiled(kHead + far)).buffers == 6);
  ShaderRules few = rules();
  few.max_buffers = 5;
  refused(compiled(kHead + far), ErrorCode::kUnsupported, "binding 5, the device binds 0 to 4", few);
}

TEST_CASE("spirv interface: only storage buffers, push constants and shared memory") {
  using enum ErrorCode;
  refused(
      compiled(kHead + "layout(set = 0, binding = 0) uniform U { float u; };\nlayout(set = 0, binding = 1) buffer B "
                       "{ float b; };\nvoid main() { b = u; }\n"),
      kCompileFailed, "a uniform buffer");
  refused(compiled(kHead + "layout(set = 0, binding = 0) uniform sampler2D s;\nlayout(set = 0, binding = 1) buffer B { "
                           "float b; };\nvoid main() { b = textureLod(s, vec2(0), 0.0).x; }\n"),
          kCompileFailed, "storage class 0");
  refused(compiled(kHead + "layout(set = 1, binding = 0) buffer B { float b; };\nvoid main() { b = 1.0; }\n"),
          kUnsupported, "descriptor set 1");
  refused(compiled(kHead + "layout(set = 0, binding = 0) buffer B { float b; } s[2];\nvoid main() { s[1].b = 1.0; }\n"),
          kCompileFailed, "an array of buffers");
}

TEST_CASE("spirv interface: limits, with their values") {
  using enum ErrorCode;
  const std::string body = kBuffers + "void main() { b[0] = a[0]; }\n";
  refused(compiled("#version 450\nlayout(local_size_x = 64, local_size_y = 4) in;\n" + body), kUnsupported,
          "256 invocations, the device has at most 128");
  refused(compiled("#version 450\nlayout(local_size_x = 129) in;\n" + body), kUnsupported, "1 to 128");
  refused(compiled("#version 450\nlayout(local_size_x = 999, local_size_x_id = 7) in;\n" + body), kUnsupported,
          "1 to 128");
  refused(compiled(kHead + kBuffers +
                   "shared double s[129];\nvoid main() { s[gl_LocalInvocationIndex] = 1.0; "
                   "barrier(); b[0] = float(s[3]); }\n"),
          kUnsupported, "1032 bytes of shared memory, the device has 1024");
  refused(
      compiled(kHead + kBuffers + "layout(push_constant) uniform P { vec4 p[9]; };\nvoid main() { b[0] = p[8].w; }\n"),
      kUnsupported, "144 bytes of push constants, the device has at most 128");
}

TEST_CASE("spirv interface: capabilities, extensions, modes that were not enabled") {
  using enum ErrorCode;
  refused(
      compiled(kHead + "#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require\nlayout(set = 0, binding "
                       "= 0) buffer B { int64_t b; };\nvoid main() { b = 1L; }\n"),
      kUnsupported, "capability 11");
  refused(compiled(kHead + "#extension GL_KHR_shader_subgroup_arithmetic : require\n" + kBuffers +
                   "void main() { b[0] = subgroupAdd(a[gl_LocalInvocationIndex]); }\n"),
          kUnsupported, "capability 6");
  const Words words = compiled(kHead + kBuffers + "void main() { b[0] = a[0]; }\n");
  const auto with_modes = vulkan::add_float_modes(words, {{true, true, true}, {true, true, true}});
  REQUIRE(with_modes.ok());
  refused(*with_modes, kUnsupported, "capability 446");
  ShaderRules modes = rules();
  modes.capabilities.insert(modes.capabilities.end(), {4466, 4467});
  refused(*with_modes, kUnsupported, "execution mode 446", modes);
  for (bool& has : modes.float_modes.preserve) has = true;
  for (bool& has : modes.float_modes.round_to_even) has = true;
  CHECK(inspect_spirv(*with_modes, modes).ok());
  const Words debug = edited(words, [](uint32_t op, std::vector<uint32_t> operands) {
    Words made = instruction(op, std::move(operands));
    // OpExtension "SPV_KHR_multiview" behind the capability: good SPIR-V, and nothing that was enabled.
    if (op == spirv::kCapability)
      for (const uint32_t word : {6u << 16 | 10u, 0x5f565053u, 0x5f52484bu, 0x746c756du, 0x65697669u, 0x00000077u})
        made.push_back(word);
    return made;
  });
  refused(debug, kUnsupported, "SPV_KHR_multiview");
}

TEST_CASE("spirv interface: one compute entry point called main") {
  const Words words = compiled(kHead + kBuffers + "void main() { b[0] = a[0]; }\n");
  refused(edited(words,
                 [](uint32_t op, std::vector<uint32_t> operands) {
                   if (op == spirv::kEntryPoint) operands[2] = 0x6e69616e;  // "nain"
                   return instruction(op, std::move(operands));
                 }),
          ErrorCode::kCompileFailed, "not called main");
}

TEST_CASE("spirv interface: what does not validate never gets here") {
  const Words words = compiled(kHead + kBuffers + "void main() { b[0] = a[0]; }\n");
  for (size_t length = 0; length < words.size(); length += 3)
    CHECK_FALSE(validate_spirv(std::span(words).first(length), true).ok());
  Words garbage(64, 0x12345678);
  CHECK_FALSE(validate_spirv(garbage, true).ok());
  garbage[0] = 0x07230203;
  CHECK_FALSE(validate_spirv(garbage, true).ok());
  // And if it did, nothing would be read past the end.
  for (size_t length = 0; length < words.size(); ++length) (void)inspect_spirv(std::span(words).first(length), rules());
}

}  // namespace
}  // namespace gpu_node::test
