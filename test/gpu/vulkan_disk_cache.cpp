// What the kernel cache keeps on disk: what a second start finds there, and that nothing there makes a result wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/file.h"
#include "captured_log.h"
#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"
#include "odd_files.h"
#include "program/executor.h"
#include "program/transfer.h"
#include "vulkan/context.h"
#include "vulkan/kernel_compiler.h"

namespace gpu_node::test {
namespace {

namespace fs = std::filesystem;
using vulkan::Counters;
using vulkan::Device;
using vulkan::KernelCache;
using vulkan::KernelSource;

Result<program::Payment> no_charge(uint64_t) { return program::Payment(); }

// |op| of 1.
float of_one(Device& device, const std::string& op) {
  program::Executor executor(device);
  program::Transfer transfer(device);
  const float one = 1;
  const auto input = executor.allocate(Dtype::f32, {1}, false, true, no_charge);
  REQUIRE(input.ok());
  REQUIRE(transfer.write(*input, 0, std::as_bytes(std::span(&one, 1))).ok());
  ir::Instruction instruction;
  instruction.op = &ir::op_called(op);
  instruction.operands = {ir::ValueName{0}};
  instruction.results = {{1, {Dtype::f32, {1}}}};
  const program::Operand operands[] = {*input};
  program::Tensors results;
  const auto recorded = executor.record(instruction, operands, no_charge, results);
  if (!recorded.ok()) FAIL(recorded.error().message);
  const auto readback = transfer.read(results[0], 0, sizeof(float));
  REQUIRE(readback.ok());
  finish(device);
  float value = 0;
  std::memcpy(&value, readback->bytes.data(), sizeof value);
  return value;
}

// Opens a device on |folder|, computes, compares and returns what was counted.
Counters use_once(const std::string& folder) {
  vulkan::DeviceOptions options = device_options();
  options.cache_folder = folder;
  const auto opened = Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  CHECK(of_one(**opened, "exp") == std::exp(1.0f));
  CHECK(of_one(**opened, "negate") == -1.0f);
  return (*opened)->counters();
}

std::vector<fs::path> files_of(const std::string& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  return files;
}
std::vector<fs::path> modules_of(const TemporaryFolder& folder) { return files_of(folder.path() + "/spirv"); }
std::vector<fs::path> pipelines_of(const TemporaryFolder& folder) { return files_of(folder.path() + "/pipelines"); }

std::string content_of(const fs::path& path) { return *read_file(path.string(), 1 << 24); }

void overwrite(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(content.data(), static_cast<long>(content.size()));
}

// A file of the cache, with |content| and the digest that belongs to it under the name that |path| is.
void overwrite_well_framed(const TemporaryFolder& folder, const fs::path& path, const std::string& kind,
                           std::string_view content) {
  const std::string name = fs::relative(path, folder.path() + "/" + kind).string();
  const std::string digest = sha256_hex(name + "\n" + sha256_hex(content));
  overwrite(path, "gpu_node " + kind + " 2 " + digest + "\n" + std::string(content));
}

std::string framed_content_of(const fs::path& path) {
  const std::string text = content_of(path);
  return text.substr(text.find('\n') + 1);
}

// Two starts on a folder: the first makes |compiled| modules anew, the second finds all and has nothing to say.
void check_made_anew(const TemporaryFolder& folder, uint64_t compiled) {
  const Counters counters = use_once(folder.path());
  CHECK(counters.shader_compiles == compiled);
  CHECK(counters.spirv_cache_hits == 2 - compiled);
  const CapturedLog log;
  const Counters again = use_once(folder.path());
  CHECK(again.shader_compiles == 0);
  CHECK(again.spirv_cache_hits == 2);
  CHECK_MESSAGE(log.lines_with("cache_file") == 0, log.text());
}

// The same, and the first start says of |refused| that they are of no use. Not for many: the log has a limit.
void check_refused(const TemporaryFolder& folder, const std::vector<fs::path>& refused, uint64_t compiled) {
  const CapturedLog log;
  check_made_anew(folder, compiled);
  for (const fs::path& file : refused)
    CHECK_MESSAGE(log.lines_with("warning cache_file_refused file=" + file.string() + " ") == 1, log.text());
}

TEST_CASE("vulkan disk cache: a second start compiles nothing") {
  const TemporaryFolder folder;
  const Counters first = use_once(folder.path());
  CHECK(first.shader_compiles == 2);
  CHECK(first.spirv_cache_hits == 0);
  const Counters second = use_once(folder.path());
  CHECK(second.shader_compiles == 0);
  CHECK(second.spirv_cache_hits == 2);
  CHECK(second.pipelines_created == 2);
  CHECK(modules_of(folder).size() == 2);
  CHECK(pipelines_of(folder).size() == 1);
}

TEST_CASE("vulkan disk cache: modules that changed places are refused, and every result is right") {
  const TemporaryFolder folder;
  use_once(folder.path());
  const auto files = modules_of(folder);
  REQUIRE(files.size() == 2);
  const std::string first = content_of(files[0]);
  REQUIRE(first != content_of(files[1]));
  overwrite(files[0], content_of(files[1]));
  overwrite(files[1], first);
  check_refused(folder, files, 2);
  CHECK(content_of(files[0]) == first);
}

TEST_CASE("vulkan disk cache: another toolchain's module is another name, and refused under this one's") {
  const TemporaryFolder folder;
  use_once(folder.path());
  const auto files = modules_of(folder);
  const std::string foreign = sha256_hex("another compiler, the same text");
  const fs::path elsewhere = folder.path() + "/spirv/" + foreign.substr(0, 2) + "/" + foreign + ".spv";
  fs::create_directories(elsewhere.parent_path());
  overwrite_well_framed(folder, elsewhere, "spirv", framed_content_of(files[0]));
  const std::string kept = content_of(elsewhere);
  check_made_anew(folder, 0);
  fs::rename(elsewhere, files[1]);
  check_refused(folder, {files[1]}, 1);
  CHECK(content_of(files[1]) != kept);
}

TEST_CASE("vulkan disk cache: a pipeline cache of another device or build never reaches the driver") {
  const TemporaryFolder folder;
  use_once(folder.path());
  const auto files = pipelines_of(folder);
  REQUIRE(files.size() == 1);
  const std::string data = framed_content_of(files[0]);
  const std::string header = data.substr(0, 32);
  for (const size_t at : {size_t{8}, size_t{12}, size_t{16}}) {  // vendor, device, cache UUID in Vulkan's header
    CAPTURE(at);
    std::string other = data;
    other[at] = static_cast<char>(other[at] ^ 0x55);
    overwrite_well_framed(folder, files[0], "pipelines", other);
    check_refused(folder, files, 0);
    CHECK(framed_content_of(files[0]).starts_with(header));  // replaced by this device's own
  }
  // Under another name, as another build of the driver has it.
  overwrite_well_framed(folder, files[0].string() + "0", "pipelines", data);
  fs::rename(files[0].string() + "0", files[0]);
  check_refused(folder, files, 0);
  CHECK(framed_content_of(files[0]).starts_with(header));
}

TEST_CASE("vulkan disk cache: damaged files are made anew") {
  const TemporaryFolder folder;
  use_once(folder.path());
  const auto damage = [](const std::string& how, const std::string& content) {
    if (how == "truncated") return content.substr(0, content.size() / 2);
    if (how == "empty") return std::string();
    if (how == "garbage") return std::string(content.size(), 'z');
    if (how == "earlier format") return "gpu_node spirv 1" + content.substr(content.find(' ', 12));
    std::string flipped = content;
    flipped[flipped.size() - 5] = static_cast<char>(flipped[flipped.size() - 5] ^ 1);
    return flipped;
  };
  for (const std::string how : {"truncated", "empty", "garbage", "earlier format", "flipped"}) {
    CAPTURE(how);
    const auto files = files_of(folder.path());
    REQUIRE(files.size() == 3);
    for (const fs::path& file : files) overwrite(file, damage(how, content_of(file)));
    check_made_anew(folder, 2);
  }
}

TEST_CASE("vulkan disk cache: words that are no module are the validator's to see, under the right digest too") {
  const TemporaryFolder folder;
  use_once(folder.path());
  const auto files = modules_of(folder);
  for (const fs::path& file : files) overwrite_well_framed(folder, file, "spirv", std::string(64, 'x'));
  check_made_anew(folder, 2);
}

TEST_CASE("vulkan disk cache: what is no file is passed at once, whatever it is") {
  const TemporaryFolder folder;
  use_once(folder.path());
  for (const std::string how : kOddFiles) {
    CAPTURE(how);
    const auto files = files_of(folder.path());
    REQUIRE(files.size() == 3);
    for (const fs::path& file : files) put_odd_file(how, file);
    check_made_anew(folder, 2);
  }
}

// Opens the pipeline cache as a build of the driver would that has another pipelineCacheUUID, and saves it.
std::string save_as_build(const std::string& folder, uint8_t build, const vulkan::CacheLimits& limits) {
  auto context = vulkan::open_device(device_options());
  REQUIRE(context.ok());
  (*context)->physical.pipeline_cache_uuid[VK_UUID_SIZE - 1] ^= build;
  auto cache = vulkan::PipelineCache::create(**context, folder, limits);
  REQUIRE(cache.ok());
  const auto saved = (*cache)->save();
  REQUIRE(saved.ok());
  return *saved;
}

TEST_CASE("vulkan disk cache: builds of a driver have files of their own, and those long not used go") {
  const TemporaryFolder folder;
  vulkan::CacheLimits limits = vulkan::kPipelineCacheLimits;
  limits.folder_files = 3;
  std::vector<std::string> files;
  for (uint8_t build = 0; build < 6; ++build) {
    files.push_back(save_as_build(folder.path(), build, limits));
    fs::last_write_time(files.back(), fs::file_time_type::clock::now() - std::chrono::hours(100 - build));
    CHECK(files_of(folder.path()).size() == std::min<size_t>(build + 1, 3));
    if (build == 3) CHECK(save_as_build(folder.path(), 1, limits) == files[1]);
  }
  CHECK(std::set<std::string>(files.begin(), files.end()).size() == 6);
  for (const size_t gone : {0, 2, 3}) CHECK_FALSE(fs::exists(files[gone]));
  for (const size_t kept : {4, 5}) CHECK(fs::exists(files[kept]));
}

TEST_CASE("vulkan disk cache: pipelines are saved when no more kernels come, not only at the end") {
  const TemporaryFolder folder;
  auto context = vulkan::open_device(device_options());
  REQUIRE(context.ok());
  auto compiler = vulkan::KernelCompiler::create(**context, folder.path(), 2, std::chrono::milliseconds(20));
  REQUIRE(compiler.ok());
  const auto outcome =
      (*compiler)->request("test/add", []() -> Result<KernelSource> { return KernelSource{kAddGlsl, 3, 4}; });
  REQUIRE(outcome.get().ok());
  const auto saved = [&] { return fs::exists((*compiler)->saved_in()); };
  for (int i = 0; i < 1000 && !saved(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(saved());
}

TEST_CASE("vulkan disk cache: a folder that cannot be written costs the cache, not the work") {
  const TemporaryFolder folder;
  const CapturedLog log;
  overwrite(folder.path() + "/file", "no folder");
  CHECK(use_once(folder.path() + "/file/cache").shader_compiles == 2);
  CHECK(log.lines_with("cache_file_not_written") == 2);  // once for modules, once for pipelines
  REQUIRE(::mkfifo((folder.path() + "/fifo").c_str(), 0600) == 0);
  CHECK(use_once(folder.path() + "/fifo").shader_compiles == 2);
  CHECK(log.lines_with("fifo is there, and is no folder") == 2);
}

}  // namespace
}  // namespace gpu_node::test
