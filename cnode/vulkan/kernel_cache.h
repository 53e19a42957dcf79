// Kernels by key: GLSL to SPIR-V to pipeline, off the device thread, kept in memory and on disk.
//
// A key names everything that makes the GLSL (family, op, types, variant); equal keys must give equal text. SPIR-V lies
// on disk under the SHA-256 of text, options and compiler version; the pipeline cache under what Vulkan names the
// device and the build of its driver by.
//
// The GLSL begins with "#version 4xx" and says nothing about float modes: every module gets SignedZeroInfNanPreserve
// and round-to-even for the widths it uses, where the device has them (spirv_module.h). What must not be contracted
// into a fused multiply-add is `precise`.
//
// A kernel may also come as a module that a caller has made. It is taken as it is, or not at all (spirv_interface.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vulkan/pending.h"

namespace gpu_node::vulkan {

// What making a kernel took. A stage that was not needed took nothing: SPIR-V from disk is not compiled.
struct KernelTimes {
  double emit_ms = 0;
  double glsl_ms = 0;    // GLSL to SPIR-V
  double spirv_ms = 0;   // reading it from disk, validation, float modes
  double driver_ms = 0;  // to the pipeline
  bool from_disk = false;
};

// How long a unit of a kernel's work takes, as the recorder's cost model has learnt it.
struct UnitCost {
  double ns = 0;     // 0: nothing is known yet
  bool ran = false;  // it has been dispatched
  // Its place among the shares of the submission that is recorded, where that has this number.
  uint64_t batch = 0;
  uint32_t share = 0;
};

// A compiled compute pipeline; binds |buffers| storage buffers (set 0, bindings 0...) and |push_bytes| push constants.
class Kernel {
 public:
  virtual ~Kernel() = default;
  uint32_t buffers() const { return buffers_; }
  uint32_t push_bytes() const { return push_bytes_; }
  const KernelTimes& times() const { return times_; }
  // Whether a kernel made from a caller's module may write that buffer; of one made from GLSL its launcher knows.
  bool may_write(uint32_t buffer) const { return buffer < 64 && (written_ >> buffer & 1) != 0; }
  // The recorder's; device thread only.
  UnitCost& unit_cost() const { return unit_cost_; }
  // The last submission that uses it.
  uint64_t& last_submission() const { return last_submission_; }

 protected:
  Kernel(uint32_t buffers, uint32_t push_bytes, uint64_t written, const KernelTimes& times)
      : buffers_(buffers), push_bytes_(push_bytes), written_(written), times_(times) {}
  uint32_t buffers_;
  uint32_t push_bytes_;
  uint64_t written_;
  KernelTimes times_;
  mutable UnitCost unit_cost_;
  mutable uint64_t last_submission_ = 0;
};

struct KernelSource {
  std::string glsl;         // a whole compute shader, #version line included
  uint32_t buffers = 0;     // storage buffers it declares, bindings 0 to buffers-1
  uint32_t push_bytes = 0;  // size of its push constant block, a multiple of 4
  // Every subgroup has all its invocations. REQUIRES has_subgroup_shuffle, and a local size x that is a multiple.
  bool full_subgroups = false;
  // A module that a caller has made, instead of the text; it says itself what it binds.
  std::vector<uint32_t> spirv = {};
};

// Who wrote what a kernel is made from: the node (tensor ops, samplers), or a client (families, modules), at any
// length.
enum class KernelAuthor : uint8_t { kNode, kClient };

// Who asks for a kernel. Different owners take turns; among one owner's the shortest text comes first.
struct Asker {
  uint64_t owner = 0;  // the session's id
  KernelAuthor author = KernelAuthor::kNode;
  uint64_t text_bytes = 0;  // of a client's
};

class KernelCache {
 public:
  using Emit = std::function<Result<KernelSource>()>;
  // Shared by every caller of one key. A failed compile (kCompileFailed: the compiler's message and the numbered GLSL
  // line; its details say the stage) is remembered; that memory was short is not.
  using Pending = vulkan::Pending<std::shared_ptr<const Kernel>>;
  using PendingSpirv = vulkan::Pending<std::vector<uint32_t>>;

  virtual ~KernelCache() = default;

  // The kernel of |key| when it is ready, else nullptr; never waits. The fast path of recording.
  virtual const Kernel* find(std::string_view key) = 0;

  // The same, where its emitter is at hand. A debug build emits again, a few times for each key, and ends the process
  // when the text is not that of the kernel found (vulkan/text_check.h).
  virtual const Kernel* find(std::string_view key, const Emit& emit) = 0;

  // The kernel of |key|, compiled by the pool from |emit| when it is not there yet. Never waits, never fails: what is
  // pending holds the error. It is dropped where every copy of that goes before it is begun. The failure of what a
  // client has written is not remembered: he may send any number of them.
  virtual Pending request(std::string_view key, Emit emit, const Asker& asker = {}) = 0;

  // How many kernels that |owner| asked for no compiler has begun.
  virtual size_t queued(uint64_t owner) = 0;

  // The module that a kernel of this text, a client's, has: from disk or compiled by the pool. Never waits, never
  // fails.
  virtual PendingSpirv compile(std::string glsl, uint64_t owner) = 0;

  // Gives back kernels that clients have written and nobody holds (the pending ones of request()) but the latest few,
  // where no submission after |completed| uses them. Device thread.
  virtual void give_back_idle(uint64_t completed) = 0;

  // Has the driver's cache written now. What is pending holds the file's path, empty where nothing is kept on disk.
  using PendingSave = vulkan::Pending<std::string>;
  virtual PendingSave save() = 0;

  // The path of that file.
  virtual const std::string& saved_in() const = 0;

  // All but the text that makes a module what compile() gives: compiler, its options, the device's float modes.
  virtual const std::string& toolchain() const = 0;
};

}  // namespace gpu_node::vulkan
