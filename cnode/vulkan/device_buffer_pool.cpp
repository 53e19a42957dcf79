#include "vulkan/device_buffer_pool.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

constexpr const char* kOwned = "a device's buffer pool";

// How many of the longest-free buffers are looked at for one that the GPU has finished with.
constexpr size_t kFinishedSearch = 8;
// How many of the last freed buffers are looked at for one that needs no barrier: few, so that the caches stay warm.
constexpr size_t kUnhinderedSearch = 4;
// A step of giving back what is idle: it holds up whoever comes meanwhile.
constexpr uint64_t kStepBytes = 64u << 20;
constexpr size_t kStepBuffers = 1024;
// Whose pages are taken, and given back, beside this thread: others are not held up longer than by 10 ms or 1.
constexpr uint64_t kTakenAside = 16u << 20;
constexpr uint64_t kGivenBackAside = 4u << 20;
// Of those that take their pages here: what is smaller is cleared when it has to be.
constexpr uint64_t kClearedFrom = 1u << 20;
// A host that had room when a buffer was begun, and none any more before it was made, is asked so often.
constexpr int kMostRefusals = 2;

void VKAPI_PTR count_allocation(VmaAllocator, uint32_t, VkDeviceMemory, VkDeviceSize, void* counters) {
  bump(static_cast<CounterCells*>(counters)->allocations);
}

}  // namespace

DeviceBufferPool::DeviceBufferPool(Context& context, Timeline& timeline, const MemoryLimit& limit,
                                   const HostMemory& host)
    : context_(context), timeline_(timeline), limit_(limit), host_(host), returns_(std::make_shared<ReturnStack>()) {
  for (auto& lists : free_) lists.resize(kSizeClasses);
}

Result<std::unique_ptr<DeviceBufferPool>> DeviceBufferPool::create(Context& context, Timeline& timeline,
                                                                   const MemoryLimit& limit, const HostMemory& host) {
  std::unique_ptr<DeviceBufferPool> pool(new DeviceBufferPool(context, timeline, limit, host));
  GPU_TRY(pool->open());
  return pool;
}

Result<void> DeviceBufferPool::open() {
  VmaDeviceMemoryCallbacks callbacks{};
  callbacks.pfnAllocate = count_allocation;
  callbacks.pUserData = &context_.counters;
  VmaVulkanFunctions functions{};
  functions.vkGetInstanceProcAddr = vkGetInstanceProcAddr;
  functions.vkGetDeviceProcAddr = vkGetDeviceProcAddr;
  VmaAllocatorCreateInfo info{};
  info.flags = VMA_ALLOCATOR_CREATE_EXTERNALLY_SYNCHRONIZED_BIT;
  if (context_.has_memory_budget) info.flags |= VMA_ALLOCATOR_CREATE_EXT_MEMORY_BUDGET_BIT;
  info.physicalDevice = context_.physical.handle;
  info.device = context_.device.get();
  info.instance = context_.instance->get();
  info.vulkanApiVersion = VK_API_VERSION_1_2;
  info.pVulkanFunctions = &functions;
  info.pDeviceMemoryCallbacks = &callbacks;
  GPU_TRY_VK(vmaCreateAllocator(&info, &allocator_.handle), "vmaCreateAllocator");
  return {};
}

DeviceBufferPool::~DeviceBufferPool() {
  const auto leave = [this](PooledBuffer* buffer) {
    buffer->has_pages = true;  // some of them, where the worker did not come to its end
    forget(buffer);
  };
  for (PooledBuffer* buffer : worker_.stop()) leave(buffer);
  // Refs that are still out keep their object, without memory; the stack deletes it when they are dropped.
  const MutexLock lock(returns_->closing());
  PooledBuffer* buffer = returns_->close();
  while (buffer != nullptr) {
    PooledBuffer* next = buffer->next_returned;
    leave(buffer);
    buffer = next;
  }
  for (auto& lists : free_)
    for (FreeList& list : lists)
      for (PooledBuffer* free : list) leave(free);
  for (PooledBuffer* held : all_) held->release();
}

Result<BufferRef> DeviceBufferPool::allocate(uint64_t size_bytes, BufferUse use, bool host_write) {
  context_.thread.check(kOwned);
  size_bytes = std::max<uint64_t>(size_bytes, 1);
  if (size_bytes > context_.info().max_allocation_bytes)
    return Error{ErrorCode::kUnsupported,
                 concat("a buffer of ", size_bytes, " bytes on ", context_.info().name, ", whose largest is ",
                        context_.info().max_allocation_bytes, " bytes")};
  if (context_.fault.next_allocation_fails()) return out_of_memory(size_bytes, "asked for by GPU_NODE_FAULT");
  // The host writes what it can see; a buffer that it fills through staging waits for its last use on the device.
  host_write = host_write && (use != BufferUse::kDevice || context_.info().unified_memory);
  SizeClass size_class = size_class_of(size_bytes);
  size_class.bytes = std::min(size_class.bytes, context_.info().max_allocation_bytes);
  collect();
  GPU_ASSIGN(BufferRef reserved, take_reserved(size_bytes, use, size_class, host_write));
  if (reserved != nullptr) return reserved;
  for (bool pressed = reserved_ != nullptr && reserved_->refusals_ > 0;; pressed = true) {
    Result<PooledBuffer*> made = pressed ? make_under_pressure(size_bytes, size_class, use, host_write)
                                         : take_or_make(size_bytes, size_class, use, host_write);
    if (!made.ok() && made.error().code == ErrorCode::kOutOfMemory && !pressed) continue;
    if (!made.ok()) return std::move(made).error();
    BufferRef buffer = hand_out(*made, size_bytes);
    const bool whole = (*made)->has_pages;
    (*made)->cleared = (*made)->cleared && !host_write;
    Pending<void> pages = whole ? Pending<void>() : worker_.take(buffer);
    if (reserved_ != nullptr && size_class.bytes >= kTakenAside) reserved_->entries_.push_back({buffer, pages});
    if (whole) return buffer;
    if (reserved_ != nullptr) return lacks(pages);
    const Result<void>& taken = pages.get();
    (*made)->cleared = (*made)->cleared && !host_write;
    if (taken.ok()) return buffer;
    buffer.reset();
    collect();
    if (pressed) return out_of_memory(size_bytes, taken.error().message);
  }
}

void DeviceBufferPool::reserve_in(ReservedBuffers* reserved) {
  context_.thread.check(kOwned);
  reserved_ = reserved;
  if (reserved_ != nullptr) reserved_->lacking_ = {};
}

Error DeviceBufferPool::lacks(const Pending<void>& what) {
  reserved_->lacking_ = what;
  return {ErrorCode::kBusy, "the host's memory for a large buffer is being taken"};
}

Result<BufferRef> DeviceBufferPool::take_reserved(uint64_t size_bytes, BufferUse use, const SizeClass& size_class,
                                                  bool host_write) {
  if (reserved_ == nullptr || size_class.bytes < kTakenAside) return BufferRef();
  std::vector<ReservedBuffers::Entry>& entries = reserved_->entries_;
  for (size_t i = 0; i < entries.size(); ++i) {
    PooledBuffer& buffer = *static_cast<PooledBuffer*>(entries[i].buffer.get());
    if (buffer.use != use || buffer.size_class != size_class.index) continue;
    if (entries[i].pages.valid()) {
      if (!entries[i].pages.ready()) return lacks(entries[i].pages);
      const Result<void> taken = std::exchange(entries[i].pages, {}).get();
      if (!taken.ok()) {
        entries.erase(entries.begin() + static_cast<ptrdiff_t>(i));
        collect();
        if (++reserved_->refusals_ == kMostRefusals) return out_of_memory(size_bytes, taken.error().message);
        return BufferRef();
      }
    }
    // One that this try has been given already somebody else holds, too.
    if (entries[i].buffer.use_count() > 1 || (host_write && buffer.last_submission > timeline_.completed())) continue;
    buffer.set_size(size_bytes);
    buffer.cleared = buffer.cleared && !host_write;
    return entries[i].buffer;
  }
  return BufferRef();
}

Result<PooledBuffer*> DeviceBufferPool::take_or_make(uint64_t size_bytes, const SizeClass& size_class, BufferUse use,
                                                     bool host_write) {
  if (PooledBuffer* buffer = take(use, size_class.index, host_write); buffer != nullptr) return buffer;
  return make(size_bytes, size_class, use);
}

BufferRef DeviceBufferPool::hand_out(PooledBuffer* buffer, uint64_t size_bytes) {
  buffer->set_size(size_bytes);
  if (buffer->on_device) returns_->live_bytes.fetch_add(buffer->capacity_bytes(), std::memory_order_relaxed);
  return {buffer, [](PooledBuffer*) {}, CountsInBuffer<PooledBuffer>(buffer)};
}

void DeviceBufferPool::collect() {
  context_.thread.check(kOwned);
  for (PooledBuffer* buffer = returns_->take_all(); buffer != nullptr;) {
    PooledBuffer* next = buffer->next_returned;
    buffer->cleared = false;
    if (buffer->has_pages)
      free_list(buffer->use, buffer->size_class).push_back(buffer);
    else
      forget(buffer);
    buffer = next;
  }
  for (PooledBuffer* buffer : worker_.emptied()) {
    if (buffer->on_device) leaving_bytes_ -= buffer->capacity_bytes();
    forget(buffer);
  }
}

// For the host: one that the GPU has finished with. list.size() when there is none.
size_t DeviceBufferPool::finished_in(const FreeList& list) const {
  const size_t last = list.size() - 1;
  if (list[last]->last_submission == 0) return last;
  const uint64_t done = timeline_.completed();
  for (size_t i = 0; i < std::min(list.size(), kFinishedSearch); ++i)
    if (list[i]->last_submission <= done) return i;
  return list[last]->last_submission <= done ? last : list.size();
}

// For the device any will do. The last one freed is the warmest, but writing to it may cost a barrier; one freed a
// little earlier may be free of that.
size_t DeviceBufferPool::unhindered_in(const FreeList& list) const {
  const size_t first = list.size() > kUnhinderedSearch ? list.size() - kUnhinderedSearch : 0;
  for (size_t i = list.size(); i-- > first;)
    if (list[i]->last_write <= ordered_ && list[i]->last_read <= ordered_) return i;
  return list.size() - 1;
}

PooledBuffer* DeviceBufferPool::take(BufferUse use, uint32_t size_class, bool host_write) {
  FreeList& list = free_list(use, size_class);
  if (list.empty()) return nullptr;
  const size_t at = host_write ? finished_in(list) : unhindered_in(list);
  if (at == list.size()) return nullptr;
  PooledBuffer* buffer = list[at];
  list.erase(list.begin() + static_cast<ptrdiff_t>(at));
  bump(context_.counters.buffers_reused);
  return buffer;
}

VmaAllocationCreateInfo DeviceBufferPool::placement(BufferUse use) const {
  // Coherent memory only: there is nothing to flush or invalidate then, and every device has some.
  constexpr VkMemoryPropertyFlags kMapped = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  VmaAllocationCreateInfo info{};
  info.usage = VMA_MEMORY_USAGE_AUTO_PREFER_HOST;
  switch (use) {
    case BufferUse::kDevice:
      info.usage = VMA_MEMORY_USAGE_AUTO_PREFER_DEVICE;
      info.requiredFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
      if (context_.info().unified_memory) {
        info.flags |= VMA_ALLOCATION_CREATE_MAPPED_BIT | VMA_ALLOCATION_CREATE_HOST_ACCESS_RANDOM_BIT;
        info.requiredFlags |= kMapped | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
      }
      break;
    case BufferUse::kUpload:
      info.flags |= VMA_ALLOCATION_CREATE_MAPPED_BIT | VMA_ALLOCATION_CREATE_HOST_ACCESS_SEQUENTIAL_WRITE_BIT;
      info.requiredFlags = kMapped;
      break;
    case BufferUse::kDownload:
      info.flags |= VMA_ALLOCATION_CREATE_MAPPED_BIT | VMA_ALLOCATION_CREATE_HOST_ACCESS_RANDOM_BIT;
      info.requiredFlags = kMapped;
      info.preferredFlags = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
      break;
  }
  return info;
}

Result<PooledBuffer*> DeviceBufferPool::make(uint64_t size_bytes, const SizeClass& size_class, BufferUse use) {
  if (const std::optional<std::string> refused = no_room(size_class.bytes, use))
    return out_of_memory(size_bytes, *refused);
  const Clock::time_point began = Clock::now();
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = size_class.bytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  if (use == BufferUse::kDevice && context_.info().has_conditions)
    info.usage |= VK_BUFFER_USAGE_CONDITIONAL_RENDERING_BIT_EXT;
  const VmaAllocationCreateInfo where = placement(use);
  VkBuffer buffer = VK_NULL_HANDLE;
  VmaAllocation allocation = VK_NULL_HANDLE;
  VmaAllocationInfo got{};
  const VkResult result = vmaCreateBuffer(allocator_.handle, &info, &where, &buffer, &allocation, &got);
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY ||
      result == VK_ERROR_TOO_MANY_OBJECTS)
    return out_of_memory(size_bytes, "the driver says " + vk_result_name(result));
  GPU_TRY_VK(result, concat("vmaCreateBuffer of ", size_class.bytes, " bytes"));
  auto* made = new PooledBuffer(allocator_.handle, buffer, allocation, size_class.bytes,
                                static_cast<std::byte*>(got.pMappedData), use, size_class.index, counts(use), returns_);
  made->has_pages = !pages_come_later(*made) || size_class.bytes < kTakenAside;
  if (pages_come_later(*made) && made->has_pages) {
    take_pages(made->mapped(), size_class.bytes);
    made->cleared = use == BufferUse::kDevice && size_class.bytes >= kClearedFrom;
    if (made->cleared) clear_bytes(made->mapped(), size_class.bytes);
  }
  all_.insert(made);
  note_spare();
  bytes_of(use).fetch_add(size_class.bytes, std::memory_order_relaxed);
  if (total_bytes() > context_.counters.peak_bytes.load(std::memory_order_relaxed))
    context_.counters.peak_bytes.store(total_bytes(), std::memory_order_relaxed);
  spent_ms_ += std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  return made;
}

// In order of cost: give idle buffers back, wait for the GPU and look again, give everything back.
Result<PooledBuffer*> DeviceBufferPool::make_under_pressure(uint64_t size_bytes, const SizeClass& size_class,
                                                            BufferUse use, bool host_write) {
  make_room(size_class.bytes);
  GPU_TRY(wait_emptied());
  Result<PooledBuffer*> made = make(size_bytes, size_class, use);
  if (made.ok() || made.error().code != ErrorCode::kOutOfMemory) return made;
  if (drain_) GPU_TRY(drain_());
  collect();
  if (PooledBuffer* buffer = take(use, size_class.index, host_write); buffer != nullptr) return buffer;
  make_room(size_class.bytes);
  GPU_TRY(wait_emptied());
  made = make(size_bytes, size_class, use);
  if (made.ok() || made.error().code != ErrorCode::kOutOfMemory) return made;
  give_back(0, UINT64_MAX, SIZE_MAX);
  GPU_TRY(wait_emptied());
  return make(size_bytes, size_class, use);
}

void DeviceBufferPool::make_room(uint64_t bytes) {
  collect();
  const uint64_t over_limit = total_bytes() + bytes > limit_.bytes ? total_bytes() + bytes - limit_.bytes : 0;
  const uint64_t wanted = std::max(bytes, over_limit);
  give_back(idle_bytes() > wanted ? idle_bytes() - wanted : 0, UINT64_MAX, SIZE_MAX);
}

Result<void> DeviceBufferPool::wait_emptied() {
  const Pending<void> emptying = worker_.emptying();
  if (emptying.valid() && !emptying.ready()) {
    if (reserved_ != nullptr) return lacks(emptying);
    emptying.wait();
  }
  collect();
  room_.forget();
  return {};
}

void DeviceBufferPool::trim(uint64_t keep_bytes) {
  ReservedBuffers* const waiting = std::exchange(reserved_, nullptr);
  give_back(keep_bytes, UINT64_MAX, SIZE_MAX);
  (void)wait_emptied();
  reserved_ = waiting;
}

bool DeviceBufferPool::trim_some() { return give_back(0, kStepBytes, kStepBuffers); }

bool DeviceBufferPool::give_back(uint64_t keep_bytes, uint64_t most_bytes, size_t most) {
  collect();
  const uint64_t done = timeline_.completed();
  uint64_t bytes = 0;
  size_t count = 0;
  bool stopped = false;
  for (uint32_t size_class = kSizeClasses; size_class-- > 0 && !stopped;) {
    for (auto& lists : free_) {
      FreeList& list = lists[size_class];
      std::erase_if(list, [&](PooledBuffer* buffer) {
        const bool wanted = buffer->on_device ? idle_bytes() > keep_bytes : keep_bytes == 0;
        if (stopped || !wanted || buffer->last_submission > done) return false;
        stopped = count == most || bytes >= most_bytes;
        if (stopped) return false;
        ++count;
        bytes += buffer->capacity_bytes();
        destroy(buffer);
        return true;
      });
    }
  }
  return stopped;
}

void DeviceBufferPool::destroy(PooledBuffer* buffer) {
  if (!pages_come_later(*buffer) || buffer->capacity_bytes() < kGivenBackAside) return forget(buffer);
  if (buffer->on_device) leaving_bytes_ += buffer->capacity_bytes();
  buffer->has_pages = false;
  worker_.give_back(buffer);
}

void DeviceBufferPool::forget(PooledBuffer* buffer) {
  bytes_of(buffer->use).fetch_sub(buffer->capacity_bytes(), std::memory_order_relaxed);
  all_.erase(buffer);
  if (pages_come_later(*buffer) && buffer->has_pages) give_pages_back(buffer->mapped(), buffer->capacity_bytes());
  room_.forget();  // what was given back is the host's to say
  delete buffer;
  note_spare();
}

}  // namespace gpu_node::vulkan
