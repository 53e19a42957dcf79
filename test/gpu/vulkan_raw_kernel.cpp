// Kernels from modules that callers have made: taken as they are, or refused before the driver sees them.
#include <doctest/doctest.h>

#include <random>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "unit/spirv_edit.h"
#include "vulkan/glsl_compiler.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRange;
using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Device;
using vulkan::Kernel;
using vulkan::KernelSource;

Words compiled(const std::string& glsl) {
  auto words = vulkan::compile_glsl(glsl);
  if (!words.ok()) FAIL(words.error().message);
  return std::move(words).value();
}

Result<std::shared_ptr<const Kernel>> load(Device& gpu, const std::string& key, const Words& words) {
  const auto pending =
      gpu.kernels().request(key, [words]() -> Result<KernelSource> { return KernelSource{.spirv = words}; },
                            {0, vulkan::KernelAuthor::kClient});
  REQUIRE(pending.wait_for(std::chrono::minutes(1)));
  return pending.get();
}

void runs(Device& gpu, const Kernel& kernel) {
  CHECK(kernel.buffers() == 3);
  CHECK(kernel.push_bytes() == 4);
  CHECK_FALSE(kernel.may_write(0));
  CHECK(kernel.may_write(2));
  const BufferRef a = upload(gpu, std::vector<float>(64, 1.5f));
  const BufferRef out = *gpu.pool().allocate(256, BufferUse::kDevice);
  const BufferRange ranges[] = {{&a, 0, 256}, {&a, 0, 256}, {&out, 0, 256, true}};
  const uint32_t count = 64;
  REQUIRE(gpu.recorder().dispatch(kernel, ranges, std::as_bytes(std::span(&count, 1)), {}).ok());
  CHECK(download_as<float>(gpu, out, 64) == std::vector<float>(64, 3.0f));
}

TEST_CASE("vulkan raw kernels: a module of any version that validates becomes a kernel") {
  Device& gpu = device();
  const Words words = compiled(kAddGlsl);
  const auto kernel = load(gpu, "raw/add", words);
  if (!kernel.ok()) FAIL(kernel.error().message);
  runs(gpu, **kernel);
  const auto old = load(gpu, "raw/add10", as_vulkan_1_0(words));
  if (!old.ok()) FAIL(old.error().message);
  runs(gpu, **old);
  CHECK(gpu.kernels().find("raw/add") == kernel->get());
}

TEST_CASE("vulkan raw kernels: a refused module names why, and may be sent again corrected") {
  Device& gpu = device();
  const Words words = compiled(kAddGlsl);
  const auto refused = load(gpu, "raw/again", Words(words.begin(), words.end() - 4));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kCompileFailed);
  CHECK_MESSAGE(refused.error().message.find("does not validate") != std::string::npos, refused.error().message);
  CHECK(load(gpu, "raw/again", words).ok());
  const auto garbage = load(gpu, "raw/garbage", Words(100, 0xdeadbeef));
  CHECK(garbage.error().code == ErrorCode::kCompileFailed);
  const auto large = load(gpu, "raw/large", Words((4u << 20) / 4 + 1, 0x07230203));
  CHECK_MESSAGE(large.error().message.find("at most 4194304") != std::string::npos, large.error().message);
  const std::string uniform =
      "#version 450\nlayout(local_size_x = 1) in;\nlayout(set = 0, binding = 0) uniform U { float u; };\n"
      "layout(set = 0, binding = 1) buffer B { float b; };\nvoid main() { b = u; }\n";
  CHECK(load(gpu, "raw/uniform", compiled(uniform)).error().code == ErrorCode::kCompileFailed);
}

TEST_CASE("vulkan raw kernels: compile() gives the module that a kernel has, once compiled") {
  Device& gpu = device();
  const std::string glsl = std::string(kAddGlsl) + "// for a client\n";
  const auto made = gpu.kernels().compile(glsl, 0).get();
  if (!made.ok()) FAIL(made.error().message);
  const auto kernel = load(gpu, "raw/compiled", *made);
  if (!kernel.ok()) FAIL(kernel.error().message);
  runs(gpu, **kernel);
  CHECK_FALSE(gpu.kernels().toolchain().empty());
  const auto broken = gpu.kernels().compile("#version 450\nvoid main() {\n  x = 1;\n}\n", 0).get();
  REQUIRE_FALSE(broken.ok());
  CHECK_MESSAGE(broken.error().message.find("line 3:   x = 1;") != std::string::npos, broken.error().message);
}

// One module changed a little: words replaced, instructions dropped, doubled or swapped, numbers moved by one.
Words mutated(const Words& words, std::mt19937& random) {
  Words result = words;
  const auto at = [&](size_t from) { return from + random() % (result.size() - from); };
  for (uint32_t edits = 1 + random() % 3; edits > 0 && result.size() > 5; --edits) {
    switch (random() % 5) {
      case 0:
        result[at(5)] ^= 1u << (random() % 32);
        break;
      case 1:
        result[at(5)] = result[at(5)];
        break;
      case 2:
        result[at(1)] += random() % 2 == 0 ? 1 : UINT32_MAX;
        break;
      case 3:
        result.resize(at(5));
        break;
      default: {
        const uint32_t victim = random() % 200;
        const bool doubled = random() % 2 == 0;
        uint32_t number = 0;
        result = edited(result, [&](uint32_t op, std::vector<uint32_t> operands) -> Words {
          Words made = instruction(op, std::move(operands));
          if (number++ == victim) {
            if (!doubled) return {};
            const Words copy = made;
            made.insert(made.end(), copy.begin(), copy.end());
          }
          return made;
        });
      }
    }
  }
  return result;
}

TEST_CASE("vulkan raw kernels: thousands of damaged modules end nothing") {
  Device& gpu = device();
  const std::string shared =
      "#version 450\nlayout(local_size_x = 32) in;\nlayout(std430, set = 0, binding = 0) readonly buffer A { double "
      "a[]; "
      "};\nlayout(std430, set = 0, binding = 1) writeonly buffer B { double b[]; };\nlayout(push_constant) uniform P { "
      "uint n; uint pad; double e; };\nshared double s[32];\nvoid main() {\n  uint t = gl_LocalInvocationIndex;\n  "
      "s[t] = "
      "t < n ? a[t] * e : double(0);\n  barrier();\n  for (uint h = 16u; h > 0u; h >>= 1) {\n    if (t < h) s[t] += "
      "s[t + "
      "h];\n    barrier();\n  }\n  if (t == 0u) b[gl_WorkGroupID.x] = s[0];\n}\n";
  const Words modules[] = {compiled(kAddGlsl), as_vulkan_1_0(compiled(kAddGlsl)), compiled(shared)};
  std::mt19937 random(20240607);
  int accepted = 0;
  constexpr int kCount = 2000;
  for (int i = 0; i < kCount; ++i) {
    const Words words = mutated(modules[random() % 3], random);
    if (words.empty()) continue;
    const auto kernel = load(gpu, "raw/mutant/" + std::to_string(i), words);
    if (kernel.ok()) ++accepted;
  }
  MESSAGE(accepted << " of " << kCount << " damaged modules are good ones, and became kernels");
  CHECK(accepted > 0);
  CHECK(accepted < kCount / 2);
  runs(gpu, **load(gpu, "raw/after", modules[0]));
}

}  // namespace
}  // namespace gpu_node::test
