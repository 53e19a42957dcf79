// What goes back while nobody wants anything.
#include <doctest/doctest.h>

#include <string>

#include "gpu/device.h"
#include "gpu/service_client.h"
#include "gpu/vulkan_kernels.h"
#include "service/device_thread.h"

namespace gpu_node::test {

TEST_CASE("service: kernels of clients that nobody uses go when nobody has wanted anything for a while") {
  auto opened = vulkan::Device::create(device_options());
  if (!opened.ok()) FAIL(opened.error().message);
  vulkan::Device& gpu = **opened;
  service::SessionTable sessions;
  service::UploadTable uploads;
  service::PendingCalls calls{64};
  service::SpareCommands spare;
  gpu.hand_on();
  service::DeviceThread thread(gpu, {sessions, uploads, calls, spare, [](service::CompileWork&&) { return false; }},
                               [](const Error& error) { FAIL(error.message); });
  vulkan::KernelCache& kernels = gpu.kernels();
  constexpr int kAsked = 10;
  const auto key = [](int i) { return "test/idle " + std::to_string(i); };
  for (int i = 0; i < kAsked; ++i) {
    const std::string glsl = std::string(kAddGlsl) + "// " + key(i) + "\n";
    const auto emit = [&]() -> Result<vulkan::KernelSource> { return vulkan::KernelSource{glsl, 3, 4}; };
    REQUIRE(kernels.request(key(i), emit, {1, vulkan::KernelAuthor::kClient}).get().ok());
  }
  const auto there = [&] {
    int count = 0;
    for (int i = 0; i < kAsked; ++i) count += kernels.find(key(i)) != nullptr ? 1 : 0;
    return count;
  };
  CHECK(there() == kAsked);
  CHECK(eventually([&] { return there() == 8; }));
}

}  // namespace gpu_node::test
