#include "vulkan/instance.h"

#include <cstring>
#include <string>

#include "base/log.h"
#include "base/mutex.h"

namespace gpu_node::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

// volk keeps the loader's functions in globals: filled once, under this lock, because other devices may be in use.
// Instance functions are the loader's trampolines and serve every instance; device functions are kept per device.
Mutex g_volk_mutex;

std::atomic<uint64_t> g_validation_messages{0};

Error no_driver() {
  return {
      ErrorCode::kNotFound,
      "no Vulkan driver on this machine: install the GPU vendor's driver, or Mesa's (mesa-vulkan-drivers), which has "
      "lavapipe for machines without a GPU"};
}

VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                          const VkDebugUtilsMessengerCallbackDataEXT* data, void* count) {
  g_validation_messages.fetch_add(1, std::memory_order_relaxed);
  static_cast<std::atomic<uint64_t>*>(count)->fetch_add(1, std::memory_order_relaxed);
  const char* name = data->pMessageIdName == nullptr ? "unnamed" : data->pMessageIdName;
  log_line(LogLevel::kError, "vulkan_validation", std::string("id=") + name + " message=\"" + data->pMessage + "\"");
  return VK_FALSE;
}

bool has_extension(const char* layer, const char* name) {
  uint32_t count = 0;
  if (vkEnumerateInstanceExtensionProperties(layer, &count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkExtensionProperties> extensions(count);
  if (vkEnumerateInstanceExtensionProperties(layer, &count, extensions.data()) < 0) return false;
  for (const VkExtensionProperties& extension : extensions)
    if (std::strcmp(extension.extensionName, name) == 0) return true;
  return false;
}

bool has_layer(const char* name) {
  uint32_t count = 0;
  if (vkEnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkLayerProperties> layers(count);
  if (vkEnumerateInstanceLayerProperties(&count, layers.data()) < 0) return false;
  for (const VkLayerProperties& layer : layers)
    if (std::strcmp(layer.layerName, name) == 0) return true;
  return false;
}

Result<void> load_loader() {
  const MutexLock lock(g_volk_mutex);
  if (volkGetInstanceVersion() != 0) return {};
  if (volkInitialize() != VK_SUCCESS)
    return Error{
        ErrorCode::kNotFound,
        "no Vulkan loader on this machine: install libvulkan1 (Debian, Ubuntu) or vulkan-loader (Fedora, Arch, "
        "FreeBSD)"};
  return {};
}

}  // namespace

Result<std::unique_ptr<Instance>> Instance::create(bool validation) {
  GPU_TRY(load_loader());
  std::vector<const char*> layers;
  std::vector<const char*> extensions;
  const void* next = nullptr;
  const VkValidationFeatureEnableEXT checks[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT};
  if (validation) {
    if (!has_layer(kValidationLayer))
      return Error{ErrorCode::kNotFound, std::string("the validation layer ") + kValidationLayer +
                                             " is not installed: install vulkan-validationlayers, or start without it"};
    layers.push_back(kValidationLayer);
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (has_extension(kValidationLayer, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME)) {
      extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
      features.enabledValidationFeatureCount = 1;
      features.pEnabledValidationFeatures = checks;
      next = &features;
    }
  }
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  if (has_extension(nullptr, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
    extensions.push_back(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
  }
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "gpu_node";
  application.apiVersion = VK_API_VERSION_1_2;
  info.pNext = next;
  info.pApplicationInfo = &application;
  info.enabledLayerCount = static_cast<uint32_t>(layers.size());
  info.ppEnabledLayerNames = layers.data();
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();

  VkInstance raw = VK_NULL_HANDLE;
  const VkResult made = vkCreateInstance(&info, nullptr, &raw);
  if (made == VK_ERROR_INCOMPATIBLE_DRIVER) return no_driver();
  GPU_TRY_VK(made, "vkCreateInstance");
  {
    const MutexLock lock(g_volk_mutex);
    if (volkGetLoadedInstance() == VK_NULL_HANDLE) volkLoadInstanceOnly(raw);
  }
  std::unique_ptr<Instance> instance(new Instance());
  instance->instance_ = RootHandle<VkInstance>(raw, vkDestroyInstance);
  if (validation) GPU_TRY(instance->listen());
  return instance;
}

uint64_t Instance::validation_messages_of_process() { return g_validation_messages.load(std::memory_order_relaxed); }

Result<void> Instance::listen() {
  // Not volk's globals: those are of whichever instance was loaded last, perhaps one without this extension.
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(get(), "vkCreateDebugUtilsMessengerEXT"));
  const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(get(), "vkDestroyDebugUtilsMessengerEXT"));
  if (create == nullptr || destroy == nullptr)
    return Error{ErrorCode::kNotFound, "the Vulkan loader has no VK_EXT_debug_utils: install a newer one"};
  VkDebugUtilsMessengerCreateInfoEXT info{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = on_message;
  info.pUserData = &validation_messages_;
  VkDebugUtilsMessengerEXT messenger = VK_NULL_HANDLE;
  GPU_TRY_VK(create(get(), &info, nullptr, &messenger), "vkCreateDebugUtilsMessengerEXT");
  messenger_ = {get(), messenger, destroy};
  return {};
}

Result<std::vector<VkPhysicalDevice>> Instance::physical_devices() const {
  uint32_t count = 0;
  const VkResult counted = vkEnumeratePhysicalDevices(get(), &count, nullptr);
  if (counted == VK_ERROR_INITIALIZATION_FAILED || count == 0) return no_driver();
  GPU_TRY_VK(counted, "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> devices(count);
  GPU_TRY_VK(vkEnumeratePhysicalDevices(get(), &count, devices.data()), "vkEnumeratePhysicalDevices");
  devices.resize(count);
  return devices;
}

}  // namespace gpu_node::vulkan
