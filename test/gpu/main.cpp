// The entry point of this folder's tests. A run with a message of the validation layer has failed, whatever its tests
// say.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "gpu/device.h"

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  gpu_node::test::device();  // first of all, so that the driver stays loaded whatever the tests open and close
  const int failed = context.run();
  gpu_node::test::close_device();
  const uint64_t messages = gpu_node::vulkan::Device::validation_messages_of_process();
  if (messages == 0) return failed;
  std::fprintf(stderr, "the validation layer reported %llu errors or warnings\n",
               static_cast<unsigned long long>(messages));
  return 1;
}
