// What a driver's name and version say of it.
#include "vulkan/driver_quirks.h"

#include <doctest/doctest.h>

namespace gpu_node::vulkan {

TEST_CASE("driver quirks: loops are ended by a lavapipe that is not known to let them run") {
  for (const char* old :
       {"Mesa 22.3.6 (LLVM 15.0.6)", "Mesa 24.3.4", "Mesa 25.0.6-1", "Mesa 25.0", "Mesa", "", "Mesa x"})
    CHECK(max_loop_iterations(true, old) == 65'535);
  for (const char* recent : {"Mesa 25.0.7-2+deb13u1 (LLVM 19.1.7)", "Mesa 25.0.10", "Mesa 25.1.0-devel", "Mesa 26.0.0"})
    CHECK(max_loop_iterations(true, recent) == kUnlimited);
  CHECK(max_loop_iterations(false, "580.159") == kUnlimited);
}

TEST_CASE("driver quirks: what nobody tried a driver on is not relied upon") {
  CHECK(fma_rounds_once("NVIDIA 580.159.04"));
  for (const char* other : {"llvmpipe Mesa 25.0.7", "radv Mesa 25.0.7", "NVK Mesa 25.0.7", "nvidia 1", ""})
    CHECK(!fma_rounds_once(other));
}

}  // namespace gpu_node::vulkan
