#include "service/sample_job.h"

#include <cmath>

#include "base/concat.h"
#include "program/storage.h"
#include "service/chain_operand.h"

namespace gpu_node::service {
namespace {

using chain::SamplerProgress;

std::string_view name_of(SamplerProgress::Phase phase) {
  switch (phase) {
    case SamplerProgress::Phase::kSearch:
      return "search";
    case SamplerProgress::Phase::kWarmup:
      return "warmup";
    case SamplerProgress::Phase::kDraw:
      return "draw";
    case SamplerProgress::Phase::kDone:
      return "done";
  }
  return "done";
}

constexpr uint32_t kProgressPairs = 8;

// A number, or what Erlang has for those it lacks.
void write_real(etf::Writer& writer, double value) {
  if (std::isfinite(value))
    writer.number(value);
  else
    writer.atom(std::isnan(value) ? "nan" : value > 0 ? "infinity" : "neg_infinity");
}

void write_progress(etf::Writer& writer, const SamplerProgress& progress) {
  writer.atom("phase").atom(name_of(progress.phase));
  writer.atom("iteration").integer(progress.iteration).atom("iterations").integer(progress.iterations);
  write_real(writer.atom("step_size"), progress.step_size);
  write_real(writer.atom("path_length"), progress.path_length);
  write_real(writer.atom("acceptance"), progress.acceptance);
  writer.atom("divergences").unsigned_integer(progress.divergences);
  writer.atom("leapfrog_steps").unsigned_integer(progress.leapfrog_steps);
}

}  // namespace

SampleJob::SampleJob(SessionRef session, PendingCallRef call, const Sample& request, Interpreter& interpreter)
    : TryingJob(std::move(session), std::move(call), interpreter), request_(request) {}

Result<std::unique_ptr<SampleJob>> SampleJob::make(SessionRef session, PendingCallRef call, const Sample& request,
                                                   vulkan::Device& device, Interpreter& interpreter) {
  std::unique_ptr<SampleJob> job(new SampleJob(std::move(session), std::move(call), request, interpreter));
  GPU_ASSIGN(job->held_, interpreter.find_model(job->session(), job->request_.model, "sample"));
  chain::SamplerOptions& options = job->request_.sampler;
  if (job->request_.position) {
    GPU_ASSIGN(const OperandBuffer position,
               operand_buffer(interpreter, job->session(), *job->request_.position, job->held_->model->dtype(),
                              "sample: position", device.info()));
    options.position = position.buffer;
  }
  const auto pay = [&](uint64_t bytes) { return job->pay_for_work(bytes, "sample"); };
  GPU_ASSIGN(job->sampler_, interpreter.with_room(job->session(), [&] {
    return chain::Sampler::start(device, job->held_->model, options, pay);
  }));
  GPU_TRY(job->name_results());
  return job;
}

Result<jobs::Next> SampleJob::record_slice(const jobs::Slice& slice) {
  return interpreter_.with_room(session(), [&] { return sampler_->record(slice); });
}

Result<void> SampleJob::add(const ir::TensorType& type, const vulkan::BufferRef& buffer) {
  GPU_ASSIGN(program::Payment payment, session().charge(program::storage_bytes(type)));
  tensors_.push_back(program::tensor_in(type, buffer, std::move(payment)));
  return {};
}

Result<void> SampleJob::name_results() {
  const chain::SamplerResult& result = sampler_->result();
  const chain::DeviceModel& model = *held_->model;
  const Dtype dtype = model.dtype();
  const int64_t chains = request_.sampler.chains, draws = request_.sampler.draws;
  const Shape points{chains, static_cast<int64_t>(model.coordinates())};
  for (const vulkan::BufferRef* moments : {&result.mean[0], &result.mean[1], &result.m2[0], &result.m2[1]})
    GPU_TRY(add({dtype, points}, *moments));
  GPU_TRY(add({dtype, Shape{chains}}, result.acceptance));
  GPU_TRY(add({Dtype::u32, Shape{chains}}, result.divergences));
  GPU_TRY(add({dtype, points}, result.position));
  if (request_.sampler.keep_draws) {
    GPU_TRY(add({dtype, Shape{chains, draws}}, result.logp));
    const auto& variables = model.program().symbols.variables;
    for (size_t i = 0; i < variables.size(); ++i) {
      Shape shape{chains, draws};
      if (variables[i].dimension) shape.push_back(model.offsets()[i + 1] - model.offsets()[i]);
      GPU_TRY(add({dtype, shape}, result.draws[i]));
    }
    GPU_TRY(add({dtype, Shape{chains, draws}}, result.energy));
    GPU_TRY(add({Dtype::u8, Shape{chains, draws}}, result.diverged));
  }
  GPU_TRY(add({Dtype::u8, Shape{chains}}, result.never_moved));
  if (request_.results.size() == tensors_.size()) return {};
  return Error{ErrorCode::kInvalidArgument, concat("sample: ", counted(request_.results.size(), "id"),
                                                   " for results, this model has ", tensors_.size())};
}

jobs::TaskView SampleJob::progress() const {
  const SamplerProgress& progress = sampler_->progress();
  const chain::SamplerOptions& options = request_.sampler;
  const auto whole = [](int64_t count) { return static_cast<uint64_t>(std::max<int64_t>(count, 0)); };
  // Both phases together: what is over of the warm-up, then all of it and what is over of the draws.
  const bool draws = progress.phase == SamplerProgress::Phase::kDraw || progress.phase == SamplerProgress::Phase::kDone;
  const uint64_t done = progress.phase == SamplerProgress::Phase::kSearch ? 0 : whole(progress.iteration);
  return {.kind = "sample",
          .done = done + (draws ? whole(options.warmup) : 0),
          .of = whole(options.warmup) + whole(options.draws) * whole(options.thin)};
}

// The last report is of what the answer says.
void SampleJob::report() {
  const Caller& caller = call()->caller();
  etf::Writer writer;
  writer.version().tuple(3).atom("gpu_node_progress").raw(caller.tag).map(kProgressPairs);
  write_progress(writer, sampler_->progress());
  caller.link->send(caller.pid, writer.take());
}

Result<void> SampleJob::finish() {
  for (size_t i = 0; i < tensors_.size(); ++i)
    GPU_TRY(interpreter_.bind_new(session(), request_.results[i], std::move(tensors_[i]), "sample"));
  if (!call()->claim()) {
    interpreter_.free(session(), request_.results);
    return {};
  }
  if (request_.progress_ms > 0) report();
  const chain::SamplerResult& result = sampler_->result();
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").map(kProgressPairs + 5);
  write_progress(writer, sampler_->progress());
  writer.atom("half").integer(result.half).atom("unmoved").unsigned_integer(result.unmoved);
  writer.atom("inverse_mass").binary(std::as_bytes(std::span(result.inverse_mass)));
  writer.atom("queue_us").integer(in_microseconds(started_ - call()->arrived()));
  writer.atom("execute_us").integer(in_microseconds(Clock::now() - started_));
  send_reply(call()->caller(), std::move(writer));
  return {};
}

}  // namespace gpu_node::service
