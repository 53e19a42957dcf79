// How long a module is with its calls replaced by what they call.
#include "vulkan/spirv_size.h"

#include <doctest/doctest.h>

#include <string>

#include "vulkan/glsl_compiler.h"

namespace gpu_node::vulkan {
namespace {

uint64_t size_of(const std::string& body) {
  const std::string text =
      "#version 450\nlayout(local_size_x = 1) in;\nlayout(binding = 0) buffer B { float b[]; };\n" +
      std::string("float f(float x) { return x * x + sin(x); }\n") +
      "float g(float x) { return f(x) + f(x + 1.0); }\n" + body;
  const auto words = compile_glsl(text);
  if (!words.ok()) FAIL(words.error().message);
  return inlined_instructions(*words);
}

std::string calls_of(const std::string& name, int count) {
  std::string body = "void main() {\n";
  for (int i = 0; i < count; ++i) body += "  b[0] = " + name + "(b[0]);\n";
  return body + "}\n";
}

TEST_CASE("spirv size: every call counts as what it calls") {
  const uint64_t empty = size_of("void main() {}\n");
  const uint64_t f = size_of(calls_of("f", 1)) - empty, g = size_of(calls_of("g", 1)) - empty;
  CHECK(empty > 0);
  CHECK(empty < 10);
  CHECK(g > f + 5);
  CHECK(g < f + 50);
  CHECK(size_of(calls_of("f", 50)) == empty + 50 * f);
  CHECK(size_of(calls_of("g", 50)) == empty + 50 * g);
  CHECK(f > 2 * kInstructionsOfAccess);  // b[0] is read and written
}

TEST_CASE("spirv size: an access to a buffer counts for many instructions, one to a variable for one") {
  const auto repeated = [](const std::string& line, int count) {
    std::string body = "void main() {\n  float v[4] = float[](1.0, 2.0, 3.0, 4.0);\n  float x = 0.0;\n";
    for (int i = 0; i < count; ++i) body += line;
    return size_of(body + "  b[0] = x;\n}\n");
  };
  const uint64_t own = repeated("  x += v[1];\n", 20) - repeated("  x += v[1];\n", 10);
  const uint64_t buffer = repeated("  x += b[1];\n", 20) - repeated("  x += b[1];\n", 10);
  CHECK(own < 100);
  CHECK(buffer >= 10 * kInstructionsOfAccess);
  CHECK(buffer < 10 * kInstructionsOfAccess + 100);
}

TEST_CASE("spirv size: doubling functions are long at once, and counted in no time") {
  std::string body = "float h0(float x) { return x + 1.0; }\n";
  for (int i = 1; i <= 100; ++i) {
    const std::string before = "h" + std::to_string(i - 1);
    body += "float h" + std::to_string(i) + "(float x) { return " + before + "(x) + " + before + "(x); }\n";
  }
  CHECK(size_of(body + calls_of("h10", 1)) > 10'000 - 2 * kInstructionsOfAccess);
  CHECK(size_of(body + calls_of("h100", 1)) == UINT64_MAX);
}

}  // namespace
}  // namespace gpu_node::vulkan
