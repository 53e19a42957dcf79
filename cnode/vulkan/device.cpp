#include "vulkan/device.h"

#include <algorithm>
#include <string>

#include "base/concat.h"
#include "base/host_memory.h"
#include "base/log.h"
#include "vulkan/command_recorder.h"
#include "vulkan/context.h"
#include "vulkan/device_buffer_pool.h"
#include "vulkan/kernel_compiler.h"
#include "vulkan/timeline.h"

namespace gpu_node::vulkan {
namespace {

constexpr int64_t kCloseWaitMs = 5'000;
constexpr int64_t kDrainWaitMs = 10'000;

// An explicit limit is taken as it is said, but for what the host has not got.
MemoryLimit limit_of(const DeviceOptions& options, const DeviceInfo& info, const HostMemory& host) {
  MemoryLimit limit{info.memory_bytes / 4 * 3, "three quarters of the device's memory"};
  if (options.memory_limit_bytes != 0) limit = {options.memory_limit_bytes, "as it was set"};
  if (!info.unified_memory && !info.software) return limit;
  for (const MemoryBound& bound : host.look())
    if (bound.usable_bytes() < limit.bytes)
      limit = {bound.usable_bytes(), concat(bound.name, " less ", bound.reserve_bytes(), " bytes kept free")};
  return limit;
}

}  // namespace

// Destroyed in reverse order, once the device is idle.
struct Device::Impl {
  std::unique_ptr<HostMemory> host;
  std::unique_ptr<Context> context;
  std::unique_ptr<Timeline> timeline;
  std::unique_ptr<DeviceBufferPool> pool;
  std::unique_ptr<CommandRecorder> recorder;
  std::unique_ptr<KernelCompiler> kernels;
};

Device::Device(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Device::~Device() {
  // Destroying what a hung device still uses would block for ever or crash; the process is about to end anyway.
  if (impl_->timeline->quiesce(Deadline::after_ms(kCloseWaitMs))) return;
  log_line(LogLevel::kError, "device_hung", "device=\"" + info().name + "\" left=open");
  impl_->kernels.reset();
  [[maybe_unused]] const Impl* left_open = impl_.release();
}

Result<std::vector<DeviceInfo>> Device::list() {
  GPU_ASSIGN(const std::unique_ptr<Instance> instance, Instance::create(false));
  GPU_ASSIGN(const std::vector<PhysicalDevice> devices, inspect_devices(*instance));
  std::vector<DeviceInfo> infos;
  infos.reserve(devices.size());
  for (const PhysicalDevice& device : devices) infos.push_back(device.info);
  return infos;
}

Result<std::unique_ptr<Device>> Device::create(const DeviceOptions& options) {
  auto impl = std::make_unique<Impl>();
  GPU_ASSIGN(impl->context, open_device(options));
  Context& context = *impl->context;
  impl->host = std::make_unique<HostMemory>(options.host_root);
  const MemoryLimit limit = limit_of(options, context.info(), *impl->host);
  GPU_ASSIGN(impl->timeline, Timeline::create(context));
  GPU_ASSIGN(impl->pool, DeviceBufferPool::create(context, *impl->timeline, limit, *impl->host));
  GPU_ASSIGN(impl->recorder, CommandRecorder::create(context, *impl->timeline, *impl->pool));
  GPU_ASSIGN(impl->kernels, KernelCompiler::create(context, options.cache_folder, options.compile_threads));
  impl->pool->on_shortage([recorder = impl->recorder.get()]() -> Result<void> {
    GPU_ASSIGN(const uint64_t value, recorder->submit());
    // As long as it takes: who waits has deadlines of his own, and a device that hangs has a watchdog.
    for (;;) {
      Result<void> waited = recorder->wait(value, Deadline::after_ms(kDrainWaitMs));
      if (waited.ok() || waited.error().code != ErrorCode::kDeadline) return waited;
    }
  });
  return std::unique_ptr<Device>(new Device(std::move(impl)));
}

const DeviceInfo& Device::info() const { return impl_->context->info(); }
BufferPool& Device::pool() { return *impl_->pool; }
KernelCache& Device::kernels() { return *impl_->kernels; }
Recorder& Device::recorder() { return *impl_->recorder; }
void Device::hand_on() { impl_->context->thread.hand_on(); }
uint64_t Device::validation_messages_of_process() { return Instance::validation_messages_of_process(); }
const MemoryLimit& Device::memory_limit() const { return impl_->pool->limit(); }
MemoryLimit Device::memory_limit_now() const { return impl_->pool->limit_now(); }
uint64_t Device::memory_progress() const { return impl_->pool->progress_bytes(); }

Counters Device::counters() const {
  const CounterCells& cells = impl_->context->counters;
  Counters counters;
  counters.submits = cells.submits;
  counters.dispatches = cells.dispatches;
  counters.barriers = cells.barriers;
  counters.copies = cells.copies;
  counters.allocations = cells.allocations;
  counters.buffers_reused = cells.buffers_reused;
  // A drop between the two reads must not make the difference wrap.
  const uint64_t total = impl_->pool->total_bytes();
  counters.live_bytes = std::min(impl_->pool->live_bytes(), total);
  counters.pooled_bytes = total - counters.live_bytes;
  counters.peak_bytes = cells.peak_bytes;
  counters.staging_bytes = impl_->pool->staging_bytes();
  counters.shader_compiles = cells.shader_compiles;
  counters.spirv_cache_hits = cells.spirv_cache_hits;
  counters.pipelines_created = cells.pipelines_created;
  counters.validation_messages = impl_->context->instance->validation_messages();
  return counters;
}

}  // namespace gpu_node::vulkan
