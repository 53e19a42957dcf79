// The chains of a sampler on the device: their memory, and what can be recorded for all of them. Device thread only.
//
// Chains lie in batches, each with a state that the leapfrog kernel runs on and that the kernels between paths
// (sampler_kernels.h) work on in place, so that no position, momentum or gradient moves between paths.
//
// What is asked for all chains is queued, and recorded part by part along its workgroups, as much as a slice has time
// for.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <variant>

#include "chain/adaptation.h"
#include "chain/device_model.h"
#include "chain/sampler_kernels.h"
#include "chain/sampler_options.h"
#include "chain/walk.h"
#include "jobs/spending.h"

namespace gpu_node::chain {

class Ensemble {
 public:
  // Checks sizes and allocates. Errors: kInvalidArgument, kUnsupported for what the device cannot hold, kOutOfMemory.
  static Result<Ensemble> make(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                               const SamplerOptions& options, const Pay& pay = {});

  // False while kernels are being compiled.
  Result<bool> ready(vulkan::Device& device);

  uint64_t chains() const { return chains_; }
  // The rounds of all chains, none begun.
  Walk walk(const vulkan::DeviceInfo& device) const;

  // Nothing that was queued is left to record.
  bool idle() const { return queue_.empty(); }
  // Records the next part of what is queued. REQUIRES !idle().
  Result<void> go_on(vulkan::Device& device, jobs::Spending& spending);
  // Records the next part of |walk|. Round 0 loads the position, the others are steps. REQUIRES idle().
  Result<void> follow(vulkan::Device& device, Walk& walk, jobs::Spending& spending);

  // Records the numbers that what is recorded from now on works with. REQUIRES idle(), and that all is complete.
  Result<void> settings(vulkan::Device& device, const Adaptation& adaptation);
  // What comes next is queued. Draws where chains start; in a further |attempt| those that check() found.
  void start(uint32_t attempt);
  // Whether all have a finite density and gradient where they start.
  void check(uint32_t attempt);
  struct Unsound {
    uint64_t chains = 0, first = 0;
  };
  Unsound unsound() const;
  // Brings the position of |chain| to the host, for fetched().
  Result<void> fetch(vulkan::Device& device, uint64_t chain);
  std::vector<double> fetched() const;
  bool given() const { return options_.position != nullptr; }
  const DeviceModel& model() const { return *model_; }

  struct Turn {
    uint32_t iteration = 0;  // the one that ends
    bool beginning = false;  // nothing ends: only a momentum is drawn
    bool learning = false;
    bool shortening = false;   // chains that stay go on with steps of their own
    bool draw_begins = false;  // the first iteration since a draw was kept
    uint32_t counted = 1;      // iterations of the phase with this one; 0 at the very beginning
  };
  void turn(const Turn& turn);
  // Whether the next path is one of which some chains take steps of their own.
  void own_steps(bool own);
  void keep(int64_t draw);
  // Sums over chains for see(); without |coordinates| only what is of chains.
  void reduce(bool coordinates);
  void finish();

  // What the last reduce() found, once it is complete.
  struct Seen {
    Observation observation;
    double mean_acceptance = 0;  // over chains and iterations of the phase
    uint64_t divergences = 0;
    uint64_t unmoved = 0;  // chains that have not moved in the phase
  };
  Seen see(std::span<const double> centre) const;

  const SamplerResult& result() const { return result_; }
  void set_unmoved(uint64_t chains) { result_.unmoved = chains; }

 private:
  struct Batch {
    uint64_t first = 0, chains = 0, block_first = 0, blocks = 0;
    vulkan::BufferRef state, current, numbers, counts, steps, moments;
  };
  enum Kind : uint8_t { kTurn, kReduce, kKeep, kStart, kCheck, kSteps, kKinds };

  // A dispatch over all chains of a batch. Its workgroups are numbered row by row, and recorded by rows.
  struct Whole {
    Kind kind = kTurn;
    std::vector<vulkan::BufferRange> ranges;
    std::vector<std::byte> push;
    uint64_t groups = 0;
    double units = 0;                    // of work
    uint32_t row = 0, rows = 0, at = 0;  // workgroups of a row; rows, and the next one; set with the first part
  };
  struct Copy {
    vulkan::BufferRef from;
    uint64_t from_offset = 0;
    vulkan::BufferRef to;
    uint64_t to_offset = 0, bytes = 0;
  };
  struct Clear {
    vulkan::BufferRef buffer;
    uint64_t bytes = 0;
  };
  // |units|: of work.
  template <typename Push, size_t N>
  void queue(Kind kind, const std::array<vulkan::BufferRange, N>& ranges, const Push& push, uint64_t groups,
             double units);
  Result<bool> record(vulkan::Device& device, Whole& whole, jobs::Spending& spending);

  Ensemble(std::shared_ptr<DeviceModel> model, const SamplerOptions& options);
  Result<void> plan(const vulkan::DeviceInfo& device);
  Result<void> allocate(vulkan::Device& device, const Pay& pay);
  // Allocates what of |scratch_| is not there yet.
  Result<void> allocate_scratch(vulkan::Device& device);
  // Writes [chains][d] numbers of a batch to |to| as they lie in |from|; |from_first|: moments that count from the
  // first draw.
  void unfold(const Batch& batch, const vulkan::BufferRef& from, uint32_t array, uint32_t places,
              const vulkan::BufferRef& to, bool from_first = false);
  KeepPush keep_push(const Batch& batch, uint32_t places) const;
  vulkan::BufferRange rows(const vulkan::BufferRef& buffer, const Batch& batch, uint64_t numbers, bool written) const;
  static vulkan::BufferRange byte_rows(const vulkan::BufferRef& buffer, const Batch& batch, uint64_t each);
  vulkan::BufferRange setting(size_t i) const;
  const Batch& batch_of(uint64_t chain) const;
  uint32_t logp_slot() const;  // in the state
  uint64_t elements(uint64_t numbers) const { return (numbers + kElementLanes - 1) / kElementLanes; }

  // Memory that chains are worked on in, which is not allocated yet.
  struct Scratch {
    vulkan::BufferRef* buffer;
    uint64_t bytes;
  };
  std::vector<Scratch> scratch_;

  std::shared_ptr<DeviceModel> model_;
  SamplerOptions options_;
  uint64_t chains_ = 0, size_ = 0, d_ = 0;
  KernelShape shape_;
  uint32_t transforms_ = 0;  // a bit for each that draws need
  Rounds rounds_;
  std::vector<Batch> batches_;
  uint64_t batch_chains_ = 0, all_blocks_ = 0, most_groups_ = 0;
  std::deque<std::variant<Whole, Copy, Clear>> queue_;
  uint64_t seen_columns_ = 0;
  bool own_steps_ = false;
  std::array<uint64_t, 4> setting_at_{};  // step size, inverse mass, its root's inverse, centre; then the end
  uint64_t settings_bytes_ = 0;
  vulkan::BufferRef settings_, partials_, unused_, found_, fetched_;
  const vulkan::Kernel* leapfrog_ = nullptr;
  std::array<jobs::AwaitedKernel, kKinds> kernels_;
  SamplerResult result_;
};

}  // namespace gpu_node::chain
