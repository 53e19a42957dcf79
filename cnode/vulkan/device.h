// One Vulkan device: chosen, opened, and everything that lives with it. The only folder that names Vulkan.
//
// Threads: create() and the destructor belong to the caller. The pool, the recorder and the timeline belong to one
// thread, the device thread: in debug builds another one's use ends the process. The kernel cache may be asked from any
// thread. completed() and in_flight_since() may be read from any thread (the watchdog does).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "vulkan/device_info.h"

namespace gpu_node::vulkan {

class BufferPool;
class KernelCache;
class Recorder;

struct DeviceOptions {
  // Empty: the first real GPU, else the first software driver. A number: that index. Else: a part of the device's name.
  std::string selector;
  // 0: three quarters of the device's memory. Where that is the host's, never more than the host allows.
  uint64_t memory_limit_bytes = 0;
  std::string host_root;     // where the files that say what the host allows are read; for tests
  std::string cache_folder;  // of SPIR-V and pipelines; empty: no cache on disk
  bool validation = false;   // the Khronos validation layer; its messages are counted and logged as errors
  int compile_threads = 2;
  bool always_staged = false;  // as if the host could not reach the device's memory: tests of staging run anywhere
};

// How much of the device's memory may be used, and what says so.
struct MemoryLimit {
  uint64_t bytes = 0;
  std::string source;
};

// Cumulative counts since start; every field only grows, but for *_bytes named live or pooled. Read from any thread.
struct Counters {
  uint64_t submits = 0, dispatches = 0, barriers = 0, copies = 0;
  uint64_t allocations = 0;       // vkAllocateMemory through VMA
  uint64_t buffers_reused = 0;    // allocations the pool served from a freed buffer
  uint64_t live_bytes = 0;        // of device memory, in buffers that somebody holds
  uint64_t pooled_bytes = 0;      // in free buffers kept for reuse
  uint64_t peak_bytes = 0;        // high-water mark of live + pooled
  uint64_t staging_bytes = 0;     // of host memory, in buffers that data passes through; 0 where memory is unified
  uint64_t shader_compiles = 0;   // GLSL to SPIR-V in this process
  uint64_t spirv_cache_hits = 0;  // SPIR-V read from disk instead
  uint64_t pipelines_created = 0;
  uint64_t validation_messages = 0;  // errors and warnings of the validation layer
};

class Device {
 public:
  // Lists the devices of the host in the order of their index. Errors: no loader or no driver (kNotFound, says how to
  // get one).
  static Result<std::vector<DeviceInfo>> list();
  static Result<std::unique_ptr<Device>> create(const DeviceOptions& options);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceInfo& info() const;
  BufferPool& pool();
  KernelCache& kernels();
  Recorder& recorder();
  Counters counters() const;
  // What is never exceeded, from the start on.
  const MemoryLimit& memory_limit() const;
  uint64_t memory_limit_bytes() const { return memory_limit().bytes; }
  // What the device may have in all as things are: less than that where the host has less now. Any thread.
  MemoryLimit memory_limit_now() const;
  // Raised while a buffer takes its pages, which may take seconds. Any thread.
  uint64_t memory_progress() const;
  // Pool and recorder belong to the thread that uses them next. For moments at which nobody uses them.
  void hand_on();
  // Of every device that this process ever opened, those since closed included.
  static uint64_t validation_messages_of_process();

 private:
  struct Impl;
  explicit Device(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gpu_node::vulkan
