// A program with its numbers on a device: what chains are run of.
//
// plan() and request() may be called on any thread, before the model is handed to the device thread; all else belongs
// to that one.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "chain/launch.h"
#include "jobs/awaited.h"
#include "vulkan/device.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::chain {

// Asked for device memory that a job needs beside its results, before it is allocated. An error is the job's.
using Pay = std::function<Result<void>(uint64_t bytes)>;

class DeviceModel {
 public:
  // Computes on the host, in double, what does not vary with the coordinates. |most_iterations| is for tests.
  // Errors: kUnsupported with the numbers, kInvalidArgument where the data leads outside of itself.
  static Result<std::shared_ptr<DeviceModel>> plan(const vulkan::DeviceInfo& device,
                                                   std::shared_ptr<const Program> program, Binding binding, Dtype dtype,
                                                   uint64_t most_iterations = 0);

  // plan() and upload() in one: for tests and benchmarks.
  static Result<std::shared_ptr<DeviceModel>> make(vulkan::Device& device, const Program& program,
                                                   const Binding& binding, Dtype dtype, uint64_t most_iterations = 0);

  // Moves the numbers to the device; what that takes is recorded, not submitted.
  Result<void> upload(vulkan::Device& device);
  // Of the device, once uploaded.
  uint64_t size_bytes() const { return known_size_ + launch_.words.size() * sizeof(uint32_t); }

  const Program& program() const { return *program_; }
  // In double, on the host: for what people want to know of a place.
  const Binding& binding() const { return binding_; }
  const Schedule& schedule() const { return schedule_; }
  const Launch& launch() const { return launch_; }
  uint32_t coordinates() const { return launch_.coordinates; }
  Dtype dtype() const { return dtype_; }
  // Where each variable's coordinates begin; the last entry is how many there are.
  const std::vector<int64_t>& offsets() const { return offsets_; }

  const vulkan::BufferRef& known() const { return known_; }
  const vulkan::BufferRef& words() const { return words_; }

  Mapping mapping_for(uint64_t chains, const vulkan::DeviceInfo& device) const;

  // The shader of |mapping|, for people and tests too.
  Result<vulkan::KernelSource> source(const vulkan::DeviceInfo& device, Mapping mapping) const;
  // Who waits for its kernels: of different owners, and of long and short ones, the compilers think what they do.
  void set_owner(uint64_t owner) { owner_ = owner; }
  uint64_t owner() const { return owner_; }
  // Writes the shader of |mapping|, so that request() need not; any thread, before anybody else has the model.
  Result<void> write(const vulkan::DeviceInfo& device, Mapping mapping);
  // Asks for the kernel of |mapping|, without waiting.
  Result<vulkan::KernelCache::Pending> request(vulkan::Device& device, Mapping mapping);
  // The kernel of |mapping|; nullptr while it is being compiled.
  Result<const vulkan::Kernel*> kernel(vulkan::Device& device, Mapping mapping);

 private:
  struct ByMapping {
    std::optional<vulkan::KernelSource> written;  // until it is asked for
    jobs::AwaitedKernel kernel;
  };
  ByMapping& of(Mapping mapping) { return by_mapping_[static_cast<size_t>(mapping)]; }

  std::shared_ptr<const Program> program_;
  Binding binding_;
  Schedule schedule_;
  Launch launch_;
  std::vector<int64_t> offsets_;
  Dtype dtype_ = Dtype::f64;
  std::vector<std::byte> known_bytes_;  // until they are uploaded
  uint64_t known_size_ = 0;
  vulkan::BufferRef known_, words_;
  std::array<ByMapping, kMappings> by_mapping_;
  uint64_t owner_ = 0;
};

}  // namespace gpu_node::chain
