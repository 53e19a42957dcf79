// What the modules of kernels that compute in two float widths say about them: without SignedZeroInfNanPreserve for
// each, lavapipe takes double(float(x)) for x.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "base/concat.h"
#include "base/file.h"
#include "gpu/block_case.h"
#include "gpu/device.h"
#include "kernels/elementwise/emit.h"

namespace gpu_node::test {
namespace {

using scalar::Block;

constexpr uint32_t kOpExecutionMode = 16;
constexpr uint32_t kOpTypeFloat = 22;
constexpr uint32_t kSignedZeroInfNanPreserve = 4461;

struct Widths {
  std::set<uint32_t> computed, preserved;
};

Widths widths_of(const std::vector<uint32_t>& words) {
  Widths widths;
  for (size_t at = 5; at < words.size(); at += words[at] >> 16) {
    REQUIRE((words[at] >> 16) > 0);
    const uint32_t opcode = words[at] & 0xffff;
    if (opcode == kOpTypeFloat) widths.computed.insert(words[at + 2]);
    if (opcode == kOpExecutionMode && words[at + 2] == kSignedZeroInfNanPreserve)
      widths.preserved.insert(words[at + 3]);
  }
  return widths;
}

// The modules that a device has kept in |folder|: a line, then the words.
std::vector<std::vector<uint32_t>> kept_modules(const std::string& folder) {
  std::vector<std::vector<uint32_t>> modules;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".spv") continue;
    const auto content = read_file(entry.path().string(), 16 << 20);
    REQUIRE(content.ok());
    const size_t begin = content->find('\n') + 1;
    std::vector<uint32_t> words((content->size() - begin) / sizeof(uint32_t));
    std::memcpy(words.data(), content->data() + begin, words.size() * sizeof(uint32_t));
    modules.push_back(std::move(words));
  }
  return modules;
}

// One step, or two where there is a second type.
Block casts(Dtype from, std::initializer_list<Dtype> to) {
  Block block;
  scalar::ValueNumber value = block.input(from);
  for (const Dtype type : to) value = block.step(*ir::find_op("as_type"), type, {value});
  block.result(value);
  return block;
}

std::vector<Block> blocks() {
  std::vector<Block> all;
  for (const Dtype from : real_types())
    for (const Dtype to : real_types()) all.push_back(casts(from, {to}));
  all.push_back(casts(Dtype::f64, {Dtype::f32, Dtype::f64}));
  for (const ir::Op& op : ir::ops()) {
    if (!ir::is_elementwise(op.family)) continue;
    if (op.type_rule != ir::TypeRule::kFloating && op.name != "pow" && op.name != "atan2" && op.name != "divide")
      continue;
    Block block;
    SmallList<scalar::ValueNumber, 3> inputs;
    for (size_t i = 0; i < op.operands(); ++i) inputs.push_back(block.input(Dtype::f32));
    block.result(block.step(op, Dtype::f32, {inputs.begin(), inputs.size()}));
    all.push_back(std::move(block));
  }
  return all;
}

}  // namespace

TEST_CASE("float modes: a module preserves what it computes in, each width of it") {
  const TemporaryFolder folder;
  vulkan::DeviceOptions options = device_options();
  options.cache_folder = folder.path();
  auto opened = vulkan::Device::create(options);
  REQUIRE(opened.ok());
  vulkan::Device& gpu = **opened;
  std::map<std::string, vulkan::KernelCache::Pending> waiting;
  for (const Block& block : blocks()) {
    const kernels::Layout layout{
        .inputs = block.inputs() == 1
                      ? SmallList<kernels::InputMode, 4>{kernels::InputMode::kFlat}
                      : SmallList<kernels::InputMode, 4>{kernels::InputMode::kFlat, kernels::InputMode::kFlat}};
    const std::string key = kernels::elementwise_key(block, layout);
    waiting.emplace(key, gpu.kernels().request(key, [block, layout, &gpu] {
      return kernels::emit_elementwise(block, layout, gpu.info());
    }));
  }
  for (const auto& [key, pending] : waiting) {
    INFO(key);
    REQUIRE(pending.wait_for(std::chrono::minutes(2)));
    const bool made = pending.get().ok();
    REQUIRE(made);
  }
  std::set<uint32_t> able;
  if (gpu.info().preserves_nan_f32) able.insert(32);
  if (gpu.info().preserves_nan_f64) able.insert(64);
  opened->reset();

  size_t of_both = 0;
  const auto modules = kept_modules(folder.path());
  for (const std::vector<uint32_t>& words : modules) {
    const Widths widths = widths_of(words);
    if (widths.computed == std::set<uint32_t>{32, 64}) ++of_both;
    for (const uint32_t width : widths.computed)
      if (able.contains(width)) CHECK(widths.preserved.contains(width));
  }
  // Equal texts are one module: those of casts between types that are stored and computed alike.
  CHECK(modules.size() > waiting.size() / 2);
  CHECK(of_both > 30);
}

}  // namespace gpu_node::test
