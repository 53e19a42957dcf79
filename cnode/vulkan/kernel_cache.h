// Kernels by key: GLSL to SPIR-V to pipeline, off the device thread, kept in memory and on disk.
//
// A key names everything that makes the GLSL (family, op, types, variant); equal keys must give equal text. SPIR-V lies
// on disk under the SHA-256 of text, options and compiler version; the pipeline cache per device UUID and driver
// version.
//
// The GLSL begins with "#version 4xx" and says nothing about float modes: every module gets SignedZeroInfNanPreserve
// and round-to-even for the widths it uses, where the device has them (spirv_module.h). What must not be contracted
// into a fused multiply-add is `precise`.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gpu_node::vulkan {

// What making a kernel took. A stage that was not needed took nothing: SPIR-V from disk is not compiled.
struct KernelTimes {
  double emit_ms = 0;
  double glsl_ms = 0;    // GLSL to SPIR-V
  double spirv_ms = 0;   // reading it from disk, validation, float modes
  double driver_ms = 0;  // to the pipeline
  bool from_disk = false;
};

// A compiled compute pipeline; binds |buffers| storage buffers (set 0, bindings 0...) and |push_bytes| push constants.
class Kernel {
 public:
  virtual ~Kernel() = default;
  uint32_t buffers() const { return buffers_; }
  uint32_t push_bytes() const { return push_bytes_; }
  const KernelTimes& times() const { return times_; }

 protected:
  Kernel(uint32_t buffers, uint32_t push_bytes, const KernelTimes& times)
      : buffers_(buffers), push_bytes_(push_bytes), times_(times) {}
  uint32_t buffers_;
  uint32_t push_bytes_;
  KernelTimes times_;
};

struct KernelSource {
  std::string glsl;         // a whole compute shader, #version line included
  uint32_t buffers = 0;     // storage buffers it declares, bindings 0 to buffers-1
  uint32_t push_bytes = 0;  // size of its push constant block, a multiple of 4
  // Every subgroup has all its invocations. REQUIRES has_subgroup_shuffle, and a local size x that is a multiple.
  bool full_subgroups = false;
};

class KernelCache {
 public:
  using Emit = std::function<Result<KernelSource>()>;
  // Shared by every caller of one key. A failed compile (kCompileFailed: the compiler's message and the numbered GLSL
  // line; its details say the stage) is remembered.
  using Pending = std::shared_future<Result<std::shared_ptr<const Kernel>>>;

  virtual ~KernelCache() = default;

  // The kernel of |key| when it is ready, else nullptr; never waits. The fast path of recording.
  virtual const Kernel* find(std::string_view key) = 0;

  // The kernel of |key|, compiled by the pool from |emit| when it is not there yet. Never waits, never fails: the
  // future holds the error.
  virtual Pending request(std::string_view key, Emit emit) = 0;
};

}  // namespace gpu_node::vulkan
