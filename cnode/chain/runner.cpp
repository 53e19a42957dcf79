// Allocation, checks, and the pace: a dispatch runs as many steps as are expected to take kAimedMs.
#include "chain/runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/file.h"
#include "chain/evaluator.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::chain {
namespace {

constexpr double kAimedMs = 40;
constexpr double kLongestMs = 100;
constexpr uint32_t kThreads = 32;  // of a workgroup that runs a chain in each

Error invalid(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

Result<vulkan::BufferRef> upload(vulkan::Device& device, std::span<const std::byte> bytes) {
  const uint64_t size = std::max<uint64_t>(bytes.size(), 8);
  GPU_ASSIGN(vulkan::BufferRef buffer, device.pool().allocate(size, vulkan::BufferUse::kDevice, true));
  if (bytes.empty()) return buffer;
  if (buffer->mapped() != nullptr) {
    std::memcpy(buffer->mapped(), bytes.data(), bytes.size());
    return buffer;
  }
  GPU_ASSIGN(const vulkan::BufferRef staging, device.pool().allocate(size, vulkan::BufferUse::kUpload, true));
  std::memcpy(staging->mapped(), bytes.data(), bytes.size());
  GPU_TRY(device.recorder().copy(staging, 0, buffer, 0, bytes.size()));
  return buffer;
}

Result<void> check_buffer(const vulkan::BufferRef& buffer, const char* name, uint64_t numbers, uint64_t size_bytes) {
  if (buffer == nullptr) return invalid(std::string(name) + " is missing");
  if (buffer->size_bytes() != numbers * size_bytes)
    return invalid(std::string(name) + " has " + std::to_string(buffer->size_bytes()) + " bytes, not " +
                   std::to_string(numbers) + " numbers of " + std::to_string(size_bytes));
  return {};
}

}  // namespace

Result<ChainModel> ChainModel::make(vulkan::Device& device, const Program& program, const Binding& binding, Dtype dtype,
                                    uint64_t most_iterations) {
  ChainModel model;
  model.program_ = &program;
  model.dtype_ = dtype;
  model.schedule_ = make_schedule(program);
  GPU_ASSIGN(model.launch_, plan_launch(program, model.schedule_, binding, device.info(), most_iterations));
  GPU_ASSIGN(const auto known_values, fixed_values(program, binding, model.schedule_.known));
  std::vector<std::byte> known;
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  const auto add = [&](const auto number) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&number);
    known.insert(known.end(), bytes, bytes + sizeof(number));
  };
  for (size_t i = 0; i < model.schedule_.known.size(); ++i) {
    const std::vector<double>& numbers = known_values[i];
    if (numbers.size() != model.launch_.known_counts[i])
      return Error{ErrorCode::kInternal, "a known value has another size than was planned"};
    for (const double number : numbers)
      if (size == 8)
        add(number);
      else
        add(static_cast<float>(number));
  }
  if (known.size() > device.info().max_storage_range)
    return Error{ErrorCode::kUnsupported, "the data takes " + std::to_string(known.size()) + " bytes, the device has " +
                                              std::to_string(device.info().max_storage_range) + " for one buffer"};
  GPU_ASSIGN(model.known_, upload(device, known));
  GPU_ASSIGN(model.words_, upload(device, std::as_bytes(std::span(model.launch_.words))));
  return model;
}

Result<vulkan::KernelSource> ChainModel::source(const vulkan::Device& device, Mapping mapping) const {
  return emit_program(*program_, schedule_, {dtype_, mapping, launch_.lanes}, device.info());
}

Result<const vulkan::Kernel*> ChainModel::kernel(vulkan::Device& device, Mapping mapping, Deadline deadline) {
  const vulkan::Kernel*& known = kernels_[static_cast<size_t>(mapping)];
  if (known != nullptr) return known;
  GPU_ASSIGN(vulkan::KernelSource text, source(device, mapping));
  const std::string key = "chain " + sha256_hex(text.glsl);
  const auto pending =
      device.kernels().request(key, [text = std::move(text)]() -> Result<vulkan::KernelSource> { return text; });
  if (pending.wait_for(std::chrono::milliseconds(deadline.remaining_ms())) != std::future_status::ready)
    return Error{ErrorCode::kDeadline, "the chain's kernel did not compile in time"};
  const auto& outcome = pending.get();
  if (!outcome.ok()) return outcome.error();
  known = outcome->get();
  return known;
}

Result<void> ChainModel::check(const ChainRequest& request, const vulkan::DeviceInfo& device) const {
  constexpr int64_t kMost = int64_t{1} << 30;
  const auto d = static_cast<uint64_t>(launch_.coordinates);
  if (request.coordinates != static_cast<int64_t>(d))
    return invalid("position has " + std::to_string(request.coordinates) + " coordinates for each chain, the model " +
                   std::to_string(d));
  if (request.steps < 1 || request.steps > kMost)
    return invalid("steps are " + std::to_string(request.steps) + "; 1 to " + std::to_string(kMost) + " is possible");
  if (request.chains < 1 || request.chains > kMost)
    return invalid("chains are " + std::to_string(request.chains) + "; 1 to " + std::to_string(kMost) + " is possible");
  const auto size = static_cast<uint64_t>(dtype_size_bytes(dtype_));
  const auto chains = static_cast<uint64_t>(request.chains);
  const uint64_t rows = request.last_only ? 1 : static_cast<uint64_t>(request.steps);
  const uint64_t limit = std::min<uint64_t>(device.max_storage_range, size << 32) / size;
  if (chains * d > limit || rows > limit / (chains * d))
    return Error{ErrorCode::kUnsupported, std::to_string(chains) + " chains of " + std::to_string(rows) + " rows of " +
                                              std::to_string(d) + " numbers are more than the " +
                                              std::to_string(limit) + " that a buffer of the device holds"};
  if (launch_.chain_slots > limit)
    return Error{ErrorCode::kUnsupported, "one chain needs " + std::to_string(launch_.chain_slots) +
                                              " numbers, more than a buffer of the device holds"};
  GPU_TRY(check_buffer(request.position, "position", chains * d, size));
  GPU_TRY(check_buffer(request.momentum, "momentum", chains * d, size));
  GPU_TRY(check_buffer(request.inverse_mass, "inverse mass", request.own_mass ? chains * d : d, size));
  return check_buffer(request.step_size, "step size", request.own_step ? chains : 1, size);
}

Result<ChainResult> ChainModel::run(vulkan::Device& device, const ChainRequest& request, Deadline deadline) {
  const vulkan::DeviceInfo& info = device.info();
  GPU_TRY(check(request, info));
  const auto size = static_cast<uint64_t>(dtype_size_bytes(dtype_));
  const auto chains = static_cast<uint64_t>(request.chains);
  ChainResult result;
  result.mapping = request.mapping ? *request.mapping : choose_mapping(schedule_, launch_, chains, info);
  GPU_ASSIGN(const Rounds rounds, plan_rounds(schedule_, launch_, result.mapping));
  Batch batch;
  batch.rounds = &rounds;
  GPU_ASSIGN(batch.kernel, kernel(device, result.mapping, deadline));
  result.rows = request.last_only ? 1 : request.steps;
  const uint64_t row_numbers = chains * static_cast<uint64_t>(result.rows);
  const auto allocate = [&](uint64_t numbers) {
    return device.pool().allocate(numbers * size, vulkan::BufferUse::kDevice);
  };
  GPU_ASSIGN(result.positions, allocate(row_numbers * launch_.coordinates));
  GPU_ASSIGN(result.momenta, allocate(row_numbers * launch_.coordinates));
  GPU_ASSIGN(result.gradients, allocate(row_numbers * launch_.coordinates));
  GPU_ASSIGN(result.logp, allocate(row_numbers));
  const uint64_t state_limit = std::min<uint64_t>(info.max_storage_range / size, uint64_t{1} << 28);
  const uint64_t wanted =
      request.most_chains > 0 ? std::min(static_cast<uint64_t>(request.most_chains), chains) : chains;
  const uint64_t at_once = std::clamp<uint64_t>(state_limit / launch_.chain_slots, 1, wanted);
  GPU_ASSIGN(const vulkan::BufferRef state, allocate(at_once * launch_.chain_slots));
  const vulkan::BufferRef* const buffers[kChainBuffers] = {&known_,
                                                           &words_,
                                                           &state,
                                                           &request.position,
                                                           &request.momentum,
                                                           &request.inverse_mass,
                                                           &request.step_size,
                                                           &result.positions,
                                                           &result.momenta,
                                                           &result.gradients,
                                                           &result.logp};
  for (size_t i = 0; i < kChainBuffers; ++i)
    batch.ranges[i] = {buffers[i], 0, (*buffers[i])->size_bytes(),
                       i == 2 || i >= static_cast<size_t>(ChainBuffer::kPositions)};
  batch.push.coordinates = launch_.coordinates;
  batch.push.chain_slots = launch_.chain_slots;
  batch.push.rows = static_cast<uint32_t>(result.rows);
  batch.push.last = static_cast<uint32_t>(request.steps);
  batch.push.mass_stride = request.own_mass ? launch_.coordinates : 0;
  batch.push.step_stride = request.own_step ? 1 : 0;
  for (uint64_t first = 0; first < chains; first += at_once) {
    batch.push.batch_first = static_cast<uint32_t>(first);
    batch.push.batch = static_cast<uint32_t>(std::min(at_once, chains - first));
    GPU_TRY(run_batch(device, batch, result, deadline));
  }
  return result;
}

Result<void> ChainModel::run_batch(vulkan::Device& device, Batch batch, ChainResult& result, Deadline deadline) {
  using Clock = std::chrono::steady_clock;
  vulkan::Recorder& recorder = device.recorder();
  ChainPush& push = batch.push;
  const uint32_t per_group = result.mapping == Mapping::kThread ? kThreads : 1;
  const auto& most = device.info().max_groups;
  const uint64_t most_groups = uint64_t{most[0]} * most[1];
  uint64_t window = std::min<uint64_t>(push.batch, most_groups * per_group);
  // One dispatch, waited for so that its time says how long the next may be.
  const auto dispatch = [&](uint64_t& dispatched) -> Result<double> {
    const uint64_t groups = (push.chain_end - push.chain_first + per_group - 1) / per_group;
    const auto x = static_cast<uint32_t>(std::min<uint64_t>(groups, most[0]));
    const auto y = static_cast<uint32_t>((groups + x - 1) / x);
    const Clock::time_point start = Clock::now();
    GPU_TRY(recorder.dispatch(*batch.kernel, batch.ranges, std::as_bytes(std::span(&push, 1)), x, y, 1));
    GPU_ASSIGN(const uint64_t value, recorder.submit());
    GPU_TRY(recorder.wait(value, deadline));
    ++dispatched;
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    result.longest_ms = std::max(result.longest_ms, ms);
    return ms;
  };
  const uint64_t end = uint64_t{push.last} + 1;
  for (uint64_t first = 0; first < push.batch;) {
    push.chain_first = static_cast<uint32_t>(first);
    push.chain_end = static_cast<uint32_t>(std::min<uint64_t>(first + window, push.batch));
    uint64_t count = 1;
    for (uint64_t round = 0; round < end;) {
      push.round_first = static_cast<uint32_t>(round);
      push.round_end = static_cast<uint32_t>(std::min(round + count, end));
      double ms = 0;
      for (const Piece& piece : batch.rounds->pieces) {
        push.stage_first = piece.stage_first;
        push.stage_end = piece.stage_end;
        push.begin = piece.begin;
        push.end = piece.end;
        push.inner_begin = piece.inner_begin;
        push.inner_end = piece.inner_end;
        GPU_ASSIGN(const double took, dispatch(result.dispatches));
        ms = std::max(ms, took);
      }
      const double one = ms / static_cast<double>(push.round_end - push.round_first);
      round = push.round_end;
      count = std::clamp<uint64_t>(static_cast<uint64_t>(kAimedMs / std::max(one, 1e-4)), 1, batch.rounds->most_in_one);
      if (one > kLongestMs) window = std::max<uint64_t>(per_group, window / 2);
    }
    first = push.chain_end;
  }
  return {};
}

}  // namespace gpu_node::chain
