// Times leapfrog steps on one device, in every mapping, beside the same steps in plain C++ on one core.
//
//   chain_bench [DEVICE [FOLDER]]
//
// DEVICE: an index or a part of a name ("": the first). FOLDER: where the families are (specs/families). Prints
// microseconds for one step of all chains, waits and all, for the normal family and the eight schools; what the
// program would choose has a star. What would take too long, or more memory than a buffer has, is skipped: "-".
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench/host_leapfrog.h"
#include "bench/must.h"
#include "chain/chain_run.h"
#include "chain/family.h"

namespace gpu_node {
namespace {

using ModelRef = std::shared_ptr<chain::DeviceModel>;

constexpr chain::Mapping kAll[] = {chain::Mapping::kThread, chain::Mapping::kSubgroup, chain::Mapping::kWorkgroup};
constexpr double kStepSize = 0.0625;
constexpr double kMostStepUs = 300'000;  // of a step that is worth waiting for
constexpr double kMeasureUs = 120'000;   // that a measurement takes
constexpr uint64_t kMostNumbers = uint64_t{1} << 24;

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What coordinate |i| of all begins with.
double first_position(size_t i) { return 0.2 * (1 + static_cast<double>(i % 97) / 97); }
double first_momentum(size_t i) { return 0.3 * (1 - static_cast<double>(i % 89) / 89); }

// |count| numbers in the device's own memory.
template <typename Number>
vulkan::BufferRef numbers(vulkan::Device& device, Dtype dtype, size_t count, Number number) {
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  const vulkan::BufferRef staging = must(device.pool().allocate(count * size, vulkan::BufferUse::kUpload, true));
  for (size_t i = 0; i < count; ++i) {
    const double wide = number(i);
    const auto narrow = static_cast<float>(wide);
    std::memcpy(staging->mapped() + i * size, size == 8 ? static_cast<const void*>(&wide) : &narrow, size);
  }
  const vulkan::BufferRef buffer = must(device.pool().allocate(count * size, vulkan::BufferUse::kDevice));
  must(device.recorder().copy(staging, 0, buffer, 0, count * size));
  return buffer;
}

double first_logp(vulkan::Device& device, Dtype dtype, const vulkan::BufferRef& buffer) {
  const vulkan::BufferRef host = must(device.pool().allocate(8, vulkan::BufferUse::kDownload));
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  must(device.recorder().copy(buffer, 0, host, 0, size));
  must(device.recorder().make_host_visible());
  must(device.recorder().wait(must(device.recorder().submit()), Deadline::after_ms(60'000)));
  double wide = 0;
  float narrow = 0;
  std::memcpy(size == 8 ? static_cast<void*>(&wide) : &narrow, host->mapped(), size);
  return size == 8 ? wide : narrow;
}

struct Row {
  const char* name;
  const char* file;
  Dtype dtype = Dtype::f32;
  int64_t d = 1;
  int64_t chains = 1;
};

struct Measured {
  double us[chain::kMappings] = {};  // 0: skipped
  chain::Mapping chosen = chain::Mapping::kThread;
  double host_us = 0;
};

// One step of all chains: what a long run takes more than one of a single step.
double device_step_us(vulkan::Device& device, const ModelRef& model, chain::ChainRequest request) {
  const auto time = [&](int64_t steps) {
    request.steps = steps;
    const double start = now_us();
    must(chain::run_chains(device, model, request, Deadline::after_ms(300'000)));
    return now_us() - start;
  };
  time(1);  // the driver compiles at the first dispatch
  const double one = time(1);
  for (int64_t steps = one < kMeasureUs ? 8 : 3;; steps *= 8) {
    const double more = time(steps) - one;
    if (more > kMeasureUs / 8 || steps > 10'000'000) return std::max(more, 1e-3) / static_cast<double>(steps - 1);
  }
}

template <typename T, typename Model>
double host_step_us(size_t d, int64_t chains, int64_t steps, double& last_logp) {
  const auto some =
      static_cast<size_t>(std::min<int64_t>(chains, std::max<int64_t>(1, static_cast<int64_t>((size_t{1} << 22) / d))));
  std::vector<T> q(some * d), p(some * d), g(some * d), mass(d, 1);
  const auto start_again = [&] {
    for (size_t i = 0; i < some * d; ++i) {
      q[i] = static_cast<T>(first_position(i));
      p[i] = static_cast<T>(first_momentum(i));
    }
    for (size_t c = 0; c < some; ++c) Model::density(q.data() + c * d, g.data() + c * d, d);
  };
  const auto run = [&](size_t count) {
    T logp = 0;
    for (size_t c = some; c-- > 0;)
      logp = host_leapfrog<T, Model>(&q[c * d], &p[c * d], &g[c * d], mass.data(), d, T(kStepSize), count);
    return logp;
  };
  start_again();
  last_logp = run(static_cast<size_t>(steps));
  start_again();
  size_t count = 1;
  for (;; count *= 4) {
    const double start = now_us();
    volatile T keep = run(count);
    static_cast<void>(keep);
    const double took = now_us() - start;
    if (took > 20'000)
      return took / static_cast<double>(count) * static_cast<double>(chains) / static_cast<double>(some);
  }
}

double host_us(const Row& row, int64_t steps, double& last_logp) {
  const auto d = static_cast<size_t>(row.d);
  const bool wide = row.dtype == Dtype::f64;
  if (std::strcmp(row.name, "normal") == 0)
    return wide ? host_step_us<double, HostNormal<double>>(d, row.chains, steps, last_logp)
                : host_step_us<float, HostNormal<float>>(d, row.chains, steps, last_logp);
  return wide ? host_step_us<double, HostEightSchools<double>>(d, row.chains, steps, last_logp)
              : host_step_us<float, HostEightSchools<float>>(d, row.chains, steps, last_logp);
}

// Whether device and host compute the same thing; a bench of something else says nothing.
void check_same(const Row& row, double found, double wanted) {
  const double off = std::fabs(found - wanted) / std::fmax(1, std::fabs(wanted));
  if (off < (row.dtype == Dtype::f64 ? 1e-9 : 1e-3)) return;
  std::fprintf(stderr, "%s: the device says %.15g, plain C++ %.15g\n", row.name, found, wanted);
  std::exit(1);
}

Measured measure(vulkan::Device& device, const ModelRef& model, const Row& row, const Measured& fewer, double more) {
  const auto d = static_cast<size_t>(row.d), all = d * static_cast<size_t>(row.chains);
  Measured measured;
  chain::ChainRequest request{.chains = row.chains, .coordinates = row.d, .last_only = true};
  request.position = numbers(device, row.dtype, all, first_position);
  request.momentum = numbers(device, row.dtype, all, first_momentum);
  request.inverse_mass = numbers(device, row.dtype, d, [](size_t) { return 1; });
  request.step_size = numbers(device, row.dtype, 1, [](size_t) { return kStepSize; });
  request.steps = 3;
  double wanted = 0;
  measured.host_us = host_us(row, request.steps, wanted);
  const chain::ChainResult result = must(chain::run_chains(device, model, request, Deadline::after_ms(300'000)));
  measured.chosen = result.mapping;
  check_same(row, first_logp(device, row.dtype, result.logp), wanted);
  for (const chain::Mapping mapping : kAll) {
    const auto i = static_cast<size_t>(mapping);
    if (more > 0 && (fewer.us[i] == 0 || fewer.us[i] * more > kMostStepUs)) continue;
    if (mapping == chain::Mapping::kSubgroup && !device.info().has_subgroup_shuffle) continue;
    request.mapping = mapping;
    measured.us[i] = device_step_us(device, model, request);
  }
  return measured;
}

struct Regret {
  double most = 1;
  int rows = 0, right = 0;
};

void print(const Row& row, const Measured& measured, Regret& regret) {
  std::printf("%-13s %s %5lld %6lld |", row.name, std::string(dtype_name(row.dtype)).c_str(),
              static_cast<long long>(row.d), static_cast<long long>(row.chains));
  double best = 0;
  for (const chain::Mapping mapping : kAll) {
    const double us = measured.us[static_cast<size_t>(mapping)];
    if (us > 0)
      std::printf(" %10.2f%c", us, mapping == measured.chosen ? '*' : ' ');
    else
      std::printf(" %10s%c", "-", mapping == measured.chosen ? '*' : ' ');
    if (us > 0 && (best == 0 || us < best)) best = us;
  }
  const double chosen = measured.us[static_cast<size_t>(measured.chosen)];
  const double us = chosen > 0 ? chosen : best;
  std::printf("| %10.3g | %10.2f %8.2f\n", static_cast<double>(row.chains) / us * 1e6, measured.host_us,
              measured.host_us / us);
  std::fflush(stdout);
  if (chosen == 0) return;
  ++regret.rows;
  regret.right += chosen <= best * 1.1 ? 1 : 0;
  regret.most = std::max(regret.most, chosen / best);
}

void bench(vulkan::Device& device, const std::string& folder, Row row, Regret& regret) {
  const chain::Family family = must(chain::load_family(folder + "/" + row.file));
  chain::Inputs inputs;
  if (row.d > 0) inputs.dimensions = {{"d", row.d}};
  const chain::Binding binding = must(chain::bind(family, inputs));
  auto model = must(chain::DeviceModel::make(device, family.program, binding, row.dtype));
  row.d = model->coordinates();
  Measured last;
  double before = 0;
  for (const int64_t chains : {1, 32, 1024, 16384, 65536}) {
    if (static_cast<uint64_t>(chains * row.d) > kMostNumbers) break;
    row.chains = chains;
    last = measure(device, model, row, last, before > 0 ? static_cast<double>(chains) / before : 0);
    if (std::all_of(std::begin(last.us), std::end(last.us), [](double us) { return us == 0; })) break;
    before = static_cast<double>(chains);
    print(row, last, regret);
  }
}

int run(int argc, char** argv) {
  vulkan::DeviceOptions options;
  options.selector = argc > 1 ? argv[1] : "";
  const std::string folder = argc > 2 ? argv[2] : "specs/families";
  const auto device = must(vulkan::Device::create(options));
  std::printf("%s, driver %s: microseconds for one leapfrog step of all chains (*: chosen, -: skipped)\n",
              device->info().name.c_str(), device->info().driver.c_str());
  std::printf("%-13s %s %5s %6s | %10s  %10s  %10s | %10s | %10s %8s\n", "model", "   ", "d", "chains", "thread",
              "subgroup", "workgroup", "gradients/s", "C++ 1 core", "speed-up");
  Regret regret;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    for (const int64_t d : {1, 10, 100, 1000}) bench(*device, folder, {"normal", "normal.json", dtype, d}, regret);
    bench(*device, folder, {"eight schools", "eight_schools_noncentered.json", dtype, 0}, regret);
  }
  std::printf(
      "the chosen mapping is the best, or within a tenth of it, in %d of %d rows; at worst it takes %.2f times as "
      "long\n",
      regret.right, regret.rows, regret.most);
  return 0;
}

}  // namespace
}  // namespace gpu_node

int main(int argc, char** argv) { return gpu_node::run(argc, argv); }
