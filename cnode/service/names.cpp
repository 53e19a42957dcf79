// What ids stand for: finding it, giving ids to it, and what they cost their session.
#include <string>

#include "base/concat.h"
#include "service/interpreter.h"

namespace gpu_node::service {
namespace {

std::string tensor_text(int64_t name) { return concat(name < 0 ? "local " : "tensor ", name); }

// What a handle that is there stands for, an error aside.
std::string_view kind_of(const Handle& handle) {
  if (std::holds_alternative<ModelRef>(handle)) return "a model";
  return std::holds_alternative<ProgramRef>(handle) ? "a program" : "a tensor";
}

}  // namespace

Error Interpreter::missing_bytes(std::string_view reader, int64_t id, const Upload& upload) {
  return {ErrorCode::kInvalidArgument,
          concat(reader, ": ", tensor_text(id), " still misses ", upload.missing_bytes(), " uploaded bytes")};
}

Error Interpreter::missing(const Session& session, int64_t name, std::string_view what) const {
  const std::optional<Departure> how = name < 0 ? std::nullopt : departed_.find({session.id, name});
  if (how)
    return {ErrorCode::kNotFound,
            concat(what, *how == Departure::kFreed ? " was freed on request"
                                                   : " was freed when its last handle was collected")};
  if (!session.names_lost) return {ErrorCode::kNotFound, concat(what, " does not exist")};
  return {session.names_lost->code,
          concat(what, " does not exist; some names were not kept: ", session.names_lost->message)};
}

Result<program::Tensor> Interpreter::find(const Session& session, int64_t id, std::string_view reader) const {
  thread_.check("an interpreter");
  const Handle* handle = find_own(session, id);
  if (!handle) return missing(session, id, concat(reader, ": ", tensor_text(id)));
  if (const ErrorRef* error = std::get_if<ErrorRef>(handle)) return **error;
  if (const UploadRef* upload = std::get_if<UploadRef>(handle)) return missing_bytes(reader, id, **upload);
  if (const auto* tensor = std::get_if<program::Tensor>(handle)) return *tensor;
  return Error{ErrorCode::kInvalidArgument, concat(reader, ": ", id, " is ", kind_of(*handle), ", no tensor")};
}

template <typename T>
Result<T> Interpreter::find_as(const Session& session, int64_t id, std::string_view reader) const {
  const std::string_view wanted = std::same_as<T, ModelRef> ? "model" : "program";
  const Handle* handle = find_handle(session, id);
  if (!handle) return missing(session, id, concat(reader, ": ", wanted, " ", id));
  if (const ErrorRef* error = std::get_if<ErrorRef>(handle)) return **error;
  if (const T* found = std::get_if<T>(handle)) return *found;
  return Error{ErrorCode::kInvalidArgument, concat(reader, ": ", id, " is ", kind_of(*handle), ", no ", wanted)};
}

Result<ModelRef> Interpreter::find_model(const Session& session, int64_t id, std::string_view reader) const {
  return find_as<ModelRef>(session, id, reader);
}

Result<void> Interpreter::bind_new(Session& session, int64_t id, Handle&& handle, std::string_view what) {
  GPU_TRY(check_new(session, id, what));
  bind(session, id, std::move(handle));
  return {};
}

Result<ProgramRef> Interpreter::find_program(const Session& session, int64_t id, std::string_view reader) const {
  return find_as<ProgramRef>(session, id, reader);
}

Result<void> Interpreter::check_new(Session& session, int64_t name, std::string_view what) {
  if (find_handle(session, name))
    return Error{ErrorCode::kInvalidArgument, std::string(what) + ": " + tensor_text(name) + " is made twice"};
  if (name < 0) return {};
  if (session.handles.size() >= kMaxTensorsPerSession)
    return Error{ErrorCode::kQuota, concat(what, ": the session holds ", kMaxTensorsPerSession, " tensors, the limit")};
  Result<void> paid = session.pay_for_name();
  if (paid.ok()) return paid;
  return with_context(std::move(paid).error(), what);
}

const Handle* Interpreter::find_own(const Session& session, int64_t name) const {
  const Handle* handle = find_handle(session, name);
  return handle || name < 0 ? handle : find_shared({session.id, name});
}

const Handle* Interpreter::find_handle(const Session& session, int64_t name) const {
  return (name < 0 ? running_->locals : session.handles).find(name);
}

void Interpreter::bind(Session& session, int64_t name, Handle&& handle) {
  (name < 0 ? running_->locals : session.handles).put(name, std::move(handle));
  session.tensors.store(static_cast<uint32_t>(session.handles.size()), std::memory_order_relaxed);
}

void Interpreter::poison(Session& session, int64_t name, const ErrorRef& error) {
  // A name made twice loses what it had: nobody could say which of the two he reads.
  const Handle* handle = find_handle(session, name);
  if (handle && std::holds_alternative<UploadRef>(*handle)) uploads_.erase(session.id, name);
  // Nor is it the tensor any more that it was attached from: others would find this error by that tensor's name.
  if (handle) attachments_.erase(session, name);
  if (!handle) {
    Result<void> possible = check_new(session, name, "a name");
    if (!possible.ok()) {
      session.names_lost = std::move(possible).error();  // who reads it is told
      return;
    }
  }
  bind(session, name, ErrorRef(error));
}

void Interpreter::count_names(Session& session) {
  session.settle_names();
  session.tensors.store(static_cast<uint32_t>(session.handles.size()), std::memory_order_relaxed);
}

ErrorRef Interpreter::failure(Session& session, Error error) { return errors_.keep(session, std::move(error)); }

}  // namespace gpu_node::service
