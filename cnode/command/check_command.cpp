// `gpu_node check`: tests, step by step, what serving needs: the devices that a driver lists, opening one, its memory,
// the compiler, a real dispatch whose result is compared, and that validation, where it is asked for, says nothing.
// Each step is named; the first that fails decides the exit code.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "base/concat.h"
#include "command/cache_folder.h"
#include "command/commands.h"
#include "command/exit_code.h"
#include "program/executor.h"
#include "program/transfer.h"
#include "vulkan/device.h"
#include "vulkan/recorder.h"

namespace gpu_node {
namespace {

constexpr int64_t kElements = 100'000;
constexpr int64_t kWaitMs = 20'000;

struct Check {
  std::string cache_folder;
  std::unique_ptr<vulkan::Device> device;
  std::unique_ptr<program::Executor> executor;
  std::unique_ptr<program::Transfer> transfer;
  program::Tensor left, right, sum;
};

Result<program::Payment> no_charge(uint64_t) { return program::Payment(); }

float left_value(int64_t i) { return static_cast<float>(i % 1000) * 0.5f; }
float right_value(int64_t i) { return static_cast<float>(i % 77) - 38.25f; }

Result<std::string> find_devices(Check&, const Settings&) {
  GPU_ASSIGN(const std::vector<vulkan::DeviceInfo> devices, vulkan::Device::list());
  std::string text;
  for (const vulkan::DeviceInfo& device : devices)
    text += concat(text.empty() ? "" : "; ", device.index, ": ", device.name, device.software ? " (software)" : "");
  return text;
}

Result<std::string> open_device(Check& check, const Settings& settings) {
  vulkan::DeviceOptions options;
  options.selector = settings.device;
  options.memory_limit_bytes = static_cast<uint64_t>(settings.memory_limit);
  options.cache_folder = check.cache_folder;
  options.validation = settings.validation;
  GPU_ASSIGN(check.device, vulkan::Device::create(options));
  check.executor = std::make_unique<program::Executor>(*check.device);
  check.transfer = std::make_unique<program::Transfer>(*check.device);
  const vulkan::DeviceInfo& info = check.device->info();
  return info.name + ", " + info.driver + ", Vulkan " + info.api_version + (info.software ? ", SOFTWARE" : "");
}

Result<program::Tensor> filled(Check& check, float (*value)(int64_t)) {
  std::vector<float> values(kElements);
  for (int64_t i = 0; i < kElements; ++i) values[static_cast<size_t>(i)] = value(i);
  GPU_ASSIGN(program::Tensor tensor, check.executor->allocate(Dtype::f32, {kElements}, false, true, no_charge));
  GPU_TRY(check.transfer->write(tensor, 0, std::as_bytes(std::span(values))));
  return tensor;
}

Result<std::string> use_memory(Check& check, const Settings&) {
  GPU_ASSIGN(check.left, filled(check, left_value));
  GPU_ASSIGN(check.right, filled(check, right_value));
  const vulkan::MemoryLimit limit = check.device->memory_limit_now();
  return concat(limit.bytes >> 20, " MiB may be used (", limit.source, "), ",
                check.device->info().unified_memory ? "shared with the host" : "of the device's own");
}

ir::Instruction addition() {
  ir::Instruction add;
  add.op = &ir::op_called("add");
  add.operands = {ir::ValueName{0}, ir::ValueName{1}};
  add.results = {{2, {Dtype::f32, {kElements}}}};
  return add;
}

Result<std::string> compile(Check& check, const Settings&) {
  const program::Operand operands[] = {check.left, check.right};
  program::Tensors sums;
  GPU_TRY(check.executor->record(addition(), operands, no_charge, sums));
  check.sum = sums[0];
  const vulkan::Counters counters = check.device->counters();
  return concat(counters.shader_compiles, " compiled, ", counters.spirv_cache_hits, " from the cache");
}

Result<std::string> compute(Check& check, const Settings&) {
  vulkan::Recorder& recorder = check.device->recorder();
  GPU_ASSIGN(const program::Tensor sum, check.executor->contiguous(check.sum, no_charge));
  GPU_ASSIGN(const program::Readback readback, check.transfer->read(sum, 0, program::size_bytes(sum)));
  GPU_ASSIGN(const uint64_t value, recorder.submit());
  GPU_TRY(recorder.wait(value, Deadline::after_ms(kWaitMs)));
  int64_t wrong = 0;
  for (int64_t i = 0; i < kElements; ++i) {
    float got = 0;
    std::memcpy(&got, readback.bytes.data() + static_cast<size_t>(i) * sizeof got, sizeof got);
    if (got != left_value(i) + right_value(i)) ++wrong;
  }
  if (wrong > 0) return Error{ErrorCode::kInternal, concat(wrong, " of ", kElements, " sums are wrong")};
  return concat(kElements, " sums, all right");
}

Result<std::string> validate(Check& check, const Settings& settings) {
  const uint64_t messages = check.device->counters().validation_messages;
  if (messages > 0) return Error{ErrorCode::kInternal, concat(messages, " validation messages")};
  return std::string(settings.validation ? "no message" : "not asked for");
}

struct Step {
  const char* name;
  Result<std::string> (*run)(Check&, const Settings&);
  int exit_code;
};

constexpr Step kSteps[] = {
    {"devices", find_devices, kExitNoDevice}, {"open", open_device, kExitNoDevice},
    {"memory", use_memory, kExitInternal},    {"compile", compile, kExitInternal},
    {"dispatch", compute, kExitInternal},     {"validation", validate, kExitInternal},
};

}  // namespace

int check_command(const Settings& settings) {
  Check check;
  check.cache_folder = use_cache_folder(settings);
  std::thread([ms = settings.watchdog_ms + kWaitMs] {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    std::printf("failed: the driver hangs\n");
    std::fflush(stdout);
    ::_exit(kExitDeviceLost);
  }).detach();
  for (const Step& step : kSteps) {
    const Result<std::string> outcome = step.run(check, settings);
    std::printf("%-10s %s  %s\n", step.name, outcome.ok() ? "ok    " : "failed",
                outcome.ok() ? outcome.value().c_str() : outcome.error().message.c_str());
    std::fflush(stdout);
    if (!outcome.ok()) return outcome.error().code == ErrorCode::kDeviceLost ? kExitDeviceLost : step.exit_code;
  }
  return kExitOk;
}

}  // namespace gpu_node
