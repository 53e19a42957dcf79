// Times leapfrog steps of one family on one device: microseconds for a step of all chains, waits and all.
//
//   chain_bench [DEVICE] [FAMILY [DIMENSION]]
//
// DEVICE: an index or a part of a name ("": the first). FAMILY: a file (specs/families/normal.json), DIMENSION: which
// of its dimensions the sizes are for (d). Runs 1, 10 and 100 coordinates by 1 and 1024 chains, both types, and says
// which mapping was chosen and how the other does.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "chain/chain_run.h"
#include "chain/family.h"

namespace gpu_node {
namespace {

template <typename T>
T must(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

vulkan::BufferRef numbers(vulkan::Device& device, Dtype dtype, size_t count, double value) {
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  const vulkan::BufferRef buffer = must(device.pool().allocate(count * size, vulkan::BufferUse::kUpload, true));
  for (size_t i = 0; i < count; ++i) {
    const double number = value * (1 + static_cast<double>(i % 97) / 97);
    const auto narrow = static_cast<float>(number);
    std::memcpy(buffer->mapped() + i * size, size == 8 ? static_cast<const void*>(&number) : &narrow, size);
  }
  return buffer;
}

double step_us(vulkan::Device& device, const std::shared_ptr<chain::DeviceModel>& model, chain::ChainRequest& request) {
  const auto time = [&](int64_t steps) {
    request.steps = steps;
    const auto start = std::chrono::steady_clock::now();
    must(chain::run_chains(device, model, request, Deadline::after_ms(300'000)));
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  };
  time(1);
  const double one = time(16) / 16;
  const auto steps = static_cast<int64_t>(300'000 / one) + 1;
  return time(steps) / static_cast<double>(steps);
}

int run(int argc, char** argv) {
  vulkan::DeviceOptions options;
  options.selector = argc > 1 ? argv[1] : "";
  const auto device = must(vulkan::Device::create(options));
  const chain::Family family = must(chain::load_family(argc > 2 ? argv[2] : "specs/families/normal.json"));
  const std::string dimension = argc > 3 ? argv[3] : "d";
  std::printf("%s, driver %s, %s\n", device->info().name.c_str(), device->info().driver.c_str(), family.name.c_str());
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const int64_t size : {1, 10, 100}) {
      const chain::Binding binding = must(chain::bind(family, {.dimensions = {{dimension, size}}}));
      auto model = must(chain::DeviceModel::make(*device, family.program, binding, dtype));
      const size_t d = model->coordinates();
      for (const int64_t chains : {1, 1024}) {
        const size_t all = d * static_cast<size_t>(chains);
        chain::ChainRequest request{.chains = chains, .coordinates = static_cast<int64_t>(d), .last_only = true};
        request.position = numbers(*device, dtype, all, 0.2);
        request.momentum = numbers(*device, dtype, all, 0.3);
        request.inverse_mass = numbers(*device, dtype, d, 1);
        request.step_size = numbers(*device, dtype, 1, 0.01);
        const bool threads = must(chain::run_chains(*device, model, request, Deadline::after_ms(300'000))).mapping ==
                             chain::Mapping::kThread;
        request.mapping = chain::Mapping::kThread;
        const double by_thread = step_us(*device, model, request);
        request.mapping = chain::Mapping::kWorkgroup;
        const double by_group = step_us(*device, model, request);
        std::printf("%s d %-4zu chains %-5lld %10.2f us by thread%s %10.2f us by workgroup%s\n",
                    std::string(dtype_name(dtype)).c_str(), d, static_cast<long long>(chains), by_thread,
                    threads ? " (chosen)" : "         ", by_group, threads ? "" : " (chosen)");
        std::fflush(stdout);
      }
    }
  return 0;
}

}  // namespace
}  // namespace gpu_node

int main(int argc, char** argv) { return gpu_node::run(argc, argv); }
