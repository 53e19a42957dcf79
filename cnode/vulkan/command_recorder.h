// Recorder on a ring of command buffers. Device thread, but for what the interface says.
#pragma once

#include <array>
#include <vector>

#include "vulkan/compiled_kernel.h"
#include "vulkan/cost_model.h"
#include "vulkan/descriptor_sets.h"
#include "vulkan/device_buffer_pool.h"
#include "vulkan/recorder.h"
#include "vulkan/timeline.h"

namespace gpu_node::vulkan {

class CommandRecorder final : public Recorder {
 public:
  static Result<std::unique_ptr<CommandRecorder>> create(Context& context, Timeline& timeline, DeviceBufferPool& pool);

  Result<void> dispatch(const Kernel& kernel, std::span<const BufferRange> ranges, std::span<const std::byte> push,
                        const Grid& grid) override;
  void gate(BufferRef buffer) override;
  Result<void> copy(const BufferRef& from, uint64_t from_offset, const BufferRef& to, uint64_t to_offset,
                    uint64_t size_bytes) override;
  Result<void> fill(const BufferRef& buffer, uint64_t offset_bytes, uint64_t size_bytes, uint32_t word) override;
  Result<void> make_host_visible() override;
  uint32_t pending() const override { return pending_; }
  const CostModel& costs() const override { return costs_; }
  Result<uint64_t> submit() override;
  uint64_t completed() const override { return timeline_.completed(); }
  uint64_t submitted() const override { return timeline_.submitted(); }
  Result<void> wait(uint64_t value, Deadline deadline) override;
  void collect() override;
  std::optional<std::chrono::steady_clock::time_point> in_flight_since() const override {
    return timeline_.in_flight_since();
  }

 private:
  struct Slot {
    Handle<VkCommandPool> pool;  // one each: resetting a pool is cheaper than resetting its buffer
    VkCommandBuffer commands = VK_NULL_HANDLE;
    uint64_t value = 0;  // the submission that it was last recorded for
  };

  CommandRecorder(Context& context, Timeline& timeline, DeviceBufferPool& pool)
      : context_(context),
        timeline_(timeline),
        pool_(pool),
        sets_(context, timeline),
        costs_(context.info().software) {}
  Result<void> make_slots();
  Result<Slot*> free_slot();
  Result<void> begin();
  // Tells the cost model what has been completed since it was last told.
  void measure();
  Result<void> bind_buffers(const KernelLayout& layout, const VkDescriptorBufferInfo* buffers);
  void push_constants(const KernelLayout& layout, std::span<const std::byte> push);
  Result<void> check(const Kernel& kernel, std::span<const BufferRange> ranges, size_t push_bytes,
                     const Grid& grid) const;
  bool must_wait_for(const PooledBuffer& buffer, bool written) const;
  void stamp(PooledBuffer& buffer, bool written);
  void next_command(bool hazard);
  // Has the gate that is set count for the next dispatch, and no other.
  void open_gate();
  void close_gate();
  void set_ordered(uint64_t command);
  void barrier(VkPipelineStageFlags to_stages, VkAccessFlags to_access);

  Context& context_;
  Timeline& timeline_;
  DeviceBufferPool& pool_;
  DescriptorSets sets_;
  CostModel costs_;
  std::array<Slot, kMaxInFlight> slots_;
  // The last submission that the cost model was told of: when it was known to be over, and whether that was its end.
  uint64_t measured_ = 0;
  std::chrono::steady_clock::time_point seen_at_{};
  bool seen_ended_ = false;
  std::chrono::steady_clock::time_point looked_at_{};
  VkCommandBuffer commands_ = VK_NULL_HANDLE;  // being recorded; null between submissions
  VkPipeline bound_ = VK_NULL_HANDLE;
  VkPipelineLayout pushed_for_ = VK_NULL_HANDLE;  // the layout that pushed_ is set for; null: none
  std::array<std::byte, 128> pushed_;
  uint32_t pending_ = 0;
  // Commands are numbered since the start. All up to ordered_ are finished, as far as later ones can see.
  uint64_t command_ = 0;
  uint64_t ordered_ = 0;
  // What the next dispatches go by, and what those do that were recorded last: nullptr where all are carried out.
  BufferRef gate_;
  const Buffer* open_gate_ = nullptr;
  uint64_t gates_ordered_ = 0;  // commands whose writes gates see
  uint64_t last_gated_ = 0;     // the last command that went by one
  uint64_t host_visible_ = 0;   // commands whose writes the host will see
};

}  // namespace gpu_node::vulkan
