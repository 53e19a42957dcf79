#include "vulkan/kernel_compiler.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "base/file.h"
#include "base/log.h"
#include "vulkan/glsl_compiler.h"
#include "vulkan/spirv_module.h"
#include "vulkan/spirv_size.h"

namespace gpu_node::vulkan {
namespace {

// Kernels of clients that nobody holds, and that are kept all the same: a module is sent again when it is gone, and a
// family's kernel (some 4 MiB on lavapipe) is in the caches on disk.
constexpr size_t kMaxIdleModules = 256;
constexpr size_t kMaxIdleFamilies = 8;

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

// What drivers are given at most. Lavapipe compiles some 20,000 instructions a second on a busy processor.
constexpr uint64_t kMostInstructions = 500'000;
constexpr size_t kMostFunctions = 1024;

Result<void> check_functions(std::span<const uint32_t> words) {
  const size_t functions = count_functions(words);
  if (functions <= kMostFunctions) return {};
  return Error{ErrorCode::kCompileFailed,
               concat("the shader has ", functions, " functions, at most ", kMostFunctions, " are taken")};
}

Result<void> check_size(std::span<const uint32_t> words) {
  const uint64_t instructions = inlined_instructions(words);
  if (instructions <= kMostInstructions) return {};
  return Error{
      ErrorCode::kCompileFailed,
      concat("the shader is ", instructions, " instructions long where its functions are called, an access to a ",
             "buffer counting ", kInstructionsOfAccess, "; at most ", kMostInstructions,
             " are given to a driver: it would compile for minutes")};
}

// |result|, its error said to be of |stage|.
template <typename R>
R at_stage(const char* stage, R result) {
  if (result.ok()) return result;
  return with_details(std::move(result).error(), {.stage = stage});
}

}  // namespace

KernelCompiler::KernelCompiler(Context& context, const std::string& cache_folder, std::chrono::milliseconds quiet,
                               int threads)
    : context_(context),
      quiet_(quiet),
      toolchain_("1 " + glsl_compiler_version() + " " + spirv_tools_version() + " " +
                 context.physical.float_modes.fingerprint() + (context.has_scalar_layout ? " scalar\n" : "\n")),
      spirv_cache_(cache_folder.empty() ? "" : cache_folder + "/spirv"),
      layouts_(context),
      queue_(threads),
      rehearses_(Rehearsal::is_needed(context)) {}

Result<std::unique_ptr<KernelCompiler>> KernelCompiler::create(Context& context, const std::string& cache_folder,
                                                               int threads, std::chrono::milliseconds quiet) {
  std::unique_ptr<KernelCompiler> compiler(new KernelCompiler(context, cache_folder, quiet, std::max(threads, 1)));
  GPU_ASSIGN(compiler->pipeline_cache_,
             PipelineCache::create(context, cache_folder.empty() ? "" : cache_folder + "/pipelines"));
  for (int i = 0; i < std::max(threads, 1); ++i)
    compiler->threads_.emplace_back(
        [self = compiler.get()] { self->queue_.work(self->quiet_, [self] { (void)self->pipeline_cache_->save(); }); });
  return compiler;
}

KernelCompiler::~KernelCompiler() {
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
  if (pipeline_cache_ != nullptr) (void)pipeline_cache_->save();
  const WriterLock lock(entries_mutex_);
  for (const auto& [key, entry] : entries_)
    if (entry.ready != nullptr) entry.ready->release();
}

const Kernel* KernelCompiler::find(std::string_view key) {
  const ReaderLock lock(entries_mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (found->second.of_client) found->second.used = ++uses_;
  return found->second.ready;
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

KernelCache::Pending KernelCompiler::request(std::string_view key, Emit emit, const Asker& asker) {
  const auto wanted_by_him = std::make_shared<char>();
  const WriterLock lock(entries_mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) {
    Entry& entry = found->second;
    std::shared_ptr<const void> wanted = entry.wanted.lock();
    if (wanted == nullptr) wanted = wanted_by_him;
    if (entry.job == nullptr || queue_.join(entry.job, asker, wanted)) {
      entry.wanted = wanted;
      entry.used = ++uses_;
      return Pending(entry.made, std::move(wanted));
    }
    entries_.erase(found);  // dropped, as nobody waited
  }
  const auto promise = std::make_shared<std::promise<Outcome>>();
  const auto job = std::make_shared<CompileJob>();
  const std::string name(key);
  job->run = [this, name, emit = std::move(emit), promise] { run(name, emit, *promise); };
  job->refuse = [this, name, job = job.get(), promise](const Error& error) {
    forget(name, job);
    promise->set_value(error);
  };
  Pending pending(promise->get_future().share(), wanted_by_him);
  if (const Result<void> queued = queue_.push(job, asker, wanted_by_him); !queued.ok()) {
    promise->set_value(queued.error());  // not remembered: the next caller tries again
    return pending;
  }
  Entry& entry = entries_[name];
  entry.made = pending.made();
  entry.wanted = wanted_by_him;
  entry.job = job;
  entry.of_client = asker.author == KernelAuthor::kClient;
  entry.used = ++uses_;
  return pending;
}

void KernelCompiler::forget(const std::string& key, const CompileJob* job) {
  const WriterLock lock(entries_mutex_);
  if (const auto found = entries_.find(key); found != entries_.end() && found->second.job.get() == job)
    entries_.erase(found);
}

template <typename T>
vulkan::Pending<T> KernelCompiler::queue(std::function<Result<T>()> make, const Asker& asker) {
  const auto promise = std::make_shared<std::promise<Result<T>>>();
  const auto wanted = std::make_shared<char>();
  const auto job = std::make_shared<CompileJob>();
  job->run = [make = std::move(make), promise] { promise->set_value(make()); };
  job->refuse = [promise](const Error& error) { promise->set_value(error); };
  vulkan::Pending<T> pending(promise->get_future().share(), wanted);
  if (const Result<void> queued = queue_.push(job, asker, wanted); !queued.ok()) promise->set_value(queued.error());
  return pending;
}

KernelCache::PendingSpirv KernelCompiler::compile(std::string glsl, uint64_t owner) {
  using Words = std::vector<uint32_t>;
  const Asker asker{owner, KernelAuthor::kClient, glsl.size()};
  return queue<Words>(
      [this, glsl = std::move(glsl)]() -> Result<Words> {
        GPU_ASSIGN(KernelModule module, module_of(glsl));
        // First, so that whoever has the answer and asks again finds it.
        if (module.compiled_here) spirv_cache_.store(module.hash, module.words);
        return std::move(module.words);
      },
      asker);
}

KernelCache::PendingSave KernelCompiler::save() {
  return queue<std::string>([this] { return pipeline_cache_->save(); }, {});
}

void KernelCompiler::give_back_idle(uint64_t completed) {
  context_.thread.check("a kernel's last submission");
  std::vector<decltype(entries_)::node_type> dropped;  // destroyed without the lock
  const WriterLock lock(entries_mutex_);
  for (const bool raw : {false, true}) {
    std::vector<decltype(entries_)::iterator> idle;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
      if (entry->second.of_client && entry->second.raw == raw && entry->second.ready != nullptr &&
          entry->second.wanted.expired() && entry->second.ready->last_submission() <= completed)
        idle.push_back(entry);
    const size_t most = raw ? kMaxIdleModules : kMaxIdleFamilies;
    if (idle.size() <= most) continue;
    std::sort(idle.begin(), idle.end(), [](const auto& a, const auto& b) { return a->second.used < b->second.used; });
    for (size_t i = 0; i < idle.size() - most; ++i) dropped.push_back(entries_.extract(idle[i]));
  }
}

void KernelCompiler::run(const std::string& key, const Emit& emit, std::promise<Outcome>& promise) {
  KernelModule module;
  bool raw = false;
  Outcome outcome = [&]() -> Outcome {
    Lap lap;
    GPU_ASSIGN(KernelSource source, emit());
    const double emit_ms = lap.ms();
    raw = !source.spirv.empty();
#ifndef NDEBUG
    if (!raw) texts_.keep(key, source.glsl);
#endif
    GPU_ASSIGN(module, module_of(std::move(source)));
    module.times.emit_ms = emit_ms;
    return at_stage("driver", build(module));
  }();
  if (!outcome.ok()) outcome = with_context(std::move(outcome).error(), "kernel " + key);
  bool of_client = false;
  {
    const WriterLock lock(entries_mutex_);
    const auto found = entries_.find(key);
    Entry& entry = found->second;
    entry.job = nullptr;
    entry.raw = raw;
    of_client = entry.of_client;
    if (outcome.ok())
      entry.ready = static_cast<const CompiledKernel*>(outcome->get());
    else if (of_client || outcome.error().code == ErrorCode::kOutOfMemory)
      entries_.erase(found);  // its caller has the text and may send it again; and memory comes back
  }
  if (!outcome.ok())
    log_line(of_client ? LogLevel::kWarning : LogLevel::kError, "kernel_failed", outcome.error().message);
  promise.set_value(std::move(outcome));
  if (module.compiled_here) spirv_cache_.store(module.hash, module.words);
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

Result<KernelModule> KernelCompiler::module_of(KernelSource source) {
  if (!source.spirv.empty()) return raw_module(std::move(source.spirv));
  GPU_TRY(check(source));
  GPU_ASSIGN(KernelModule module, module_of(source.glsl));
  GPU_TRY(at_stage("spirv", check_bindings(module.words, source.buffers)));
  GPU_TRY(at_stage("glsl", check_size(module.words)));
  module.interface = {source.buffers, ~uint64_t{0}, source.push_bytes};
  module.full_subgroups = source.full_subgroups;
  return module;
}

Result<KernelModule> KernelCompiler::raw_module(std::vector<uint32_t> words) const {
  if (words.size() * sizeof(uint32_t) > kMaxRawModuleBytes)
    return with_details({ErrorCode::kCompileFailed, concat("SPIR-V module: ", words.size() * sizeof(uint32_t),
                                                           " bytes, at most ", kMaxRawModuleBytes, " are taken")},
                        {.stage = "spirv"});
  KernelModule module;
  Lap lap;
  GPU_TRY(at_stage("spirv", check_nesting(words)));
  GPU_TRY(at_stage("spirv", check_functions(words)));
  GPU_TRY(at_stage("spirv", validate_spirv(words, context_.has_scalar_layout)));
  GPU_TRY(at_stage("spirv", check_size(words)));
  GPU_ASSIGN(module.interface, at_stage("spirv", inspect_spirv(words, context_.shader_rules)));
  module.words = std::move(words);
  module.times = {.spirv_ms = lap.ms()};
  return module;
}

Result<KernelModule> KernelCompiler::module_of(const std::string& glsl) {
  KernelModule module;
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
  GPU_TRY(at_stage("glsl", check_functions(compiled)));
  GPU_ASSIGN(module.words, at_stage("spirv", add_float_modes(compiled, context_.physical.float_modes)));
  GPU_TRY(at_stage("spirv", validate_spirv(module.words, context_.has_scalar_layout)));
  module.times.spirv_ms = lap.ms();
  module.compiled_here = true;
  return module;
}

KernelCompiler::Outcome KernelCompiler::build(KernelModule& made) {
  Lap lap;
  // One that was made before with this driver is in the driver's own cache.
  const bool was_made_before = !made.hash.empty() && !made.compiled_here && pipeline_cache_->was_loaded();
  if (!was_made_before) rehearse(made);
  GPU_ASSIGN(const KernelLayout layout, layouts_.layout(made.interface.buffers, made.interface.push_bytes));
  GPU_ASSIGN(Handle<VkPipeline> pipeline, make_pipeline(context_, made, layout, pipeline_cache_->get()));
  context_.counters.pipelines_created.fetch_add(1, std::memory_order_relaxed);
  made.times.driver_ms = lap.ms();
  return std::shared_ptr<const Kernel>(
      std::make_shared<CompiledKernel>(made.interface, made.times, std::move(pipeline), layout));
}

void KernelCompiler::rehearse(const KernelModule& module) {
  if (!rehearses_) return;
  std::unique_ptr<Rehearsal> rehearsal;
  {
    const MutexLock lock(rehearsals_mutex_);
    if (!rehearsals_.empty()) {
      rehearsal = std::move(rehearsals_.back());
      rehearsals_.pop_back();
    }
  }
  const Result<void> played = [&]() -> Result<void> {
    if (rehearsal == nullptr) {
      GPU_ASSIGN(rehearsal, Rehearsal::create(context_));
    }
    return rehearsal->play(module);
  }();
  if (!played.ok()) {
    // The kernel is made all the same; the next one is tried on a new device.
    log_line(LogLevel::kWarning, "not_rehearsed",
             "error=\"" + played.error().message + "\" effect=\"a slow first dispatch\"");
    return;
  }
  const MutexLock lock(rehearsals_mutex_);
  rehearsals_.push_back(std::move(rehearsal));
}

}  // namespace gpu_node::vulkan
