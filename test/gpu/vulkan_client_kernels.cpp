// Kernels of what clients have written: given back when nobody holds them, dropped when nobody waits, refused when they
// would compile for minutes.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::test {
namespace {

using vulkan::Device;
using vulkan::KernelCache;
using vulkan::KernelSource;

constexpr vulkan::Asker kClient{1, vulkan::KernelAuthor::kClient};

std::string key_of(const std::string& kind, int i) { return "test/" + kind + " " + std::to_string(i); }

KernelCache::Pending ask(Device& gpu, const std::string& key, std::string glsl = std::string(kAddGlsl)) {
  glsl += "// " + key + "\n";
  return gpu.kernels().request(key, [=]() -> Result<KernelSource> { return KernelSource{glsl, 3, 4}; }, kClient);
}

// Asked for, compiled and held by nobody.
void make_idle(Device& gpu, const std::string& key) { REQUIRE(ask(gpu, key).get().ok()); }

TEST_CASE("vulkan kernels: of a client's that nobody holds the latest eight stay, and all that somebody holds") {
  Device& gpu = device();
  const KernelCache::Pending held = ask(gpu, "test/held");
  REQUIRE(held.get().ok());
  for (int i = 0; i < 12; ++i) make_idle(gpu, key_of("idle", i));
  REQUIRE(gpu.kernels().find(key_of("idle", 2)) != nullptr);  // a use
  gpu.kernels().give_back_idle(gpu.recorder().completed());
  for (int i = 0; i < 12; ++i) {
    CAPTURE(i);
    CHECK((gpu.kernels().find(key_of("idle", i)) != nullptr) == (i == 2 || i >= 5));
  }
  CHECK(gpu.kernels().find("test/held") == held.get()->get());
  make_idle(gpu, key_of("idle", 0));  // and may come again
  CHECK(gpu.kernels().find(key_of("idle", 0)) != nullptr);
}

TEST_CASE("vulkan kernels: what a submission uses stays until it is done") {
  Device& gpu = device();
  const uint32_t count = 64;
  const vulkan::BufferRef a = upload(gpu, std::vector<float>(count, 1.5f));
  const vulkan::BufferRef out = *gpu.pool().allocate(count * sizeof(float), vulkan::BufferUse::kDevice);
  {
    const KernelCache::Pending pending = ask(gpu, "test/used");
    REQUIRE(pending.get().ok());
    const vulkan::BufferRange ranges[] = {{&a, 0, 256}, {&a, 0, 256}, {&out, 0, 256, true}};
    REQUIRE(gpu.recorder().dispatch(**pending.get(), ranges, std::as_bytes(std::span(&count, 1)), {{1, 1, 1}}).ok());
  }
  for (int i = 0; i < 12; ++i) make_idle(gpu, key_of("other", i));
  gpu.kernels().give_back_idle(gpu.recorder().completed());
  CHECK(gpu.kernels().find("test/used") != nullptr);
  CHECK(download_as<float>(gpu, out, count) == std::vector<float>(count, 3.0f));
  for (int i = 0; i < 12; ++i) make_idle(gpu, key_of("later", i));
  gpu.kernels().give_back_idle(gpu.recorder().completed());
  CHECK(gpu.kernels().find("test/used") == nullptr);
}

TEST_CASE("vulkan kernels: what nobody waits for any more is not compiled, and may be asked for again") {
  Device& gpu = device();
  std::promise<void> begin;
  const auto blocked = [begun = begin.get_future().share()]() -> Result<KernelSource> {
    begun.wait();
    return KernelSource{std::string(kAddGlsl) + "// blocks\n", 3, 4};
  };
  // A compiler for clients alone: while it waits, nothing of theirs is begun.
  const KernelCache::Pending blocks = gpu.kernels().request("test/blocks", blocked, kClient);
  std::atomic<int> emitted{0};
  const auto counted = [&]() -> Result<KernelSource> {
    ++emitted;
    return KernelSource{std::string(kAddGlsl) + "// counted\n", 3, 4};
  };
  (void)gpu.kernels().request("test/dropped", counted, kClient);
  const KernelCache::Pending last = ask(gpu, "test/last");
  begin.set_value();
  REQUIRE(last.get().ok());
  CHECK(emitted == 0);
  CHECK(gpu.kernels().find("test/dropped") == nullptr);
  CHECK(gpu.kernels().request("test/dropped", counted, kClient).get().ok());
  CHECK(emitted == 1);
}

TEST_CASE("vulkan kernels: one of the node's own that failed for lack of memory may be asked for again") {
  Device& gpu = device();
  bool is_short = true;
  const auto emit = [&]() -> Result<KernelSource> {
    if (is_short) return Error{ErrorCode::kOutOfMemory, "for the test"};
    return KernelSource{std::string(kAddGlsl) + "// once more\n", 3, 4};
  };
  CHECK(gpu.kernels().request("test/short of memory", emit).get().error().code == ErrorCode::kOutOfMemory);
  is_short = false;
  CHECK(gpu.kernels().request("test/short of memory", emit).get().ok());
}

TEST_CASE("vulkan kernels: a text that would compile for minutes is refused with its length") {
  Device& gpu = device();
  std::string head(kAddGlsl);
  head.insert(head.find("layout(push_constant)"),
              "float f0(float x) { return sin(x) + 1.0; }\n"
              "float f1(float x) { return f0(x) + f0(x + 1.0); }\n");
  for (int i = 2; i <= 20; ++i) {
    const std::string before = "f" + std::to_string(i - 1);
    head.insert(head.find("layout(push_constant)"),
                "float f" + std::to_string(i) + "(float x) { return " + before + "(x) + " + before + "(x + 1.0); }\n");
  }
  const auto with = [&](const std::string& call) {
    std::string text = head;
    text.replace(text.find("a[i] + b[i]"), 11, call);
    return text;
  };
  CHECK(ask(gpu, "test/short", with("f5(a[i]) + b[i]")).get().ok());
  const auto refused = ask(gpu, "test/long", with("f20(a[i]) + b[i]")).get();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kCompileFailed);
  REQUIRE(refused.error().details);
  CHECK(refused.error().details->stage == "glsl");
  CHECK_MESSAGE(refused.error().message.find("at most 500000") != std::string::npos, refused.error().message);
  CHECK(ask(gpu, "test/long").get().ok());  // is not remembered

  const auto says = [&](const std::string& key, const std::string& text, const char* part) {
    const auto outcome = ask(gpu, key, text).get();
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().code == ErrorCode::kCompileFailed);
    CHECK_MESSAGE(outcome.error().message.find(part) != std::string::npos, outcome.error().message);
  };
  std::string sum = "a[i]";
  for (int k = 1; k < 2500; ++k) sum += " + a[i + " + std::to_string(k) + "]";
  says("test/many accesses", with(sum), "at most 500000");
  std::string many = kAddGlsl, calls = "float g0(float x) { return x; }\n";
  for (int k = 1; k <= 1100; ++k) {
    const std::string number = std::to_string(k);
    calls += "float g" + number + "(float x) { return g" + std::to_string(k - 1) + "(x); }\n";
  }
  many.insert(many.find("layout(push_constant)"), calls);
  many.replace(many.find("a[i] + b[i]"), 11, "g1100(a[i])");
  says("test/many functions", many, "at most 1024");
}

}  // namespace
}  // namespace gpu_node::test
