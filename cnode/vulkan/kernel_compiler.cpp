#include "vulkan/kernel_compiler.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "base/concat.h"
#include "base/file.h"
#include "base/log.h"
#include "vulkan/glsl_compiler.h"
#include "vulkan/spirv_module.h"

namespace gpu_node::vulkan {
namespace {

constexpr size_t kMaxQueuedJobs = 16384;
constexpr uint32_t kMaxRawKernels = 4096;

// Milliseconds since it was made, or since it was last asked.
class Lap {
 public:
  double ms() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(since_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// |result|, its error said to be of |stage|.
template <typename R>
R at_stage(const char* stage, R result) {
  if (result.ok()) return result;
  return with_details(std::move(result).error(), {.stage = stage});
}

}  // namespace

KernelCompiler::KernelCompiler(Context& context, const std::string& cache_folder, std::chrono::milliseconds quiet)
    : context_(context),
      quiet_(quiet),
      toolchain_("1 " + glsl_compiler_version() + " " + spirv_tools_version() + " " +
                 context.physical.float_modes.fingerprint() + (context.has_scalar_layout ? " scalar\n" : "\n")),
      spirv_cache_(cache_folder.empty() ? "" : cache_folder + "/spirv"),
      layouts_(context) {}

Result<std::unique_ptr<KernelCompiler>> KernelCompiler::create(Context& context, const std::string& cache_folder,
                                                               int threads, std::chrono::milliseconds quiet) {
  std::unique_ptr<KernelCompiler> compiler(new KernelCompiler(context, cache_folder, quiet));
  GPU_ASSIGN(compiler->pipeline_cache_,
             PipelineCache::create(context, cache_folder.empty() ? "" : cache_folder + "/pipelines"));
  for (int i = 0; i < std::max(threads, 1); ++i)
    compiler->threads_.emplace_back([self = compiler.get()] { self->work(); });
  return compiler;
}

KernelCompiler::~KernelCompiler() {
  std::deque<Job> dropped;
  {
    const MutexLock lock(jobs_mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
  }
  jobs_ready_.notify_all();
  for (const Job& job : dropped) job.refuse({ErrorCode::kShuttingDown, "the device is being closed"});
  for (std::thread& thread : threads_) thread.join();
  if (pipeline_cache_ != nullptr) (void)pipeline_cache_->save();
}

const Kernel* KernelCompiler::find(std::string_view key) {
  const ReaderLock lock(entries_mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.ready;
}

const Kernel* KernelCompiler::find(std::string_view key, [[maybe_unused]] const Emit& emit) {
  const Kernel* const kernel = find(key);
#ifndef NDEBUG
  if (kernel == nullptr) return nullptr;
  if (const Result<void> same = texts_.check(key, emit); !same.ok()) {
    log_line(LogLevel::kError, "kernel_text_differs", same.error().message);
    std::abort();
  }
#endif
  return kernel;
}

KernelCache::Pending KernelCompiler::request(std::string_view key, Emit emit) {
  const auto promise = std::make_shared<std::promise<Outcome>>();
  Pending pending = promise->get_future().share();
  const WriterLock lock(entries_mutex_);
  const auto found = entries_.find(key);
  if (found != entries_.end()) return found->second.pending;
  const Result<void> queued =
      enqueue({[this, key = std::string(key), emit = std::move(emit), promise] { run(key, emit, *promise); },
               [promise](const Error& error) { promise->set_value(error); }});
  if (queued.ok())
    entries_.emplace(key, Entry{pending});
  else
    promise->set_value(queued.error());  // not remembered: the next caller tries again
  return pending;
}

KernelCache::PendingSpirv KernelCompiler::compile(std::string glsl) {
  using Words = Result<std::vector<uint32_t>>;
  const auto promise = std::make_shared<std::promise<Words>>();
  PendingSpirv pending = promise->get_future().share();
  const auto make = [this, glsl = std::move(glsl), promise] {
    Result<Module> module = module_of(glsl);
    // First, so that whoever has the answer and asks again finds it.
    if (module.ok() && module->compiled_here) spirv_cache_.store(module->hash, module->words);
    promise->set_value(module.ok() ? Words(module->words) : Words(module.error()));
  };
  const Result<void> queued = enqueue({make, [promise](const Error& error) { promise->set_value(error); }});
  if (!queued.ok()) promise->set_value(queued.error());
  return pending;
}

KernelCache::PendingSave KernelCompiler::save() {
  using Path = Result<std::string>;
  const auto promise = std::make_shared<std::promise<Path>>();
  PendingSave pending = promise->get_future().share();
  const Result<void> queued = enqueue({[this, promise] { promise->set_value(pipeline_cache_->save()); },
                                       [promise](const Error& error) { promise->set_value(error); }});
  if (!queued.ok()) promise->set_value(queued.error());
  return pending;
}

Result<void> KernelCompiler::enqueue(Job job) {
  {
    const MutexLock lock(jobs_mutex_);
    if (stopping_) return Error{ErrorCode::kShuttingDown, "the device is being closed"};
    if (jobs_.size() >= kMaxQueuedJobs)
      return Error{ErrorCode::kBusy, concat(kMaxQueuedJobs, " kernels wait to be compiled")};
    jobs_.push_back(std::move(job));
  }
  jobs_ready_.notify_one();
  return {};
}

void KernelCompiler::work() {
  const auto called = [this]() GPU_NODE_REQUIRES(jobs_mutex_) { return stopping_ || !jobs_.empty(); };
  MutexLock lock(jobs_mutex_);
  while (!stopping_) {
    if (!jobs_.empty()) {
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job.run();
      lock.lock();
      unsaved_ = true;
    } else if (!unsaved_) {
      jobs_ready_.wait(jobs_mutex_, called);
    } else if (!jobs_ready_.wait_for(jobs_mutex_, quiet_, called)) {
      unsaved_ = false;
      lock.unlock();
      (void)pipeline_cache_->save();
      lock.lock();
    }
  }
}

void KernelCompiler::run(const std::string& key, const Emit& emit, std::promise<Outcome>& promise) {
  Module module;
  bool raw = false;
  Outcome outcome = [&]() -> Outcome {
    Lap lap;
    GPU_ASSIGN(KernelSource source, emit());
    const double emit_ms = lap.ms();
    raw = !source.spirv.empty();
#ifndef NDEBUG
    if (!raw) texts_.keep(key, source.glsl);
#endif
    if (raw) GPU_TRY(check_room());
    GPU_ASSIGN(module, module_of(std::move(source)));
    module.times.emit_ms = emit_ms;
    return at_stage("driver", build(module));
  }();
  if (outcome.ok()) {
    const WriterLock lock(entries_mutex_);
    entries_.find(key)->second.ready = outcome->get();
    raw_kernels_ += raw ? 1 : 0;
  } else {
    outcome = with_context(std::move(outcome).error(), "kernel " + key);
    log_line(raw ? LogLevel::kWarning : LogLevel::kError, "kernel_failed", outcome.error().message);
    const WriterLock lock(entries_mutex_);
    if (raw) entries_.erase(entries_.find(key));  // its caller has the module and may send it again
  }
  promise.set_value(std::move(outcome));
  if (module.compiled_here) spirv_cache_.store(module.hash, module.words);
}

// A pipeline is never given back while the device is open.
Result<void> KernelCompiler::check_room() {
  const ReaderLock lock(entries_mutex_);
  if (raw_kernels_ < kMaxRawKernels) return {};
  return Error{ErrorCode::kQuota, concat(raw_kernels_, " modules of callers are loaded, the limit is ", kMaxRawKernels,
                                         "; a restart of the node drops them")};
}

Result<void> KernelCompiler::check(const KernelSource& source) const {
  const DeviceInfo& info = context_.info();
  if (source.buffers > info.max_buffers)
    return Error{ErrorCode::kUnsupported,
                 concat(source.buffers, " buffers on ", info.name, ", which binds at most ", info.max_buffers)};
  if (source.push_bytes > info.max_push_bytes || source.push_bytes % 4 != 0)
    return Error{ErrorCode::kUnsupported, concat(source.push_bytes, " bytes of push constants on ", info.name,
                                                 ": a multiple of 4, at most ", info.max_push_bytes)};
  return {};
}

Result<KernelCompiler::Module> KernelCompiler::module_of(KernelSource source) {
  if (!source.spirv.empty()) return raw_module(std::move(source.spirv));
  GPU_TRY(check(source));
  GPU_ASSIGN(Module module, module_of(source.glsl));
  GPU_TRY(at_stage("spirv", check_bindings(module.words, source.buffers)));
  module.interface = {source.buffers, ~uint64_t{0}, source.push_bytes};
  module.full_subgroups = source.full_subgroups;
  return module;
}

Result<KernelCompiler::Module> KernelCompiler::raw_module(std::vector<uint32_t> words) const {
  if (words.size() * sizeof(uint32_t) > kMaxRawModuleBytes)
    return with_details({ErrorCode::kCompileFailed, concat("SPIR-V module: ", words.size() * sizeof(uint32_t),
                                                           " bytes, at most ", kMaxRawModuleBytes, " are taken")},
                        {.stage = "spirv"});
  Module module;
  Lap lap;
  GPU_TRY(at_stage("spirv", check_nesting(words)));
  GPU_TRY(at_stage("spirv", validate_spirv(words, context_.has_scalar_layout)));
  GPU_ASSIGN(module.interface, at_stage("spirv", inspect_spirv(words, context_.shader_rules)));
  module.words = std::move(words);
  module.times = {.spirv_ms = lap.ms()};
  return module;
}

Result<KernelCompiler::Module> KernelCompiler::module_of(const std::string& glsl) {
  Module module;
  Lap lap;
  module.hash = sha256_hex(toolchain_ + glsl);
  if (auto kept = spirv_cache_.load(module.hash); kept) {
    const Result<void> valid = validate_spirv(*kept, context_.has_scalar_layout);
    if (valid.ok()) {
      context_.counters.spirv_cache_hits.fetch_add(1, std::memory_order_relaxed);
      module.words = std::move(*kept);
      module.times = {.spirv_ms = lap.ms(), .from_disk = true};
      return module;
    }
    spirv_cache_.refuse(module.hash, valid.error().message);
  }
  GPU_ASSIGN(const std::vector<uint32_t> compiled, compile_glsl(glsl));
  module.times.glsl_ms = lap.ms();
  context_.counters.shader_compiles.fetch_add(1, std::memory_order_relaxed);
  GPU_ASSIGN(module.words, at_stage("spirv", add_float_modes(compiled, context_.physical.float_modes)));
  GPU_TRY(at_stage("spirv", validate_spirv(module.words, context_.has_scalar_layout)));
  module.times.spirv_ms = lap.ms();
  module.compiled_here = true;
  return module;
}

KernelCompiler::Outcome KernelCompiler::build(Module& made) {
  Lap lap;
  GPU_ASSIGN(const KernelLayout layout, layouts_.layout(made.interface.buffers, made.interface.push_bytes));
  const VkDevice device = context_.device.get();
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = made.words.size() * sizeof(uint32_t);
  module_info.pCode = made.words.data();
  VkShaderModule raw_module = VK_NULL_HANDLE;
  GPU_TRY_VK(context_.vk.vkCreateShaderModule(device, &module_info, nullptr, &raw_module), "vkCreateShaderModule");
  const Handle<VkShaderModule> shader(device, raw_module, context_.vk.vkDestroyShaderModule);

  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT;  // long ones are dispatched in parts
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = shader.get();
  info.stage.pName = "main";
  if (made.full_subgroups) info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT;
  info.layout = layout.pipeline;
  VkPipeline raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context_.vk.vkCreateComputePipelines(device, pipeline_cache_->get(), 1, &info, nullptr, &raw),
             "vkCreateComputePipelines");
  Handle<VkPipeline> pipeline(device, raw, context_.vk.vkDestroyPipeline);
  context_.counters.pipelines_created.fetch_add(1, std::memory_order_relaxed);
  {
    const WriterLock lock(entries_mutex_);
    pipelines_.push_back(std::move(pipeline));
  }
  made.times.driver_ms = lap.ms();
  return std::shared_ptr<const Kernel>(std::make_shared<CompiledKernel>(made.interface, made.times, raw, layout));
}

}  // namespace gpu_node::vulkan
