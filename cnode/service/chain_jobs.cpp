#include "service/chain_jobs.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/concat.h"
#include "program/storage.h"
#include "service/chain_operand.h"

namespace gpu_node::service {
namespace {

constexpr std::string_view kResultNames[] = {"positions", "momenta", "gradients", "logp"};

// Milliseconds as whole microseconds: what is measured here is no finer.
int64_t us(double ms) { return static_cast<int64_t>(ms * 1000); }

}  // namespace

Result<jobs::Next> DataJob::record_slice(const jobs::Slice&) {
  if (data_.size() == work_.request.tensors.size()) return jobs::Next::kDone;
  for (const auto& [name, id] : work_.request.tensors) {
    if (std::any_of(data_.begin(), data_.end(), [&](const Data& data) { return data.name == name; })) continue;
    const std::string what = "compile_family: data " + name;
    GPU_ASSIGN(const program::Tensor tensor, interpreter_.find(session(), id, what));
    const uint64_t bytes = static_cast<uint64_t>(element_count(tensor.map.shape)) * sizeof(double);
    if (bytes == 0 || bytes > kMaxReplyBytes)
      return Error{ErrorCode::kInvalidArgument,
                   concat(what, " is ", type_text(tensor.dtype, tensor.map.shape), ", ", bytes,
                          " bytes in double; 1 to ", kMaxReplyBytes, " are possible")};
    GPU_ASSIGN(const program::Tensor doubles, interpreter_.in_double(session(), tensor));
    GPU_ASSIGN(program::Readback readback, interpreter_.read(session(), doubles, 0, bytes));
    data_.push_back({name, tensor.map.shape, std::move(readback)});
  }
  return jobs::Next::kSubmit;
}

Result<void> DataJob::finish() {
  for (const Data& data : data_) {
    chain::Array& array = work_.request.inputs.data[data.name];
    array.shape.assign(data.shape.begin(), data.shape.end());
    array.values.resize(data.readback.bytes.size() / sizeof(double));
    std::memcpy(array.values.data(), data.readback.bytes.data(), data.readback.bytes.size());
  }
  if (compile_(std::move(work_))) return {};
  return Error{ErrorCode::kBusy, "too many families wait to be compiled: send again later"};
}

CompileJob::CompileJob(CompileWork&& work, PlannedModel&& planned, vulkan::Device& device, Interpreter& interpreter)
    : TryingJob(std::move(work.session), std::move(work.call), interpreter),
      id_(work.request.id),
      planned_(std::move(planned)),
      device_(device),
      mapping_(planned_.model->mapping_for(static_cast<uint64_t>(planned_.chains), device.info())) {}

Result<jobs::Next> CompileJob::record_slice(const jobs::Slice& slice) {
  if (held_ == nullptr) {
    held_ = std::make_shared<HeldModel>();
    held_->model = planned_.model;
    held_->model->set_owner(session().id);
    GPU_ASSIGN(held_->payment, session().charge(planned_.model->size_bytes()));
    // Asked for first, so that it compiles while the numbers travel.
    GPU_ASSIGN(kernel_, planned_.model->kernel(device_, mapping_));
    kernel_known_ = kernel_ != nullptr;
  }
  if (!uploaded_) {
    const Clock::time_point start = Clock::now();
    GPU_TRY(interpreter_.with_room(session(), [&] { return planned_.model->upload(device_); }));
    uploaded_ = true;
    upload_ms_ = static_cast<double>(in_microseconds(Clock::now() - start)) / 1000;
    return jobs::Next::kSubmit;
  }
  upload_ms_ += slice.took_ms;
  if (kernel_ == nullptr) {
    GPU_ASSIGN(kernel_, planned_.model->kernel(device_, mapping_));
  }
  return kernel_ == nullptr ? jobs::Next::kWait : jobs::Next::kDone;
}

Result<void> CompileJob::finish() {
  const chain::DeviceModel& model = *planned_.model;
  GPU_TRY(interpreter_.bind_new(session(), id_, ModelRef(held_), "compile_family"));
  if (!call()->claim()) {
    interpreter_.free(session(), std::span(&id_, 1));
    return {};
  }
  const auto& variables = model.program().symbols.variables;
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").map(7);
  writer.atom("family").binary(std::string_view(planned_.family->name));
  writer.atom("type").atom(dtype_name(model.dtype()));
  writer.atom("coordinates").unsigned_integer(model.coordinates());
  writer.atom("variables").list(static_cast<uint32_t>(variables.size()));
  for (size_t i = 0; i < variables.size(); ++i) {
    writer.tuple(5).binary(std::string_view(variables[i].name));
    writer.integer(model.offsets()[i]).integer(model.offsets()[i + 1] - model.offsets()[i]);
    writer.boolean(!variables[i].dimension).atom(chain::name_of(variables[i].transform));
  }
  writer.nil();
  writer.atom("mapping").atom(chain::name_of(mapping_));
  writer.atom("compiled").boolean(!planned_.family_kept);
  const vulkan::KernelTimes times = kernel_known_ ? vulkan::KernelTimes() : kernel_->times();
  writer.atom("timing").map(7);
  writer.atom("family_us").integer(us(planned_.family_ms)).atom("plan_us").integer(us(planned_.plan_ms));
  writer.atom("glsl_us").integer(us(times.glsl_ms)).atom("spirv_us").integer(us(times.spirv_ms));
  writer.atom("driver_us").integer(us(times.driver_ms)).atom("upload_us").integer(us(upload_ms_));
  writer.atom("kernel_from_disk").boolean(times.from_disk);
  send_reply(call()->caller(), std::move(writer));
  return {};
}

Result<std::unique_ptr<ChainJob>> ChainJob::make(SessionRef session, PendingCallRef call, const Chain& request,
                                                 vulkan::Device& device, Interpreter& interpreter) {
  std::unique_ptr<ChainJob> job(new ChainJob(std::move(session), std::move(call), interpreter));
  GPU_ASSIGN(job->held_, interpreter.find_model(job->session(), request.model, "chain"));
  const auto d = static_cast<int64_t>(job->held_->model->coordinates());
  job->results_ = request.results;
  const auto operand = [&](const ChainOperand& given, const char* name) {
    return operand_buffer(interpreter, job->session(), given, job->held_->model->dtype(), std::string("chain: ") + name,
                          device.info());
  };
  GPU_TRY(check_numbers(request.inverse_mass, job->held_->model->dtype(), true, "chain: inverse_mass"));
  GPU_TRY(check_numbers(request.step_size, job->held_->model->dtype(), false, "chain: step_size"));
  GPU_ASSIGN(const OperandBuffer position, operand(request.position, "position"));
  GPU_ASSIGN(const OperandBuffer momentum, operand(request.momentum, "momentum"));
  GPU_ASSIGN(const OperandBuffer inverse_mass, operand(request.inverse_mass, "inverse_mass"));
  GPU_ASSIGN(const OperandBuffer step_size, operand(request.step_size, "step_size"));
  if (position.count % d != 0)
    return Error{ErrorCode::kInvalidArgument, concat("chain: position has ", counted(position.count, "number"),
                                                     ", no multiple of the model's ", counted(d, "coordinate"))};
  chain::ChainRequest& wanted = job->request_;
  wanted.chains = position.count / d;
  wanted.position = position.buffer;
  wanted.momentum = momentum.buffer;
  wanted.inverse_mass = inverse_mass.buffer;
  wanted.own_mass = inverse_mass.count != d;
  wanted.step_size = step_size.buffer;
  wanted.own_step = step_size.count != 1;
  wanted.coordinates = d;
  wanted.steps = request.steps;
  wanted.last_only = request.last_only;
  wanted.mapping = request.mapping;
  const auto pay = [&](uint64_t bytes) { return job->pay_for_work(bytes, "chain"); };
  GPU_ASSIGN(job->run_, interpreter.with_room(job->session(), [&] {
    return chain::ChainRun::start(device, job->held_->model, wanted, pay);
  }));
  GPU_TRY(job->pay());
  return job;
}

// The session pays for the results from the beginning: what it may not have is not computed.
Result<void> ChainJob::pay() {
  const chain::ChainResult& result = run_->result();
  const Dtype dtype = held_->model->dtype();
  const Shape logp{request_.chains, result.rows};
  Shape all = logp;
  all.push_back(request_.coordinates);
  const vulkan::BufferRef* const buffers[] = {&result.positions, &result.momenta, &result.gradients, &result.logp};
  uint64_t bytes = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const ir::TensorType type{dtype, i < 3 ? all : logp};
    bytes += program::storage_bytes(type);
    GPU_ASSIGN(program::Payment payment, session().charge(program::storage_bytes(type)));
    tensors_[i] = program::tensor_in(type, *buffers[i], std::move(payment));
  }
  if (results_.empty() && bytes > kMaxInlineChainBytes)
    return Error{ErrorCode::kInvalidArgument,
                 concat("chain: the results have ", bytes, " bytes, the limit of a reply is ", kMaxInlineChainBytes,
                        "; name tensors for them")};
  return {};
}

jobs::TaskView ChainJob::progress() const {
  const auto steps = static_cast<uint64_t>(request_.steps);
  return {.kind = "chain", .done = static_cast<uint64_t>(run_->share() * static_cast<double>(steps)), .of = steps};
}

Result<jobs::Next> ChainJob::record_slice(const jobs::Slice& slice) {
  if (!reads_results_) {
    GPU_ASSIGN(const jobs::Next next, run_->record(slice));
    if (next != jobs::Next::kSubmit || !run_->last() || !results_.empty()) return next;
    reads_results_ = true;
  }
  // In the last submission itself, so that the answer needs no further one.
  GPU_TRY(read_results());
  reads_results_ = false;
  return jobs::Next::kSubmit;
}

Result<void> ChainJob::read_results() {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    GPU_ASSIGN(readbacks_[i], interpreter_.read(session(), tensors_[i], 0, program::size_bytes(tensors_[i])));
  }
  return {};
}

Result<void> ChainJob::finish() {
  for (size_t i = 0; i < results_.size(); ++i)
    GPU_TRY(interpreter_.bind_new(session(), results_[i], std::move(tensors_[i]), "chain"));
  if (!call()->claim()) {
    interpreter_.free(session(), results_);
    return {};
  }
  const chain::ChainResult& result = run_->result();
  const bool inline_results = results_.empty();
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").map(inline_results ? 11 : 7);
  writer.atom("chains").integer(request_.chains).atom("rows").integer(result.rows);
  writer.atom("mapping").atom(chain::name_of(result.mapping));
  writer.atom("dispatches").unsigned_integer(result.dispatches);
  writer.atom("longest_us").integer(us(result.longest_ms));
  writer.atom("queue_us").integer(in_microseconds(started_ - call()->arrived()));
  writer.atom("execute_us").integer(in_microseconds(Clock::now() - started_));
  if (inline_results)
    for (size_t i = 0; i < readbacks_.size(); ++i) writer.atom(kResultNames[i]).binary(readbacks_[i].bytes);
  send_reply(call()->caller(), std::move(writer));
  return {};
}

}  // namespace gpu_node::service
