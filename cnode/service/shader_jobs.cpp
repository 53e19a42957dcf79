#include "service/shader_jobs.h"

#include <algorithm>

#include "base/concat.h"
#include "program/storage.h"

namespace gpu_node::service {
namespace {

Error invalid(std::string what) { return {ErrorCode::kInvalidArgument, "dispatch_spirv: " + std::move(what)}; }

std::string_view line_of(std::string_view text, int64_t number) {
  for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// What the compiler said of a text with the library in it, as it concerns the client's text.
Error of_client(Error error, const std::string& glsl) {
  if (!error.details || error.details->stage != "glsl") return error;
  ErrorDetails details = *error.details;
  details.source = glsl;
  error.message.resize(std::min(error.message.size(), error.message.find("\nline ")));
  if (details.line > 0) error.message += concat("\nline ", details.line, ": ", line_of(glsl, details.line));
  error.details.reset();
  return with_details(std::move(error), std::move(details));
}

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

}  // namespace

std::string raw_kernel_key(const std::string& hash) { return "raw/" + hash; }

Result<void> CompileGlslJob::finish() {
  if (!outcome().ok()) return of_client(outcome().error(), glsl_);
  if (!call()->claim()) return {};
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").binary(bytes_of(*outcome()));
  send_reply(call()->caller(), std::move(writer));
  return {};
}

Result<void> LoadSpirvJob::finish() {
  if (!outcome().ok()) return outcome().error();
  if (!call()->claim()) return {};
  const vulkan::Kernel& kernel = **outcome();
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").map(3).atom("hash").binary(std::string_view(hash_));
  writer.atom("buffers").unsigned_integer(kernel.buffers()).atom("push_bytes").unsigned_integer(kernel.push_bytes());
  send_reply(call()->caller(), std::move(writer));
  return {};
}

Result<void> SaveJob::finish() {
  if (!outcome().ok()) return outcome().error();
  if (!call()->claim()) return {};
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(2).atom("ok").binary(std::string_view(*outcome()));
  send_reply(call()->caller(), std::move(writer));
  return {};
}

Result<const vulkan::Kernel*> DispatchJob::kernel() const {
  const vulkan::Kernel* kernel = device_.kernels().find(raw_kernel_key(request_.hash));
  if (kernel == nullptr)
    return Error{ErrorCode::kNotFound, "dispatch_spirv: module " + request_.hash + " is not loaded"};
  if (request_.buffers.size() < kernel->buffers())
    return invalid(
        concat("the module binds ", counted(kernel->buffers(), "buffer"), ", given are ", request_.buffers.size()));
  if (request_.push.size() < kernel->push_bytes())
    return invalid(concat("the module declares ", kernel->push_bytes(), " bytes of push constants, ",
                          request_.push.size(), " are given"));
  for (size_t i = 0; i < 3; ++i)
    if (request_.groups[i] > device_.info().max_groups[i])
      return invalid(concat(request_.groups[i], " groups in dimension ", i, ", the device has at most ",
                            device_.info().max_groups[i]));
  return kernel;
}

Result<void> DispatchJob::check_outputs() const {
  uint64_t bytes = 0;
  for (const ShaderBuffer& buffer : request_.buffers)
    if (const auto* output = std::get_if<OutputBytes>(&buffer)) {
      bytes += std::min(output->size_bytes, kMaxInlineShaderBytes + 1);
      if (bytes > kMaxInlineShaderBytes)
        return invalid(concat("the outputs have more bytes than a reply takes, ", kMaxInlineShaderBytes,
                              "; name tensors for them"));
    }
  return {};
}

Result<program::Tensor> DispatchJob::copy_of(const program::Tensor& tensor) {
  GPU_ASSIGN(program::Tensor copy, interpreter_.make_tensor(session(), tensor.type(), std::nullopt));
  GPU_TRY(device_.recorder().copy(tensor.storage->parts[0], 0, copy.storage->parts[0], 0, program::size_bytes(tensor)));
  return copy;
}

Result<program::Tensor> DispatchJob::bound(const ShaderBuffer& buffer, uint32_t binding, bool written) {
  const std::string what = concat("dispatch_spirv: buffer ", binding);
  const auto words = [](uint64_t bytes) { return ir::TensorType{Dtype::u32, Shape{static_cast<int64_t>(bytes / 4)}}; };
  program::Tensor tensor;
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&buffer)) {
    GPU_ASSIGN(tensor, interpreter_.make_tensor(session(), words(bytes->size()), bytes_of(*bytes)));
  } else if (const auto* id = std::get_if<int64_t>(&buffer)) {
    GPU_ASSIGN(tensor, interpreter_.find(session(), *id, what));
    if (element_count(tensor.map.shape) == 0) return invalid(concat("buffer ", binding, " has no elements"));
    GPU_ASSIGN(tensor, interpreter_.contiguous(session(), tensor));
  } else if (const auto* output = std::get_if<OutputBytes>(&buffer)) {
    GPU_ASSIGN(tensor, interpreter_.make_tensor(session(), words(output->size_bytes), std::nullopt));
  } else {
    const ir::TensorType& type = std::get<OutputTensor>(buffer).type;
    if (element_count(type.shape) == 0) return invalid(concat("buffer ", binding, " has no elements"));
    GPU_ASSIGN(tensor, interpreter_.make_tensor(session(), type, std::nullopt));
  }
  GPU_TRY(program::check_one_part(tensor.type(), tensor.storage->size_bytes, device_.info()));
  if (written && std::holds_alternative<int64_t>(buffer)) return copy_of(tensor);
  return tensor;
}

Result<jobs::Next> DispatchJob::record_slice(const jobs::Slice&) {
  if (recorded_) return jobs::Next::kDone;
  started_ = Clock::now();
  GPU_ASSIGN(const vulkan::Kernel* found, kernel());
  GPU_TRY(check_outputs());
  tensors_.clear();  // of a try before
  readbacks_.clear();
  tensors_.reserve(request_.buffers.size());
  for (uint32_t i = 0; i < request_.buffers.size(); ++i) {
    GPU_ASSIGN(program::Tensor tensor, bound(request_.buffers[i], i, found->may_write(i)));
    tensors_.push_back(std::move(tensor));
  }
  std::vector<vulkan::BufferRange> ranges;
  ranges.reserve(found->buffers());
  for (uint32_t i = 0; i < found->buffers(); ++i)
    ranges.push_back({&tensors_[i].storage->parts[0], 0, program::size_bytes(tensors_[i]), found->may_write(i)});
  GPU_TRY(device_.recorder().dispatch(*found, ranges, std::span(request_.push).first(found->push_bytes()),
                                      {request_.groups}));
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!std::holds_alternative<OutputBytes>(request_.buffers[i])) continue;
    GPU_ASSIGN(program::Readback readback,
               interpreter_.read(session(), tensors_[i], 0, program::size_bytes(tensors_[i])));
    readbacks_.push_back(std::move(readback));
  }
  recorded_ = true;
  return jobs::Next::kSubmit;
}

Result<void> DispatchJob::finish() {
  std::vector<int64_t> made;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto* output = std::get_if<OutputTensor>(&request_.buffers[i]);
    if (output == nullptr) continue;
    const Result<void> named = interpreter_.bind_new(session(), output->id, std::move(tensors_[i]), "dispatch_spirv");
    if (!named.ok()) {
      interpreter_.free(session(), made);
      return named;
    }
    made.push_back(output->id);
  }
  if (!call()->claim()) {
    interpreter_.free(session(), made);
    return {};
  }
  etf::Writer writer = begin_reply(call()->caller());
  writer.tuple(3).atom("ok");
  if (!readbacks_.empty()) writer.list(static_cast<uint32_t>(readbacks_.size()));
  for (const program::Readback& readback : readbacks_) writer.binary(readback.bytes);
  writer.nil();
  writer.map(3).atom("queue_us").integer(in_microseconds(started_ - call()->arrived()));
  writer.atom("execute_us").integer(in_microseconds(Clock::now() - started_)).atom("transfer_us").integer(0);
  send_reply(call()->caller(), std::move(writer));
  return {};
}

}  // namespace gpu_node::service
