// Move-only owners of raw Vulkan handles: what a create call returns goes into one on the line it is made.
#pragma once

#include <utility>

#include "vulkan/api.h"

namespace gpu_node::vulkan {

// A child of |Parent| (VkDevice or VkInstance), destroyed by vkDestroyX(parent, handle, nullptr).
template <typename T, typename Parent = VkDevice>
class Handle {
 public:
  using Destroy = void(VKAPI_PTR*)(Parent, T, const VkAllocationCallbacks*);

  Handle() = default;
  Handle(Parent parent, T handle, Destroy destroy) : parent_(parent), handle_(handle), destroy_(destroy) {}
  Handle(Handle&& other) noexcept { swap(other); }
  Handle& operator=(Handle&& other) noexcept {
    Handle taken(std::move(other));
    swap(taken);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (handle_ != VK_NULL_HANDLE) destroy_(parent_, handle_, nullptr);
  }

  T get() const { return handle_; }

 private:
  void swap(Handle& other) noexcept {
    std::swap(parent_, other.parent_);
    std::swap(handle_, other.handle_);
    std::swap(destroy_, other.destroy_);
  }

  Parent parent_ = VK_NULL_HANDLE;
  T handle_ = VK_NULL_HANDLE;
  Destroy destroy_ = nullptr;
};

// A VkInstance or VkDevice, destroyed by vkDestroyX(handle, nullptr).
template <typename T>
class RootHandle {
 public:
  using Destroy = void(VKAPI_PTR*)(T, const VkAllocationCallbacks*);

  RootHandle() = default;
  RootHandle(T handle, Destroy destroy) : handle_(handle), destroy_(destroy) {}
  RootHandle(RootHandle&& other) noexcept
      : handle_(std::exchange(other.handle_, VK_NULL_HANDLE)), destroy_(other.destroy_) {}
  RootHandle& operator=(RootHandle&& other) noexcept {
    RootHandle taken(std::move(other));
    std::swap(handle_, taken.handle_);
    std::swap(destroy_, taken.destroy_);
    return *this;
  }
  RootHandle(const RootHandle&) = delete;
  RootHandle& operator=(const RootHandle&) = delete;
  ~RootHandle() {
    if (handle_ != VK_NULL_HANDLE) destroy_(handle_, nullptr);
  }

  T get() const { return handle_; }

 private:
  T handle_ = VK_NULL_HANDLE;
  Destroy destroy_ = nullptr;
};

}  // namespace gpu_node::vulkan
