// KernelCache on a small pool of threads: emit, compile (or read from disk), validate, make the pipeline.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "vulkan/compile_queue.h"
#include "vulkan/compiled_kernel.h"
#include "vulkan/context.h"
#include "vulkan/kernel_module.h"
#include "vulkan/layout_cache.h"
#include "vulkan/pipeline_cache.h"
#include "vulkan/rehearsal.h"
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
  Pending request(std::string_view key, Emit emit, const Asker& asker = {}) override;
  size_t queued(uint64_t owner) override { return queue_.queued(owner); }
  PendingSpirv compile(std::string glsl, uint64_t owner) override;
  void give_back_idle(uint64_t completed) override;
  PendingSave save() override;
  const std::string& saved_in() const override { return pipeline_cache_->file(); }
  const std::string& toolchain() const override { return toolchain_; }

 private:
  using Outcome = Pending::Outcome;
  struct Entry {
    std::shared_future<Outcome> made;
    std::weak_ptr<const void> wanted;       // by those who hold what request() gave
    CompileJobRef job;                      // until it is done
    const CompiledKernel* ready = nullptr;  // kept alive by |made|
    bool of_client = false;
    bool raw = false;                        // from a client's module
    mutable std::atomic<uint64_t> used = 0;  // when it was last asked for; of a client's
  };
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };

  KernelCompiler(Context& context, const std::string& cache_folder, std::chrono::milliseconds quiet, int threads);
  // What |make| gives once a compiler has run it.
  template <typename T>
  vulkan::Pending<T> queue(std::function<Result<T>()> make, const Asker& asker);
  void run(const std::string& key, const Emit& emit, std::promise<Outcome>& promise) GPU_NODE_EXCLUDES(entries_mutex_);
  // Forgets the entry of |key| where it is still that of |job|.
  void forget(const std::string& key, const CompileJob* job) GPU_NODE_EXCLUDES(entries_mutex_);
  Result<void> check(const KernelSource& source) const;
  Result<KernelModule> module_of(const std::string& glsl);
  Result<KernelModule> raw_module(std::vector<uint32_t> words) const;
  Result<KernelModule> module_of(KernelSource source);
  Outcome build(KernelModule& made);
  void rehearse(const KernelModule& module) GPU_NODE_EXCLUDES(rehearsals_mutex_);

  Context& context_;
  const std::chrono::milliseconds quiet_;
  const std::string toolchain_;  // all but the text that makes the SPIR-V what it is
  SpirvCache spirv_cache_;
  LayoutCache layouts_;
  std::unique_ptr<PipelineCache> pipeline_cache_;

  CompileQueue queue_;

  SharedMutex entries_mutex_;
  std::unordered_map<std::string, Entry, KeyHash, std::equal_to<>> entries_ GPU_NODE_GUARDED_BY(entries_mutex_);
  mutable std::atomic<uint64_t> uses_{0};
#ifndef NDEBUG
  TextCheck texts_;
#endif

  Mutex rehearsals_mutex_;
  std::vector<std::unique_ptr<Rehearsal>> rehearsals_ GPU_NODE_GUARDED_BY(rehearsals_mutex_);  // that nobody uses now
  const bool rehearses_;
  std::vector<std::thread> threads_;
};

}  // namespace gpu_node::vulkan
