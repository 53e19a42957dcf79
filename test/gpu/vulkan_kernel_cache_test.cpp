// The kernel cache: errors, sharing, float modes, and what lies on disk.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "base/file.h"
#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "vulkan/context.h"
#include "vulkan/glsl_compiler.h"
#include "vulkan/kernel_compiler.h"
#include "vulkan/spirv_cache.h"
#include "vulkan/spirv_module.h"

namespace gpu_node::test {
namespace {

namespace fs = std::filesystem;
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

std::unique_ptr<Device> open_with(const std::string& cache_folder) {
  vulkan::DeviceOptions options = device_options();
  options.cache_folder = cache_folder;
  auto opened = Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  return std::move(opened).value();
}

// Opens a device on |cache_folder|, runs the add kernel and returns what was counted.
Counters use_once(const std::string& cache_folder) {
  const auto gpu = open_with(cache_folder);
  const BufferRef a = upload(*gpu, std::vector<float>(64, 1.0f));
  const BufferRef out = *gpu->pool().allocate(256, BufferUse::kDevice);
  run_add(*gpu, a, a, out, 64);
  CHECK(download_as<float>(*gpu, out, 64) == std::vector<float>(64, 2.0f));
  return gpu->counters();
}

std::vector<fs::path> files_of(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  return files;
}

void overwrite(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(content.data(), static_cast<long>(content.size()));
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

TEST_CASE("vulkan kernels: a second start compiles nothing") {
  const TemporaryFolder folder;
  const Counters first = use_once(folder.path());
  CHECK(first.shader_compiles == 1);
  CHECK(first.spirv_cache_hits == 0);
  const Counters second = use_once(folder.path());
  CHECK(second.shader_compiles == 0);
  CHECK(second.spirv_cache_hits == 1);
  CHECK(second.pipelines_created == 1);
  size_t pipelines = 0;
  for (const fs::path& file : files_of(folder.path()))
    pipelines += file.filename().string().starts_with("pipelines-") ? 1 : 0;
  CHECK(pipelines == 1);
}

TEST_CASE("vulkan kernels: the pipeline cache is saved when no more kernels come, not only at the end") {
  const TemporaryFolder folder;
  auto context = vulkan::open_device(device_options());
  REQUIRE(context.ok());
  auto compiler = vulkan::KernelCompiler::create(**context, folder.path(), 2, std::chrono::milliseconds(20));
  REQUIRE(compiler.ok());
  const auto outcome =
      (*compiler)->request("test/add", []() -> Result<KernelSource> { return KernelSource{kAddGlsl, 3, 4}; });
  REQUIRE(outcome.get().ok());
  const auto saved = [&] {
    for (const fs::path& file : files_of(folder.path()))
      if (file.filename().string().starts_with("pipelines-") && file.extension().empty()) return true;
    return false;
  };
  for (int i = 0; i < 1000 && !saved(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(saved());
}

TEST_CASE("vulkan kernels: damaged cache files are ignored and made anew") {
  const TemporaryFolder folder;
  use_once(folder.path());
  std::string foreign;
  {  // A well-framed file whose words are no module: only the validator can tell.
    const std::string words(64, 'x');
    foreign = "gpu_node spirv 1 " + sha256_hex(words) + "\n" + words;
  }
  const auto damage = [&](const std::string& how, const std::string& content) {
    if (how == "truncated") return content.substr(0, content.size() / 2);
    if (how == "empty") return std::string();
    if (how == "foreign") return foreign;
    if (how == "garbage") return std::string(content.size(), 'z');
    std::string flipped = content;
    flipped[flipped.size() - 5] = static_cast<char>(flipped[flipped.size() - 5] ^ 1);
    return flipped;
  };
  for (const std::string how : {"truncated", "empty", "foreign", "garbage", "flipped"}) {
    CAPTURE(how);
    for (const fs::path& file : files_of(folder.path()))
      overwrite(file, damage(how, *read_file(file.string(), 1 << 24)));
    const Counters counters = use_once(folder.path());
    CHECK(counters.shader_compiles == 1);
    CHECK(counters.spirv_cache_hits == 0);
    CHECK(use_once(folder.path()).shader_compiles == 0);  // and it was written again
  }
}

TEST_CASE("vulkan kernels: a pipeline cache of another device never reaches the driver") {
  const TemporaryFolder folder;
  use_once(folder.path());
  for (const fs::path& file : files_of(folder.path())) {
    if (!file.filename().string().starts_with("pipelines-")) continue;
    const std::string content = *read_file(file.string(), 1 << 24);
    std::string data = content.substr(content.find('\n') + 1);
    data[8] = static_cast<char>(data[8] ^ 0x55);  // the vendor in Vulkan's header
    overwrite(file, "gpu_node pipelines 1 " + sha256_hex(data) + "\n" + data);
    use_once(folder.path());
    CHECK(*read_file(file.string(), 1 << 24) == content);  // replaced by this device's own
  }
}

TEST_CASE("vulkan kernels: a folder that cannot be written costs the cache, not the work") {
  const TemporaryFolder folder;
  overwrite(folder.path() + "/file", "no folder");
  const Counters counters = use_once(folder.path() + "/file/cache");
  CHECK(counters.shader_compiles == 1);
}

TEST_CASE("vulkan kernels: the SPIR-V folder keeps to its limit, the least recently used go") {
  const TemporaryFolder folder;
  const std::vector<uint32_t> words(250, 7);  // about a kilobyte
  const auto hash = [](int i) { return sha256_hex(std::to_string(i)); };
  vulkan::SpirvCache cache(folder.path(), 20'000);
  for (int i = 0; i < 15; ++i) {
    cache.store(hash(i), words);
    const fs::path file = folder.path() + "/" + hash(i).substr(0, 2) + "/" + hash(i) + ".spv";
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(100 - i));
  }
  REQUIRE(cache.load(hash(0)).has_value());  // used now, so no longer the oldest
  CHECK(*cache.load(hash(0)) == words);
  for (int i = 15; i < 60; ++i) cache.store(hash(i), words);
  uint64_t bytes = 0;
  for (const fs::path& file : files_of(folder.path())) bytes += fs::file_size(file);
  CHECK(bytes <= 20'000);
  CHECK_FALSE(cache.load(hash(1)).has_value());
  CHECK(cache.load(hash(59)).has_value());
}

}  // namespace
}  // namespace gpu_node::test
