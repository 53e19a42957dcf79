// The kernel cache: errors, sharing, float modes. What lies on disk is in vulkan_disk_cache.cpp.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "vulkan/glsl_compiler.h"
#include "vulkan/spirv_module.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRange;
using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Counters;
using vulkan::Device;
using vulkan::KernelCache;
using vulkan::KernelSource;

Result<std::shared_ptr<const vulkan::Kernel>> request(Device& gpu, const std::string& key, const KernelSource& source) {
  const KernelCache::Pending pending = gpu.kernels().request(key, [=]() -> Result<KernelSource> { return source; });
  REQUIRE(pending.wait_for(std::chrono::minutes(1)));
  return pending.get();
}

TEST_CASE("vulkan kernels: a shader that does not compile names its line, and is remembered") {
  Device& gpu = device();
  std::atomic<int> emitted{0};
  const auto emit = [&]() -> Result<KernelSource> {
    ++emitted;
    return KernelSource{"#version 450\nlayout(local_size_x = 1) in;\nvoid main() {\n  float x = nowhere;\n}\n", 0, 0};
  };
  const auto outcome = gpu.kernels().request("test/broken", emit).get();
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::kCompileFailed);
  for (const char* part : {"test/broken", "kernel:4:", "nowhere", "line 4:   float x = nowhere;"}) {
    CAPTURE(part);
    CHECK_MESSAGE(outcome.error().message.find(part) != std::string::npos, outcome.error().message);
  }
  CHECK_FALSE(gpu.kernels().request("test/broken", emit).get().ok());
  CHECK(emitted == 1);
  CHECK(gpu.kernels().find("test/broken") == nullptr);
}

#ifndef NDEBUG
TEST_CASE("vulkan kernels: a debug build emits a found kernel's text again") {
  Device& gpu = device();
  int emitted = 0;
  const auto emit = [&]() -> Result<KernelSource> {
    ++emitted;
    return KernelSource{kAddGlsl, 3, 4};
  };
  CHECK(gpu.kernels().find("test/again", emit) == nullptr);
  CHECK(emitted == 0);
  REQUIRE(gpu.kernels().request("test/again", emit).get().ok());
  CHECK(emitted == 1);
  for (int i = 0; i < 100; ++i) CHECK(gpu.kernels().find("test/again", emit) != nullptr);
  CHECK(emitted > 1);
  CHECK(emitted < 10);
}
#endif

TEST_CASE("vulkan kernels: hostile sources are errors") {
  Device& gpu = device();
  const auto fails = [&](const std::string& key, KernelSource source, ErrorCode code) {
    const auto outcome = request(gpu, key, std::move(source));
    return !outcome.ok() && outcome.error().code == code;
  };
  const std::string head = "#version 450\nlayout(local_size_x = 1) in;\n";
  CHECK(fails("test/empty", {"", 0, 0}, ErrorCode::kCompileFailed));
  CHECK(fails("test/include", {head + "#include \"/etc/passwd\"\nvoid main() {}\n", 0, 0}, ErrorCode::kCompileFailed));
  CHECK(fails("test/recursion", {head + "float f(float x) { return f(x); }\nvoid main() { f(1.0); }\n", 0, 0},
              ErrorCode::kCompileFailed));
  CHECK(fails("test/huge", {head + std::string(2 << 20, ' ') + "void main() {}\n", 0, 0}, ErrorCode::kCompileFailed));
  CHECK(fails("test/nul", {head + std::string("void main() {\0}\n", 16), 0, 0}, ErrorCode::kCompileFailed));
  CHECK(fails("test/buffers", {head + "void main() {}\n", 1000, 0}, ErrorCode::kUnsupported));
  CHECK(fails("test/push", {head + "void main() {}\n", 0, 100'000}, ErrorCode::kUnsupported));
  CHECK(fails("test/odd_push", {head + "void main() {}\n", 0, 6}, ErrorCode::kUnsupported));
  CHECK(fails("test/missing_buffer", {kAddGlsl, 2, 4}, ErrorCode::kCompileFailed));
  CHECK(fails("test/set",
              {head + "layout(set = 1, binding = 0) buffer A { float a; };\nvoid main() { a = 1.0; }\n", 1, 0},
              ErrorCode::kCompileFailed));
  const auto emit_fails = gpu.kernels().request(
      "test/emit", []() -> Result<KernelSource> { return Error{ErrorCode::kUnsupported, "no such thing"}; });
  CHECK(emit_fails.get().error().code == ErrorCode::kUnsupported);
}

TEST_CASE("vulkan kernels: many threads that ask for one key share one compile") {
  Device& gpu = device();
  const Counters before = gpu.counters();
  std::atomic<int> emitted{0};
  std::vector<std::thread> threads;
  std::vector<const vulkan::Kernel*> got(8);
  for (size_t i = 0; i < got.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto outcome = gpu.kernels()
                               .request("test/shared",
                                        [&]() -> Result<KernelSource> {
                                          ++emitted;
                                          return KernelSource{std::string(kAddGlsl) + "// shared\n", 3, 4};
                                        })
                               .get();
      if (outcome.ok()) got[i] = outcome->get();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(emitted == 1);
  CHECK(gpu.counters().pipelines_created == before.pipelines_created + 1);
  for (const vulkan::Kernel* kernel : got) {
    CHECK(kernel != nullptr);
    CHECK(kernel == gpu.kernels().find("test/shared"));
  }
}

TEST_CASE("vulkan kernels: closing the device answers what waits to be compiled") {
  vulkan::DeviceOptions options = device_options();
  options.compile_threads = 1;
  auto opened = Device::create(options);
  REQUIRE(opened.ok());
  std::vector<KernelCache::Pending> waiting;
  for (int i = 0; i < 40; ++i)
    waiting.push_back((*opened)->kernels().request("test/" + std::to_string(i), [i]() -> Result<KernelSource> {
      return KernelSource{std::string(kAddGlsl) + "// " + std::to_string(i) + "\n", 3, 4};
    }));
  opened->reset();
  for (const KernelCache::Pending& pending : waiting) {
    REQUIRE(pending.wait_for(std::chrono::seconds(0)));
    CHECK((pending.get().ok() || pending.get().error().code == ErrorCode::kShuttingDown));
  }
  CHECK_FALSE(waiting.back().get().ok());
}

// How often |words| hold OpExecutionMode |mode| for floats of |width| bits.
int count_mode(std::span<const uint32_t> words, uint32_t mode, uint32_t width) {
  int count = 0;
  for (size_t at = 5; at < words.size(); at += words[at] >> 16)
    count += (words[at] & 0xffff) == 16 && words[at] >> 16 == 4 && words[at + 2] == mode && words[at + 3] == width;
  return count;
}

TEST_CASE("vulkan kernels: every float width that a module uses gets the modes of the device, once") {
  const std::string glsl = R"(#version 450
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer A { float a; double b; };
void main() { a = float(b); }
)";
  constexpr uint32_t kPreserve = 4461;
  constexpr uint32_t kRoundToEven = 4462;
  const auto compiled = vulkan::compile_glsl(glsl);
  if (!compiled.ok()) FAIL(compiled.error().message);
  CHECK(count_mode(*compiled, kPreserve, 32) == 1);  // a shader may ask by itself
  const auto all = vulkan::add_float_modes(*compiled, {{true, true, true}, {true, true, true}});
  REQUIRE(all.ok());
  for (const uint32_t mode : {kPreserve, kRoundToEven}) {
    CHECK(count_mode(*all, mode, 16) == 0);
    CHECK(count_mode(*all, mode, 32) == 1);
    CHECK(count_mode(*all, mode, 64) == 1);
  }
  CHECK(vulkan::validate_spirv(*all, true).ok());
  const auto twice = vulkan::add_float_modes(*all, {{true, true, true}, {true, true, true}});
  REQUIRE(twice.ok());
  CHECK(*twice == *all);
  const auto some = vulkan::add_float_modes(*compiled, {{false, false, true}, {}});
  REQUIRE(some.ok());
  CHECK(count_mode(*some, kPreserve, 64) == 1);
  CHECK(count_mode(*some, kRoundToEven, 32) == 0);
  CHECK(vulkan::validate_spirv(*some, true).ok());
}

TEST_CASE("vulkan kernels: NaN, infinity and minus zero survive arithmetic") {
  Device& gpu = device();
  if (!gpu.info().preserves_nan_f32) return;
  constexpr char kGlsl[] = R"(#version 450
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) writeonly buffer Out { float result[]; };
void main() {
  float x = a[gl_GlobalInvocationID.x];
  uint at = gl_GlobalInvocationID.x * 5;
  result[at] = x + 0.0 * 0.0;
  result[at + 1] = x * 1.0;
  result[at + 2] = x - x;
  result[at + 3] = isnan(x) ? 1.0 : 0.0;
  result[at + 4] = x == x ? 1.0 : 0.0;
}
)";
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> inputs = {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, -0.0f, 1.5f};
  const BufferRef a = upload(gpu, inputs);
  const BufferRef out = *gpu.pool().allocate(100, BufferUse::kDevice);
  const BufferRange ranges[] = {{&a, 0, 20}, {&out, 0, 100, true}};
  REQUIRE(gpu.recorder().dispatch(kernel(gpu, "test/nan", kGlsl, 2, 0), ranges, {}, {{5, 1, 1}}).ok());
  const auto values = download_as<float>(gpu, out, 25);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const float x = inputs[i];
    CAPTURE(x);
    const float* got = &values[i * 5];
    CHECK(std::isnan(got[0]) == std::isnan(x));
    CHECK(std::isnan(got[1]) == std::isnan(x));
    CHECK(std::signbit(got[1]) == std::signbit(x));
    if (!std::isnan(x)) CHECK(got[1] == x);
    CHECK(std::isnan(got[2]) == !std::isfinite(x));
    CHECK(got[3] == (std::isnan(x) ? 1.0f : 0.0f));
    CHECK(got[4] == (std::isnan(x) ? 0.0f : 1.0f));
  }
}

}  // namespace
}  // namespace gpu_node::test
