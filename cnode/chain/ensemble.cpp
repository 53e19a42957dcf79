// What is recorded for all chains; ensemble_plan.cpp has their memory.
#include "chain/ensemble.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/concat.h"
#include "base/divide_up.h"
#include "chain/ensemble_parts.h"

namespace gpu_node::chain {
namespace {

enum Setting : size_t { kStep, kInverseMass, kMassRoot, kCentre };

// Workgroups of a row: so few that a part has many rows, and not so few that they are too many.
constexpr double kRowsOfPart = 16;
constexpr uint64_t kMostOfRow = 1024;

}  // namespace

Result<bool> Ensemble::ready(vulkan::Device& device) {
  using Emitted = Result<vulkan::KernelSource>;
  using vulkan::KernelAuthor;
  if (leapfrog_ == nullptr) {
    GPU_ASSIGN(leapfrog_, model_->kernel(device, shape_.mapping));
  }
  bool all = leapfrog_ != nullptr;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    jobs::AwaitedKernel& mine = kernels_[kind];
    if (!mine.asked()) {
      static constexpr const char* kNames[kKinds] = {"turn", "reduce", "keep", "start", "check", "steps"};
      std::string key = std::string("sampler_") + kNames[kind] + " " + std::string(dtype_info(shape_.dtype).name);
      if (kind == kTurn) key += concat(" ", name_of(shape_.mapping), " ", shape_.lanes);
      if (kind == kKeep) key += concat(" ", transforms_);
      // What a family's variables are made of is as manifold as families are.
      const vulkan::Asker asker{model_->owner(), kind == kKeep ? KernelAuthor::kClient : KernelAuthor::kNode};
      mine.ask(device.kernels().request(
          key,
          [kind, shape = shape_, transforms = transforms_, info = device.info()]() -> Emitted {
            if (kind == kTurn) return emit_turn(shape, info);
            if (kind == kReduce) return emit_reduce(shape.dtype, info);
            if (kind == kCheck) return emit_check(shape.dtype, info);
            if (kind == kSteps) return emit_steps(shape.dtype, info);
            return kind == kKeep ? emit_keep(shape.dtype, transforms, info) : emit_start(shape.dtype, info);
          },
          asker));
    }
    GPU_ASSIGN(const vulkan::Kernel* found, mine.look());
    all = all && found != nullptr;
  }
  GPU_TRY(allocate_scratch(device));
  return all;
}

Result<void> Ensemble::settings(vulkan::Device& device, const Adaptation& adaptation) {
  vulkan::BufferRef to = settings_;
  if (to->mapped() == nullptr) {
    GPU_ASSIGN(to, device.pool().allocate(settings_bytes_, vulkan::BufferUse::kUpload, true));
  }
  const std::vector<double>& inverse_mass = adaptation.inverse_mass();
  std::vector<double> root(inverse_mass.size());
  std::transform(inverse_mass.begin(), inverse_mass.end(), root.begin(), [](double m) { return 1 / std::sqrt(m); });
  const double step = adaptation.step_size();
  write_numbers(to->mapped() + setting_at_[kStep], shape_.dtype, {&step, 1});
  write_numbers(to->mapped() + setting_at_[kInverseMass], shape_.dtype, inverse_mass);
  write_numbers(to->mapped() + setting_at_[kMassRoot], shape_.dtype, root);
  write_numbers(to->mapped() + setting_at_[kCentre], shape_.dtype, adaptation.centre());
  result_.step_size = step;
  result_.path_length = adaptation.path_length();
  result_.inverse_mass = inverse_mass;
  if (to == settings_) return {};
  return device.recorder().copy(to, 0, settings_, 0, settings_bytes_);
}

vulkan::BufferRange Ensemble::setting(size_t i) const {
  return {&settings_, setting_at_[i], (i == kStep ? 1 : d_) * size_, false};
}

vulkan::BufferRange Ensemble::rows(const vulkan::BufferRef& buffer, const Batch& batch, uint64_t numbers,
                                   bool written) const {
  return {&buffer, batch.first * numbers * size_, batch.chains * numbers * size_, written};
}

vulkan::BufferRange Ensemble::byte_rows(const vulkan::BufferRef& buffer, const Batch& batch, uint64_t each) {
  return {&buffer, batch.first * each, batch.chains * each, true};
}

const Ensemble::Batch& Ensemble::batch_of(uint64_t chain) const {
  return batches_[static_cast<size_t>(chain / batch_chains_)];
}

Walk Ensemble::walk(const vulkan::DeviceInfo& device) const {
  const Launch& launch = model_->launch();
  return {rounds_, round_cost(model_->schedule(), launch, shape_.mapping, shape_.dtype, device),
          launch.chains_per_group(shape_.mapping)};
}

Result<void> Ensemble::go_on(vulkan::Device& device, jobs::Spending& spending) {
  if (const Copy* copy = std::get_if<Copy>(&queue_.front())) {
    GPU_TRY(device.recorder().copy(copy->from, copy->from_offset, copy->to, copy->to_offset, copy->bytes));
    queue_.pop_front();
    return {};
  }
  if (const Clear* clear = std::get_if<Clear>(&queue_.front())) {
    GPU_TRY(device.recorder().fill(clear->buffer, 0, clear->bytes, 0));
    queue_.pop_front();
    return {};
  }
  GPU_ASSIGN(const bool done, record(device, std::get<Whole>(queue_.front()), spending));
  if (done) queue_.pop_front();
  return {};
}

// Kernels number their workgroups by gl_NumWorkGroups.x, which a part along y leaves as it is.
Result<bool> Ensemble::record(vulkan::Device& device, Whole& whole, jobs::Spending& spending) {
  const vulkan::Kernel& kernel = *kernels_[whole.kind].get();
  const double each = whole.units / static_cast<double>(whole.groups);
  const double left = whole.rows == 0 ? whole.units : each * whole.row * (whole.rows - whole.at);
  const double wanted = spending.units(kernel, left) / each;
  if (whole.rows == 0) {
    const auto& most = device.info().max_groups;
    const uint64_t least = divide_up<uint64_t>(whole.groups, most[1]);
    const double row = std::clamp(wanted / kRowsOfPart, 1.0, static_cast<double>(kMostOfRow));
    whole.row =
        static_cast<uint32_t>(std::min({std::max(static_cast<uint64_t>(row), least), whole.groups, uint64_t{most[0]}}));
    whole.rows = static_cast<uint32_t>(divide_up<uint64_t>(whole.groups, whole.row));
  }
  const auto rows = static_cast<uint32_t>(std::clamp<double>(wanted / whole.row, 1, whole.rows - whole.at));
  const vulkan::Grid part = {{whole.row, rows, 1}, each * whole.row * rows, {0, whole.at, 0}};
  GPU_TRY(device.recorder().dispatch(kernel, whole.ranges, whole.push, part));
  whole.at += rows;
  return whole.at == whole.rows;
}

uint32_t Ensemble::logp_slot() const {
  const Words words(model_->program(), model_->schedule());
  return model_->launch().words[words.slots + model_->schedule().logp_slot];
}

Result<void> Ensemble::follow(vulkan::Device& device, Walk& walk, jobs::Spending& spending) {
  const Batch& batch = batch_of(walk.chain());
  const Launch& launch = model_->launch();
  const uint64_t per_group = launch.chains_per_group(shape_.mapping);
  const uint64_t most = std::min(batch.first + batch.chains - walk.chain(), most_groups_ * per_group);
  const Part part = walk.next(spending.units(*leapfrog_, walk.units()), most);
  const Piece& piece = rounds_.pieces[part.piece];
  const vulkan::BufferRef& from = options_.position != nullptr ? options_.position : result_.position;
  const vulkan::BufferRange position = rows(from, batch, d_, false);
  const vulkan::BufferRange nothing = whole(unused_, false);
  const std::array<vulkan::BufferRange, kChainBuffers> ranges = {
      whole(model_->known(), false),
      whole(model_->words(), false),
      whole(batch.state, true),
      position,
      position,
      setting(kInverseMass),
      own_steps_ ? whole(batch.steps, false) : setting(kStep),
      nothing,
      nothing,
      nothing,
      nothing};
  ChainPush push;
  push.batch = static_cast<uint32_t>(batch.chains);
  push.chain_first = static_cast<uint32_t>(part.first - batch.first);
  push.chain_end = static_cast<uint32_t>(part.first - batch.first + part.chains);
  push.coordinates = static_cast<uint32_t>(d_);
  push.chain_slots = launch.chain_slots;
  push.round_first = static_cast<uint32_t>(part.round);
  push.round_end = static_cast<uint32_t>(part.round + part.count);
  push.rows = 1;
  push.step_stride = own_steps_ ? 1 : 0;
  push.last = ~0u;  // no state is wanted but in place
  push.stage_first = piece.stage_first;
  push.stage_end = piece.stage_end;
  push.begin = piece.begin;
  push.end = piece.end;
  push.inner_begin = piece.inner_begin;
  push.inner_end = piece.inner_end;
  const uint64_t groups = divide_up(part.chains, per_group);
  const auto x = static_cast<uint32_t>(std::min<uint64_t>(groups, device.info().max_groups[0]));
  const auto y = static_cast<uint32_t>(divide_up<uint64_t>(groups, x));
  return device.recorder().dispatch(*leapfrog_, ranges, bytes_of(push), {{x, y, 1}, part.units});
}

void Ensemble::turn(const Turn& turn) {
  const Launch& launch = model_->launch();
  for (const Batch& batch : batches_) {
    const TurnPush push = {.batch = static_cast<uint32_t>(batch.chains),
                           .batch_first = static_cast<uint32_t>(batch.first),
                           .coordinates = static_cast<uint32_t>(d_),
                           .chain_slots = launch.chain_slots,
                           .logp_slot = logp_slot(),
                           .iteration = turn.iteration,
                           .beginning = turn.beginning,
                           .counted = turn.counted,
                           .learning = turn.learning,
                           .shortening = turn.shortening,
                           .draw_begins = turn.draw_begins,
                           .rest_limit = rest_limit(options_.warmup),
                           .seed_low = static_cast<uint32_t>(options_.seed),
                           .seed_high = static_cast<uint32_t>(options_.seed >> 32)};
    const std::array ranges = {whole(batch.state, true),  whole(batch.current, true), whole(batch.numbers, true),
                               whole(batch.counts, true), setting(kInverseMass),      setting(kMassRoot),
                               setting(kCentre)};
    const uint64_t per_group = shape_.mapping == Mapping::kThread ? kThreadLanes : 1;
    queue(kTurn, ranges, push, divide_up(batch.chains, per_group), static_cast<double>(batch.chains * (d_ + 4)));
  }
}

void Ensemble::own_steps(bool own) {
  own_steps_ = own;
  if (!own) return;
  for (const Batch& batch : batches_) {
    const StepsPush push = {.batch = static_cast<uint32_t>(batch.chains)};
    const std::array ranges = {whole(batch.counts, false), setting(kStep), whole(batch.steps, true)};
    queue(kSteps, ranges, push, elements(batch.chains), static_cast<double>(batch.chains));
  }
}

void Ensemble::reduce(bool coordinates) {
  const auto d = static_cast<uint32_t>(d_);
  seen_columns_ = coordinates ? d_ + kChainColumns : kChainColumns;
  for (const Batch& batch : batches_) {
    const bool threads = shape_.mapping == Mapping::kThread;
    const ReducePush push = {.batch = static_cast<uint32_t>(batch.chains),
                             .coordinates = d,
                             .chain_stride = threads ? 1 : 2 * d,
                             .place_stride = threads ? static_cast<uint32_t>(batch.chains) : 1,
                             .column_first = coordinates ? 0 : d,
                             .columns = static_cast<uint32_t>(seen_columns_),
                             .blocks = static_cast<uint32_t>(batch.blocks),
                             .block_first = static_cast<uint32_t>(batch.block_first),
                             .all_blocks = static_cast<uint32_t>(all_blocks_),
                             .target = std::bit_cast<uint32_t>(static_cast<float>(options_.target_accept)),
                             .rest_limit = rest_limit(options_.warmup)};
    const std::array ranges = {whole(batch.current, false), whole(batch.numbers, false), whole(batch.counts, false),
                               setting(kCentre), whole(partials_, true)};
    queue(kReduce, ranges, push, elements(seen_columns_ * batch.blocks),
          static_cast<double>(seen_columns_ * batch.chains));
  }
}

Ensemble::Seen Ensemble::see(std::span<const double> centre) const {
  const auto sum = [&](uint64_t column, uint64_t which) {
    double total = 0;
    for (uint64_t block = 0; block < all_blocks_; ++block)
      total += read_number(partials_->mapped(), shape_.dtype, 2 * (column * all_blocks_ + block) + which);
    return total;
  };
  const uint64_t coordinates = seen_columns_ - kChainColumns;
  Seen seen;
  seen.observation.counting = sum(coordinates + 3, 0);
  const double count = std::fmax(seen.observation.counting, 1);
  seen.observation.mean.resize(coordinates);
  seen.observation.m2.resize(coordinates);
  for (uint64_t i = 0; i < coordinates; ++i) {
    const double apart = sum(i, 0);
    // From where the device has the centre.
    const double from = shape_.dtype == Dtype::f64 ? centre[i] : static_cast<double>(static_cast<float>(centre[i]));
    seen.observation.mean[i] = from + apart / count;
    seen.observation.m2[i] = std::fmax(0, sum(i, 1) - apart * apart / count);
  }
  seen.observation.acceptance = sum(coordinates, 0);
  seen.observation.inverse_acceptance = sum(coordinates, 1);
  seen.observation.awake_inverse = sum(coordinates + 4, 0);
  seen.observation.awake = sum(coordinates + 4, 1);
  seen.observation.path_gradient = sum(coordinates + 1, 0);
  seen.observation.path_weight = sum(coordinates + 1, 1);
  seen.mean_acceptance = sum(coordinates + 2, 0) / static_cast<double>(chains_);
  seen.observation.above = sum(coordinates + 2, 1);
  seen.unmoved = static_cast<uint64_t>(sum(coordinates + 3, 1));
  seen.observation.own = sum(coordinates + 5, 0);
  seen.observation.own_inverse = sum(coordinates + 5, 1);
  seen.divergences = static_cast<uint64_t>(sum(coordinates + 6, 0) + 65536 * sum(coordinates + 6, 1));
  return seen;
}

KeepPush Ensemble::keep_push(const Batch& batch, uint32_t places) const {
  const bool threads = shape_.mapping == Mapping::kThread;
  KeepPush push;
  push.batch = static_cast<uint32_t>(batch.chains);
  push.coordinates = static_cast<uint32_t>(d_);
  push.chain_stride = threads ? 1 : places;
  push.place_stride = threads ? push.batch : 1;
  push.kept = 1;
  push.moment_size = push.batch * push.coordinates;
  return push;
}

void Ensemble::keep(int64_t draw) {
  const auto& variables = model_->program().symbols.variables;
  const std::vector<int64_t>& offsets = model_->offsets();
  const int64_t second = options_.draws - result_.half;
  const bool in_second = draw >= second;
  for (const Batch& batch : batches_) {
    KeepPush push = keep_push(batch, 2 * static_cast<uint32_t>(d_));
    push.kept = options_.keep_draws;
    push.draws = static_cast<uint32_t>(options_.draws);
    push.draw = static_cast<uint32_t>(draw);
    push.half = in_second ? 1 : 0;
    push.count = in_second ? static_cast<uint32_t>(draw - second + 1)
                           : (draw < result_.half ? static_cast<uint32_t>(draw + 1) : 0);
    const double share = 1 / static_cast<double>(std::max(push.count, 1u));
    write_numbers(reinterpret_cast<std::byte*>(push.share), shape_.dtype, {&share, 1});
    for (size_t first = 0; first < variables.size(); first += kVariablesAtOnce) {
      push.first = static_cast<uint32_t>(offsets[first]);
      push.of_chains = first == 0;
      push.last = draw + 1 == options_.draws;
      push.transforms = 0;
      std::array<vulkan::BufferRange, kKeepBuffers> ranges;
      ranges.fill(whole(unused_, false));
      ranges[0] = whole(batch.current, false);
      ranges[1] = whole(batch.numbers, false);
      ranges[2] = whole(batch.counts, false);
      ranges[3] = whole(batch.moments, true);
      if (first == 0 && options_.keep_draws) {
        ranges[4] = rows(result_.logp, batch, push.draws, true);
        ranges[5] = rows(result_.energy, batch, push.draws, true);
        ranges[6] = byte_rows(result_.diverged, batch, push.draws);
      }
      if (first == 0) ranges[7] = byte_rows(result_.never_moved, batch, 1);
      for (size_t k = 0; k < kVariablesAtOnce; ++k) {
        const size_t v = std::min(first + k, variables.size());
        push.ends[k] = static_cast<uint32_t>(offsets[std::min(v + 1, variables.size())]);
        if (v == variables.size()) continue;
        if (options_.constrained) push.transforms |= static_cast<uint32_t>(variables[v].transform) << (8 * k);
        const auto size = static_cast<uint64_t>(offsets[v + 1] - offsets[v]);
        if (options_.keep_draws && size > 0) ranges[8 + k] = rows(result_.draws[v], batch, push.draws * size, true);
      }
      const uint64_t numbers = batch.chains * (push.ends[kVariablesAtOnce - 1] - push.first);
      if (numbers == 0) continue;
      queue(kKeep, ranges, push, elements(numbers), static_cast<double>(numbers));
    }
  }
}

void Ensemble::unfold(const Batch& batch, const vulkan::BufferRef& from, uint32_t array, uint32_t places,
                      const vulkan::BufferRef& to, bool from_first) {
  KeepPush push = keep_push(batch, places);
  push.from_first = from_first;
  push.source = array * push.batch * push.coordinates;
  for (uint32_t& end : push.ends) end = push.coordinates;
  std::array<vulkan::BufferRange, kKeepBuffers> ranges;
  ranges.fill(whole(unused_, false));
  ranges[0] = whole(from, false);
  ranges[8] = rows(to, batch, d_, true);
  const uint64_t numbers = batch.chains * d_;
  queue(kKeep, ranges, push, elements(numbers), static_cast<double>(numbers));
}

void Ensemble::finish() {
  const auto d = static_cast<uint32_t>(d_);
  for (const Batch& batch : batches_) {
    unfold(batch, batch.current, 0, 2 * d, result_.position);
    for (uint32_t half = 0; half < 2; ++half) {
      unfold(batch, batch.moments, 2 * half, d, result_.mean[half], /*from_first=*/true);
      unfold(batch, batch.moments, 2 * half + 1, d, result_.m2[half]);
    }
    const uint64_t row_bytes = batch.chains * size_;
    queue_.push_back(
        Copy{batch.numbers, kMeanAcceptanceArray * row_bytes, result_.acceptance, batch.first * size_, row_bytes});
    queue_.push_back(
        Copy{batch.counts, 0, result_.divergences, batch.first * sizeof(uint32_t), batch.chains * sizeof(uint32_t)});
  }
  reduce(false);
}

}  // namespace gpu_node::chain
