#include "vulkan/command_recorder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

constexpr int64_t kSlotWaitMs = 30'000;  // for the oldest of kMaxInFlight submissions

// An end that was seen within a sixth of what the submission took is known well enough.
constexpr int kClosestLooks = 6;

constexpr const char* kOwned = "a device's recorder";

constexpr VkPipelineStageFlags kDeviceStages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kDeviceWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kDeviceReads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

PooledBuffer& pooled(const BufferRef& buffer) { return static_cast<PooledBuffer&>(*buffer); }

Error wrong(const std::string& what) { return {ErrorCode::kInternal, "recorder: " + what}; }

bool inside(const Buffer& buffer, uint64_t offset, uint64_t size) {
  return size > 0 && offset <= buffer.capacity_bytes() && size <= buffer.capacity_bytes() - offset;
}

std::string range_text(const Buffer& buffer, uint64_t offset, uint64_t size) {
  return concat("bytes ", offset, " to ", offset + size, " of a buffer of ", buffer.capacity_bytes());
}

}  // namespace

Result<std::unique_ptr<CommandRecorder>> CommandRecorder::create(Context& context, Timeline& timeline,
                                                                 DeviceBufferPool& pool) {
  std::unique_ptr<CommandRecorder> recorder(new CommandRecorder(context, timeline, pool));
  GPU_TRY(recorder->make_slots());
  return recorder;
}

Result<void> CommandRecorder::make_slots() {
  const VkDevice device = context_.device.get();
  for (Slot& slot : slots_) {
    VkCommandPoolCreateInfo info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    info.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
    info.queueFamilyIndex = context_.physical.queue_family;
    VkCommandPool raw = VK_NULL_HANDLE;
    GPU_TRY_VK(context_.vk.vkCreateCommandPool(device, &info, nullptr, &raw), "vkCreateCommandPool");
    slot.pool = {device, raw, context_.vk.vkDestroyCommandPool};
    VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    allocate.commandPool = raw;
    allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    allocate.commandBufferCount = 1;
    GPU_TRY_VK(context_.vk.vkAllocateCommandBuffers(device, &allocate, &slot.commands), "vkAllocateCommandBuffers");
  }
  return {};
}

// Precise where the one before was seen to end, or was over when this one was made.
Result<void> CommandRecorder::wait(uint64_t value, Deadline deadline) {
  measure();
  const bool next = value == measured_ + 1;
  GPU_TRY(timeline_.wait(value, deadline));
  if (!next) return {};
  const Clock::time_point now = Clock::now(), began = std::max(timeline_.submitted_at(value), seen_at_);
  const bool known = seen_ended_ || timeline_.submitted_at(value) >= seen_at_;
  measured_ = value;
  seen_at_ = looked_at_ = now;
  seen_ended_ = true;
  costs_.finished(value,
                  known ? std::optional(std::chrono::duration<double, std::milli>(now - began).count()) : std::nullopt);
  return {};
}

// What ended since the last look: when, is known as well as looks are close to each other beside what it took.
void CommandRecorder::measure() {
  const uint64_t completed = timeline_.completed();
  const Clock::time_point now = Clock::now(), last_look = std::exchange(looked_at_, now);
  if (completed == measured_) return;
  const Clock::time_point submitted = timeline_.submitted_at(completed), began = std::max(submitted, seen_at_);
  const Clock::duration unsure = now - std::max(last_look, began);
  const bool known =
      completed == measured_ + 1 && (seen_ended_ || submitted >= seen_at_) && unsure <= (now - began) / kClosestLooks;
  measured_ = completed;
  seen_at_ = now;
  seen_ended_ = known;
  const double took_ms = std::chrono::duration<double, std::milli>(now - began - unsure / 2).count();
  costs_.finished(completed, known ? std::optional(took_ms) : std::nullopt);
}

// The first that is free, so that no more are in turn than are in flight: what a driver keeps for them stays warm.
Result<CommandRecorder::Slot*> CommandRecorder::free_slot() {
  const uint64_t submitted = timeline_.submitted();
  if (submitted >= kMaxInFlight && timeline_.completed() <= submitted - kMaxInFlight)
    GPU_TRY(timeline_.wait(submitted + 1 - kMaxInFlight, Deadline::after_ms(kSlotWaitMs)));
  measure();
  const uint64_t completed = measured_;
  Slot* free = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.value <= completed; });
  if (free == slots_.end()) return wrong("no command buffer is free");
  free->value = submitted + 1;
  return free;
}

Result<void> CommandRecorder::begin() {
  GPU_ASSIGN(Slot * free, free_slot());
  const Slot& slot = *free;
  GPU_TRY_VK(context_.vk.vkResetCommandPool(context_.device.get(), slot.pool.get(), 0), "vkResetCommandPool");
  VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  GPU_TRY_VK(context_.vk.vkBeginCommandBuffer(slot.commands, &info), "vkBeginCommandBuffer");
  commands_ = slot.commands;
  bound_ = VK_NULL_HANDLE;
  pushed_for_ = VK_NULL_HANDLE;
  return {};
}

bool CommandRecorder::must_wait_for(const PooledBuffer& buffer, bool written) const {
  return buffer.last_write > ordered_ || (written && buffer.last_read > ordered_);
}

void CommandRecorder::stamp(PooledBuffer& buffer, bool written) {
  (written ? buffer.last_write : buffer.last_read) = command_;
  buffer.last_submission = timeline_.submitted() + 1;
}

void CommandRecorder::next_command(bool hazard) {
  if (hazard) {
    barrier(kDeviceStages, kDeviceReads | kDeviceWrites);
    set_ordered(command_);
  }
  ++command_;
  ++pending_;
}

void CommandRecorder::set_ordered(uint64_t command) {
  ordered_ = command;
  pool_.prefer_used_up_to(command);
}

void CommandRecorder::barrier(VkPipelineStageFlags to_stages, VkAccessFlags to_access) {
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = kDeviceWrites;
  memory.dstAccessMask = to_access;
  // Gates are read by a stage of their own.
  const VkPipelineStageFlags gates = last_gated_ > ordered_ ? VK_PIPELINE_STAGE_CONDITIONAL_RENDERING_BIT_EXT : 0;
  context_.vk.vkCmdPipelineBarrier(commands_, kDeviceStages | gates, to_stages, 0, 1, &memory, 0, nullptr, 0, nullptr);
  bump(context_.counters.barriers);
}

Result<void> CommandRecorder::check(const Kernel& kernel, std::span<const BufferRange> ranges, size_t push_bytes,
                                    const Grid& grid) const {
  const DeviceInfo& info = context_.info();
  if (ranges.size() != kernel.buffers() || ranges.size() > kMaxBuffers)
    return wrong(concat(ranges.size(), " ranges for a kernel of ", kernel.buffers()));
  if (push_bytes != kernel.push_bytes())
    return wrong(concat(push_bytes, " push bytes for a kernel of ", kernel.push_bytes()));
  for (size_t i = 0; i < 3; ++i)
    if (const uint64_t groups = uint64_t{grid.first[i]} + grid.groups[i];
        grid.groups[i] == 0 || groups > info.max_groups[i])
      return wrong(concat(groups, " groups in dimension ", i, ", from 1 to ", info.max_groups[i], " can be"));
  for (const BufferRange& range : ranges) {
    if (range.buffer == nullptr || *range.buffer == nullptr) return wrong("a range without a buffer");
    if (!inside(**range.buffer, range.offset_bytes, range.size_bytes))
      return wrong(range_text(**range.buffer, range.offset_bytes, range.size_bytes));
    if (range.offset_bytes % info.storage_alignment != 0)
      return wrong(concat("offset ", range.offset_bytes, " is no multiple of ", info.storage_alignment));
    if (range.size_bytes > info.max_storage_range)
      return wrong(
          concat("a range of ", range.size_bytes, " bytes, at most ", info.max_storage_range, " can be bound"));
  }
  return {};
}

void CommandRecorder::gate(BufferRef buffer) {
  context_.thread.check(kOwned);
  gate_ = std::move(buffer);
}

void CommandRecorder::open_gate() {
  if (gate_.get() == open_gate_) return;
  close_gate();
  if (gate_ == nullptr) return;
  PooledBuffer& buffer = pooled(gate_);
  if (buffer.last_write > gates_ordered_) {
    barrier(kDeviceStages | VK_PIPELINE_STAGE_CONDITIONAL_RENDERING_BIT_EXT,
            kDeviceReads | kDeviceWrites | VK_ACCESS_CONDITIONAL_RENDERING_READ_BIT_EXT);
    set_ordered(command_);
    gates_ordered_ = command_;
  }
  VkConditionalRenderingBeginInfoEXT info{VK_STRUCTURE_TYPE_CONDITIONAL_RENDERING_BEGIN_INFO_EXT};
  info.buffer = buffer.handle();
  context_.vk.vkCmdBeginConditionalRenderingEXT(commands_, &info);
  open_gate_ = gate_.get();
}

void CommandRecorder::close_gate() {
  if (open_gate_ != nullptr) context_.vk.vkCmdEndConditionalRenderingEXT(commands_);
  open_gate_ = nullptr;
}

// What is pushed stays as long as the layout does: equal work on other buffers need not say it again.
void CommandRecorder::push_constants(const KernelLayout& layout, std::span<const std::byte> push) {
  if (push.empty()) return;
  if (pushed_for_ == layout.pipeline && std::memcmp(pushed_.data(), push.data(), push.size()) == 0) return;
  context_.vk.vkCmdPushConstants(commands_, layout.pipeline, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                 static_cast<uint32_t>(push.size()), push.data());
  const bool kept = push.size() <= pushed_.size();
  if (kept) std::memcpy(pushed_.data(), push.data(), push.size());
  pushed_for_ = kept ? layout.pipeline : VK_NULL_HANDLE;
}

Result<void> CommandRecorder::bind_buffers(const KernelLayout& layout, const VkDescriptorBufferInfo* buffers) {
  const VolkDeviceTable& vk = context_.vk;
  if (layout.pushes) {
    vk.vkCmdPushDescriptorSetWithTemplateKHR(commands_, layout.update, layout.pipeline, 0, buffers);
    return {};
  }
  GPU_ASSIGN(const VkDescriptorSet set, sets_.take(layout, buffers));
  vk.vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, layout.pipeline, 0, 1, &set, 0, nullptr);
  return {};
}

Result<void> CommandRecorder::dispatch(const Kernel& kernel, std::span<const BufferRange> ranges,
                                       std::span<const std::byte> push, const Grid& grid) {
  context_.thread.check(kOwned);
  GPU_TRY(check(kernel, ranges, push.size(), grid));
  if (commands_ == VK_NULL_HANDLE) GPU_TRY(begin());
  open_gate();
  const auto& compiled = static_cast<const CompiledKernel&>(kernel);
  const auto count = static_cast<uint32_t>(ranges.size());

  bool hazard = false;
  VkDescriptorBufferInfo infos[kMaxBuffers];
  for (uint32_t i = 0; i < count; ++i) {
    const PooledBuffer& buffer = pooled(*ranges[i].buffer);
    hazard = hazard || must_wait_for(buffer, ranges[i].written);
    infos[i] = {buffer.handle(), ranges[i].offset_bytes, ranges[i].size_bytes};
  }
  next_command(hazard);
  for (const BufferRange& range : ranges) stamp(pooled(*range.buffer), range.written);
  if (gate_ != nullptr) {
    stamp(pooled(gate_), false);
    last_gated_ = command_;
    costs_.is_unsure();
  }

  const VolkDeviceTable& vk = context_.vk;
  if (bound_ != compiled.pipeline()) {
    vk.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, compiled.pipeline());
    bound_ = compiled.pipeline();
  }
  if (count != 0) GPU_TRY(bind_buffers(compiled.layout(), infos));
  push_constants(compiled.layout(), push);
  const auto& [x, y, z] = grid.groups;
  if (grid.first == std::array<uint32_t, 3>{})
    vk.vkCmdDispatch(commands_, x, y, z);
  else
    vk.vkCmdDispatchBase(commands_, grid.first[0], grid.first[1], grid.first[2], x, y, z);
  kernel.last_submission() = timeline_.submitted() + 1;
  costs_.add(kernel, grid.work());
  bump(context_.counters.dispatches);
  return {};
}

Result<void> CommandRecorder::copy(const BufferRef& from, uint64_t from_offset, const BufferRef& to, uint64_t to_offset,
                                   uint64_t size_bytes) {
  context_.thread.check(kOwned);
  if (from == nullptr || to == nullptr) return wrong("a copy without a buffer");
  if (!inside(*from, from_offset, size_bytes)) return wrong("copy from " + range_text(*from, from_offset, size_bytes));
  if (!inside(*to, to_offset, size_bytes)) return wrong("copy to " + range_text(*to, to_offset, size_bytes));
  if (from == to && from_offset < to_offset + size_bytes && to_offset < from_offset + size_bytes)
    return wrong(concat("a copy onto itself, from offset ", from_offset, " to ", to_offset));
  if (commands_ == VK_NULL_HANDLE) GPU_TRY(begin());
  next_command(must_wait_for(pooled(from), false) || must_wait_for(pooled(to), true));
  stamp(pooled(from), false);
  stamp(pooled(to), true);
  const VkBufferCopy region{from_offset, to_offset, size_bytes};
  context_.vk.vkCmdCopyBuffer(commands_, pooled(from).handle(), pooled(to).handle(), 1, &region);
  costs_.add_copy(size_bytes);
  bump(context_.counters.copies);
  return {};
}

Result<void> CommandRecorder::fill(const BufferRef& buffer, uint64_t offset_bytes, uint64_t size_bytes, uint32_t word) {
  context_.thread.check(kOwned);
  if (buffer == nullptr) return wrong("a fill without a buffer");
  if (!inside(*buffer, offset_bytes, size_bytes) || offset_bytes % 4 != 0 || size_bytes % 4 != 0)
    return wrong("fill of " + range_text(*buffer, offset_bytes, size_bytes) + ", both in multiples of 4");
  if (word == 0 && pooled(buffer).is_zero()) return {};
  if (commands_ == VK_NULL_HANDLE) GPU_TRY(begin());
  next_command(must_wait_for(pooled(buffer), true));
  stamp(pooled(buffer), true);
  context_.vk.vkCmdFillBuffer(commands_, pooled(buffer).handle(), offset_bytes, size_bytes, word);
  costs_.add_copy(size_bytes);
  bump(context_.counters.copies);
  return {};
}

Result<void> CommandRecorder::make_host_visible() {
  context_.thread.check(kOwned);
  if (host_visible_ == command_) return {};
  if (commands_ == VK_NULL_HANDLE) GPU_TRY(begin());
  barrier(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  host_visible_ = command_;
  ++pending_;
  return {};
}

Result<uint64_t> CommandRecorder::submit() {
  context_.thread.check(kOwned);
  if (commands_ == VK_NULL_HANDLE) return timeline_.submitted();
  close_gate();
  const VkCommandBuffer commands = commands_;
  commands_ = VK_NULL_HANDLE;
  pending_ = 0;
  const VkResult ended = context_.vk.vkEndCommandBuffer(commands);
  const Result<void> submitted =
      ended == VK_SUCCESS ? timeline_.submit(commands) : Result<void>(vk_error(ended, "vkEndCommandBuffer"));
  if (!submitted.ok()) {
    // The barriers that were recorded will never happen.
    set_ordered(0);
    gates_ordered_ = 0;
    host_visible_ = 0;
    for (Slot& slot : slots_)
      if (slot.value > timeline_.submitted()) slot.value = 0;
    costs_.drop();
    return submitted.error();
  }
  costs_.submitted(timeline_.submitted());
  return timeline_.submitted();
}

void CommandRecorder::collect() {
  context_.thread.check(kOwned);
  measure();
  pool_.collect();
}

}  // namespace gpu_node::vulkan
