#include "service/interpreter.h"

#include <string>

#include "program/storage.h"

namespace gpu_node::service {
namespace {

constexpr uint64_t kKeptShare = 16;  // of the memory limit

std::string tensor_text(int64_t name) { return (name < 0 ? "local " : "tensor ") + std::to_string(name); }

}  // namespace

Interpreter::Interpreter(vulkan::Device& device, const SessionTable& sessions, UploadTable& uploads,
                         std::atomic<uint64_t>& progress)

    : sessions_(sessions),
      uploads_(uploads),
      progress_(progress),
      executor_(device),
      transfer_(device),
      kept_(device.memory_limit_bytes() / kKeptShare) {}

Error Interpreter::missing_bytes(std::string_view reader, int64_t id, const Upload& upload) {
  return {ErrorCode::kInvalidArgument, std::string(reader) + ": " + tensor_text(id) + " still misses " +
                                           std::to_string(upload.missing_bytes()) + " uploaded bytes"};
}

bool Interpreter::make_room(const Session& session, ErrorCode lacking) {
  if (lacking == ErrorCode::kOutOfMemory) return kept_.give_up(nullptr);
  return lacking == ErrorCode::kQuota && kept_.give_up(session.account.get());
}

void Interpreter::run(Session& session, std::span<const Command> commands) {
  if (commands.size() > 1) prefetch(session, commands);
  for (const Command& command : commands) {
    progress_.fetch_add(1, std::memory_order_relaxed);
    std::visit([&](const auto& what) { execute(session, what); }, command);
  }
  if (locals_.size() > 0) locals_.clear();
  operands_.clear();
}

void Interpreter::execute(Session& session, const ir::Instruction& instruction) {
  const Result<void> recorded = record(session, instruction);
  if (recorded.ok()) return;
  const ErrorRef error = failure(recorded.error());
  for (const auto& [name, type] : instruction.results) poison(session, name, error);
}

Result<void> Interpreter::record(Session& session, const ir::Instruction& instruction) {
  for (const auto& [name, type] : instruction.results) GPU_TRY(check_new(session, name, instruction.op->name));
  operands_.clear();
  for (const ir::Operand& operand : instruction.operands) {
    if (const Scalar* scalar = std::get_if<Scalar>(&operand)) {
      operands_.emplace_back(*scalar);
      continue;
    }
    const auto name = std::get<ir::ValueName>(operand);
    const Handle* handle = find_handle(session, name);
    const auto* tensor = handle ? std::get_if<program::Tensor>(handle) : nullptr;
    if (tensor) {
      operands_.emplace_back(*tensor);
    } else {
      GPU_ASSIGN(operands_.emplace_back(), find(session, name, instruction.op->name));
    }
  }
  GPU_ASSIGN(program::Tensor result,
             with_room(session, [&] { return executor_.record(instruction, operands_, session.charge); }));
  bind(session, instruction.results[0].first, std::move(result));
  return {};
}

void Interpreter::execute(Session& session, const AllocCommand& alloc) {
  Result<program::Tensor> tensor = [&]() -> Result<program::Tensor> {
    GPU_TRY(check_new(session, alloc.id, "alloc"));
    return make_tensor(session, alloc.type, alloc.bytes);
  }();
  if (tensor.ok()) {
    bind(session, alloc.id, std::move(tensor).value());
  } else {
    poison(session, alloc.id, failure(std::move(tensor).error()));
  }
}

Result<program::Tensor> Interpreter::make_tensor(Session& session, const ir::TensorType& type,
                                                 std::optional<std::span<const std::byte>> bytes) {
  const uint64_t size =
      static_cast<uint64_t>(element_count(type.shape)) * static_cast<uint64_t>(dtype_size_bytes(type.dtype));
  if (bytes && bytes->size() != size)
    return Error{ErrorCode::kInvalidArgument, "alloc: " + type_text(type.dtype, type.shape) + " has " +
                                                  std::to_string(size) + " bytes, the binary " +
                                                  std::to_string(bytes->size())};
  const bool filled = bytes.has_value();
  GPU_ASSIGN(program::Tensor tensor, with_room(session, [&] {
               return executor_.allocate(type.dtype, type.shape, !filled, filled, session.charge);
             }));
  if (filled && size > 0) GPU_TRY(transfer_.write(tensor, 0, *bytes));
  return tensor;
}

void Interpreter::execute(Session& session, const FreeCommand& freed) { free(session, freed.ids); }

void Interpreter::execute(Session& session, const MalformedCommand& malformed) {
  const ErrorRef error = failure(malformed.error);
  for (const int64_t id : malformed.ids) poison(session, id, error);
}

void Interpreter::free(Session& session, std::span<const int64_t> ids) {
  for (const int64_t id : ids) {
    const Handle* found = session.handles.find(id);
    if (!found) {
      if (!kept_.erase({session.id, id})) unknown_frees_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    attachments_.erase(session, id);
    if (std::holds_alternative<UploadRef>(*found)) uploads_.erase(session.id, id);
    session.handles.erase(id);
  }
  session.tensors.store(static_cast<uint32_t>(session.handles.size()), std::memory_order_relaxed);
}

void Interpreter::drop(Session& session) {
  session.handles.for_each([&](int64_t id, const Handle& handle) {
    if (std::holds_alternative<UploadRef>(handle)) uploads_.erase(session.id, id);
    attachments_.erase(session, id);
  });
  session.handles.clear();
  kept_.erase_session(session.id);
  session.tensors.store(0, std::memory_order_relaxed);
}

Result<program::Tensor> Interpreter::find(const Session& session, int64_t id, std::string_view reader) const {
  const Handle* handle = find_handle(session, id);
  if (!handle && id >= 0) handle = find_shared({session.id, id});
  if (!handle) return Error{ErrorCode::kNotFound, std::string(reader) + ": " + tensor_text(id) + " does not exist"};
  if (const ErrorRef* error = std::get_if<ErrorRef>(handle)) return **error;
  if (const UploadRef* upload = std::get_if<UploadRef>(handle)) return missing_bytes(reader, id, **upload);
  if (std::holds_alternative<ModelRef>(*handle))
    return Error{ErrorCode::kInvalidArgument,
                 std::string(reader) + ": " + std::to_string(id) + " is a model, no tensor"};
  return std::get<program::Tensor>(*handle);
}

Result<ModelRef> Interpreter::find_model(const Session& session, int64_t id, std::string_view reader) const {
  const Handle* handle = find_handle(session, id);
  if (!handle)
    return Error{ErrorCode::kNotFound, std::string(reader) + ": model " + std::to_string(id) + " does not exist"};
  if (const ErrorRef* error = std::get_if<ErrorRef>(handle)) return **error;
  if (const ModelRef* model = std::get_if<ModelRef>(handle)) return *model;
  return Error{ErrorCode::kInvalidArgument, std::string(reader) + ": " + std::to_string(id) + " is a tensor, no model"};
}

Result<void> Interpreter::bind_new(Session& session, int64_t id, Handle&& handle, std::string_view what) {
  GPU_TRY(check_new(session, id, what));
  bind(session, id, std::move(handle));
  return {};
}

void Interpreter::replace(Session& session, int64_t id, program::Tensor tensor) {
  if (Handle* found = session.handles.find(id)) *found = std::move(tensor);
}

Result<void> Interpreter::open_upload(Session& session, int64_t id, const ir::TensorType& type) {
  GPU_TRY(check_new(session, id, "upload_open"));
  GPU_ASSIGN(program::Tensor tensor, with_room(session, [&] {
               return executor_.allocate(type.dtype, type.shape, false, true, session.charge);
             }));
  const uint64_t size = program::size_bytes(tensor);
  if (size == 0) {
    bind(session, id, std::move(tensor));
    return {};
  }
  std::vector<vulkan::BufferRef> slots;
  if (!program::is_mapped(tensor)) {
    const uint64_t chunks = (size + kUploadChunkBytes - 1) / kUploadChunkBytes;
    for (uint64_t i = 0; i < std::min<uint64_t>(chunks, kUploadWindow); ++i) {
      GPU_ASSIGN(vulkan::BufferRef slot, transfer_.upload_buffer(std::min(size, kUploadChunkBytes)));
      slots.push_back(std::move(slot));
    }
  }
  auto upload = std::make_shared<Upload>(session.id, id, std::move(tensor), std::move(slots));
  uploads_.insert(upload);
  bind(session, id, std::move(upload));
  return {};
}

void Interpreter::complete_upload(Session& session, const Upload& upload) {
  Handle* found = session.handles.find(upload.id());
  if (!found) return;
  const UploadRef* current = std::get_if<UploadRef>(found);
  if (!current || current->get() != &upload) return;
  uploads_.erase(session.id, upload.id());
  *found = program::Tensor(upload.tensor());
}

Result<void> Interpreter::check_new(Session& session, int64_t name, std::string_view what) {
  if (find_handle(session, name))
    return Error{ErrorCode::kInvalidArgument, std::string(what) + ": " + tensor_text(name) + " is made twice"};
  if (session.handles.size() >= kMaxTensorsPerSession)
    return Error{ErrorCode::kQuota, std::string(what) + ": the session holds " + std::to_string(kMaxTensorsPerSession) +
                                        " tensors, the limit"};
  return {};
}

const Handle* Interpreter::find_handle(const Session& session, int64_t name) const {
  return (name < 0 ? locals_ : session.handles).find(name);
}

void Interpreter::bind(Session& session, int64_t name, Handle&& handle) {
  (name < 0 ? locals_ : session.handles).put(name, std::move(handle));
  session.tensors.store(static_cast<uint32_t>(session.handles.size()), std::memory_order_relaxed);
}

void Interpreter::poison(Session& session, int64_t name, const ErrorRef& error) {
  // A name made twice loses what it had: nobody could say which of the two he reads.
  const Handle* handle = find_handle(session, name);
  if (handle && std::holds_alternative<UploadRef>(*handle)) uploads_.erase(session.id, name);
  if (!handle && session.handles.size() >= kMaxTensorsPerSession) return;
  bind(session, name, ErrorRef(error));
}

ErrorRef Interpreter::failure(Error error) const {
  if (error.code == ErrorCode::kOutOfMemory) error.message += "; " + sessions_.owners_text();
  return std::make_shared<const Error>(std::move(error));
}

}  // namespace gpu_node::service
