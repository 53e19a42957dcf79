// KernelCache on a small pool of threads: emit, compile (or read from disk), validate, make the pipeline.
#pragma once

#include <chrono>
#include <deque>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "vulkan/compiled_kernel.h"
#include "vulkan/context.h"
#include "vulkan/layout_cache.h"
#include "vulkan/pipeline_cache.h"
#include "vulkan/spirv_cache.h"
#include "vulkan/text_check.h"

namespace gpu_node::vulkan {

class KernelCompiler final : public KernelCache {
 public:
  // The pipeline cache is saved after |quiet| without a new kernel, and at the end.
  static Result<std::unique_ptr<KernelCompiler>> create(Context& context, const std::string& cache_folder, int threads,
                                                        std::chrono::milliseconds quiet = std::chrono::seconds(5));
  // Ends the threads; requests that no thread has begun get kShuttingDown.
  ~KernelCompiler() override;

  const Kernel* find(std::string_view key) override;
  const Kernel* find(std::string_view key, const Emit& emit) override;
  Pending request(std::string_view key, Emit emit) override;
  PendingSpirv compile(std::string glsl) override;
  PendingSave save() override;
  const std::string& saved_in() const override { return pipeline_cache_->file(); }
  const std::string& toolchain() const override { return toolchain_; }

 private:
  using Outcome = Result<std::shared_ptr<const Kernel>>;
  struct Entry {
    Pending pending;
    const Kernel* ready = nullptr;  // kept alive by |pending|
  };
  struct Job {
    std::function<void()> run;
    std::function<void(const Error&)> refuse;
  };
  struct Module {
    std::string hash;
    std::vector<uint32_t> words;
    ShaderInterface interface;
    bool compiled_here = false;
    bool full_subgroups = false;
    KernelTimes times;
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };

  KernelCompiler(Context& context, const std::string& cache_folder, std::chrono::milliseconds quiet);
  void work();
  // Nothing once the job is queued, else why it is not.
  Result<void> enqueue(Job job) GPU_NODE_EXCLUDES(jobs_mutex_);
  void run(const std::string& key, const Emit& emit, std::promise<Outcome>& promise) GPU_NODE_EXCLUDES(entries_mutex_);
  Result<void> check(const KernelSource& source) const;
  Result<void> check_room();
  Result<Module> module_of(const std::string& glsl);
  Result<Module> raw_module(std::vector<uint32_t> words) const;
  Result<Module> module_of(KernelSource source);
  Outcome build(Module& made);

  Context& context_;
  const std::chrono::milliseconds quiet_;
  const std::string toolchain_;  // all but the text that makes the SPIR-V what it is
  SpirvCache spirv_cache_;
  LayoutCache layouts_;
  std::unique_ptr<PipelineCache> pipeline_cache_;

  SharedMutex entries_mutex_;
  std::unordered_map<std::string, Entry, KeyHash, std::equal_to<>> entries_ GPU_NODE_GUARDED_BY(entries_mutex_);
  std::vector<Handle<VkPipeline>> pipelines_ GPU_NODE_GUARDED_BY(entries_mutex_);
  uint32_t raw_kernels_ GPU_NODE_GUARDED_BY(entries_mutex_) = 0;  // of those, from callers' modules
#ifndef NDEBUG
  TextCheck texts_;
#endif

  Mutex jobs_mutex_;
  Condition jobs_ready_;
  std::deque<Job> jobs_ GPU_NODE_GUARDED_BY(jobs_mutex_);
  bool stopping_ GPU_NODE_GUARDED_BY(jobs_mutex_) = false;
  bool unsaved_ GPU_NODE_GUARDED_BY(jobs_mutex_) = false;  // the pipeline cache has grown since it was saved
  std::vector<std::thread> threads_;
};

}  // namespace gpu_node::vulkan
