#include "gpu/chain_case.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "gpu/device.h"
#include "source_folder.h"

namespace gpu_node::test {
namespace {

vulkan::BufferRef upload_as(Dtype dtype, const std::vector<double>& numbers) {
  if (dtype == Dtype::f64) return upload(device(), numbers);
  return upload(device(), std::vector<float>(numbers.begin(), numbers.end()));
}

std::vector<double> download_from(Dtype dtype, const vulkan::BufferRef& buffer) {
  if (dtype == Dtype::f64) return download_as<double>(device(), buffer, buffer->size_bytes() / 8);
  const std::vector<float> numbers = download_as<float>(device(), buffer, buffer->size_bytes() / 4);
  return {numbers.begin(), numbers.end()};
}

void append(std::vector<double>& list, const std::vector<double>& more, size_t from, size_t count) {
  list.insert(list.end(), more.begin() + static_cast<ptrdiff_t>(from),
              more.begin() + static_cast<ptrdiff_t>(from + count));
}

double furthest(const std::vector<double>& found, const std::vector<double>& wanted) {
  REQUIRE(found.size() == wanted.size());
  double most = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double off = std::fabs(found[i] - wanted[i]) / std::fmax(1, std::fabs(wanted[i]));
    most = std::isnan(off) ? INFINITY : std::fmax(most, off);
  }
  return most;
}

}  // namespace

chain::Family load_family(const std::string& name) {
  return must(chain::load_family(source_folder() + "/specs/families/" + name + ".json"));
}

ChainCase::ChainCase(const std::string& name, const chain::Inputs& inputs) : ChainCase(load_family(name), inputs) {}

ChainCase::ChainCase(chain::Family own, const chain::Inputs& inputs)
    : family(std::move(own)), binding(must(chain::bind(family, inputs))) {}

ChainCase example_case(const std::string& name) {
  chain::Family family = load_family(name);
  const chain::Inputs inputs = family.example->inputs;
  return {std::move(family), inputs};
}

ChainStart random_start(size_t coordinates, int64_t chains, int64_t steps, uint32_t seed, double spread) {
  std::mt19937 generator(seed);
  const auto numbers = [&](size_t count, double low, double high) {
    std::vector<double> list(count);
    // Numbers that f32 has too.
    for (double& number : list) number = static_cast<float>(low + (high - low) * (generator() % 65536) / 65536.0);
    return list;
  };
  const size_t all = coordinates * static_cast<size_t>(chains);
  ChainStart start{.chains = chains, .steps = steps};
  start.position = numbers(all, -spread, spread);
  start.momentum = numbers(all, -1, 1);
  start.inverse_mass = numbers(coordinates, 0.5, 1.5);
  start.step_size = {0.03125};
  return start;
}

std::vector<chain::Mapping> mappings() {
  using enum chain::Mapping;
  if (device().info().has_subgroup_shuffle) return {kThread, kSubgroup, kWorkgroup};
  return {kThread, kWorkgroup};
}

ChainRun run_on_device(const std::shared_ptr<chain::DeviceModel>& model, const ChainStart& start, double aim_ms) {
  const Dtype dtype = model->dtype();
  const size_t d = model->coordinates();
  chain::ChainRequest request{.chains = start.chains,
                              .steps = start.steps,
                              .coordinates = static_cast<int64_t>(d),
                              .last_only = start.last_only,
                              .own_mass = start.inverse_mass.size() != d,
                              .own_step = start.step_size.size() != 1,
                              .mapping = start.mapping,
                              .most_chains = start.most_chains};
  request.position = upload_as(dtype, start.position);
  request.momentum = upload_as(dtype, start.momentum);
  request.inverse_mass = upload_as(dtype, start.inverse_mass);
  request.step_size = upload_as(dtype, start.step_size);
  const auto result = must(chain::run_chains(device(), model, request, Deadline::after_ms(120'000), aim_ms));
  return {download_from(dtype, result.positions), download_from(dtype, result.momenta),
          download_from(dtype, result.gradients), download_from(dtype, result.logp), result.dispatches};
}

ChainRun run_on_device(const ChainCase& chains, Dtype dtype, const ChainStart& start) {
  return run_on_device(must(chain::DeviceModel::make(device(), chains.family.program, chains.binding, dtype)), start);
}

ChainRun run_on_host(const ChainCase& chains, const ChainStart& start) {
  auto evaluator = must(chain::Evaluator::make(chains.family.program, chains.binding));
  const size_t d = chains.coordinates();
  ChainRun run;
  for (size_t c = 0; c < static_cast<size_t>(start.chains); ++c) {
    const std::span<const double> mass(start.inverse_mass);
    const auto trajectory = must(chain::leapfrog(evaluator, std::span(start.position).subspan(c * d, d),
                                                 std::span(start.momentum).subspan(c * d, d),
                                                 mass.size() == d ? mass : mass.subspan(c * d, d),
                                                 start.step_size[start.step_size.size() == 1 ? 0 : c], start.steps));
    const size_t rows = start.last_only ? 1 : static_cast<size_t>(start.steps);
    const size_t skipped = static_cast<size_t>(start.steps) - rows;
    append(run.positions, trajectory.positions, skipped * d, rows * d);
    append(run.momenta, trajectory.momenta, skipped * d, rows * d);
    append(run.gradients, trajectory.gradients, skipped * d, rows * d);
    append(run.logp, trajectory.logp, skipped, rows);
  }
  return run;
}

void check_close(const ChainRun& found, const ChainRun& wanted, double tolerance) {
  CHECK(furthest(found.positions, wanted.positions) <= tolerance);
  CHECK(furthest(found.momenta, wanted.momenta) <= tolerance);
  CHECK(furthest(found.gradients, wanted.gradients) <= tolerance);
  CHECK(furthest(found.logp, wanted.logp) <= tolerance);
}

}  // namespace gpu_node::test
