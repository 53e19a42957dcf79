#include "service/explain_job.h"

#include "base/clock.h"

namespace gpu_node::service {
namespace {

constexpr uint64_t kTurnNs = 5'000'000;

void begin_list(etf::Writer& writer, size_t count) {
  if (count > 0) writer.list(static_cast<uint32_t>(count));
}

template <typename Numbers>
void write_integers(etf::Writer& writer, const Numbers& numbers) {
  begin_list(writer, numbers.size());
  for (const auto number : numbers) writer.integer(static_cast<int64_t>(number));
  writer.nil();
}

std::string_view kind_of(const program::ExplainedStep& step, const fuse::Step& work) {
  if (step.is_view) return "view";
  if (step.is_loop) return "loop";
  if (std::holds_alternative<ir::Rows>(work.work)) return "rows";
  if (std::holds_alternative<ir::Finished>(work.work)) return "product";
  return work.instruction() == nullptr ? "map" : "instruction";
}

uint64_t microseconds(double ms) { return static_cast<uint64_t>(ms * 1000); }

}  // namespace

Result<jobs::Next> ExplainJob::record(const jobs::Slice&) {
  if (explainer_.done()) return jobs::Next::kDone;
  const Clock::time_point begun = Clock::now();
  uint64_t spent = 0;
  do {
    steps_.push_back(explainer_.next());
    spent = nanoseconds_between(begun, Clock::now());
  } while (!explainer_.done() && spent < kTurnNs);
  plan_ns_ += spent;
  return jobs::Next::kWait;
}

void ExplainJob::write_step(etf::Writer& writer, size_t i) const {
  const program::ExplainedStep& step = steps_[i];
  const fuse::Step& work = program_->program->work()[i];
  writer.map(step.refusal ? 8 : 7);
  writer.atom("kind").atom(kind_of(step, work)).atom("instructions");
  write_integers(writer, step.instructions);
  std::vector<ir::ValueName> taken;
  work.each_operand([&](ir::ValueName name) { taken.push_back(name); });
  writer.atom("takes");
  write_integers(writer, taken);
  writer.atom("gives").list(static_cast<uint32_t>(work.results().size()));
  for (const ir::Definition& result : work.results()) {
    writer.tuple(3).integer(result.name).atom(dtype_name(result.type.dtype));
    writer.tuple(static_cast<uint32_t>(result.type.shape.size()));
    for (const int64_t dimension : result.type.shape) writer.integer(dimension);
  }
  writer.nil().atom("dispatches");
  begin_list(writer, step.dispatches.size());
  for (const program::ExplainedDispatch& dispatch : step.dispatches) {
    writer.tuple(2).binary(std::string_view(dispatch.key)).tuple(3);
    for (const uint32_t groups : dispatch.groups) writer.unsigned_integer(groups);
  }
  writer.nil();
  writer.atom("read_bytes").unsigned_integer(step.read_bytes);
  writer.atom("written_bytes").unsigned_integer(step.written_bytes);
  if (step.refusal) writer.atom("refusal").binary(std::string_view(step.refusal->message));
}

Result<void> ExplainJob::write_kernels(etf::Writer& writer) const {
  std::map<std::string_view, const vulkan::KernelCache::Emit*> kernels;
  for (const program::ExplainedStep& step : steps_)
    for (const program::ExplainedDispatch& dispatch : step.dispatches) kernels.emplace(dispatch.key, &dispatch.emit);
  begin_list(writer, kernels.size());
  for (const auto& [key, emit] : kernels) {
    const vulkan::Kernel* kernel = device_.kernels().find(key);
    writer.map(1 + (kernel != nullptr ? 5u : 0u) + (with_glsl_ ? 1u : 0u)).atom("key").binary(key);
    if (kernel != nullptr) {
      const vulkan::KernelTimes& times = kernel->times();
      writer.atom("emit_us").unsigned_integer(microseconds(times.emit_ms));
      writer.atom("glsl_us").unsigned_integer(microseconds(times.glsl_ms));
      writer.atom("spirv_us").unsigned_integer(microseconds(times.spirv_ms));
      writer.atom("driver_us").unsigned_integer(microseconds(times.driver_ms));
      writer.atom("from_disk").boolean(times.from_disk);
    }
    if (!with_glsl_) continue;
    GPU_ASSIGN(const vulkan::KernelSource source, (*emit)());
    writer.atom("glsl").binary(std::string_view(source.glsl));
  }
  writer.nil();
  return {};
}

Result<void> ExplainJob::finish() {
  const program::CompiledProgram& program = *program_->program;
  const int64_t fuse_us = in_microseconds(explainer_.time_fusing());
  const std::vector<program::ExplainedPair> apart = explainer_.apart();
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").map(6).atom("steps");
  begin_list(writer, steps_.size());
  for (size_t i = 0; i < steps_.size(); ++i) write_step(writer, i);
  writer.nil().atom("apart");
  begin_list(writer, apart.size());
  for (const program::ExplainedPair& pair : apart)
    writer.tuple(3).unsigned_integer(pair.maker).unsigned_integer(pair.user).atom(pair.why);
  writer.nil().atom("outputs");
  write_integers(writer, program.fused().outputs);
  writer.atom("kernels");
  GPU_TRY(write_kernels(writer));
  writer.atom("fuse_us").integer(fuse_us);
  writer.atom("plan_us").unsigned_integer(plan_ns_ / 1000);
  if (call()->claim()) send_reply(call()->caller(), std::move(writer));
  return {};
}

}  // namespace gpu_node::service
