// Tensors that more than one session knows: attaching, and what is kept of those let go.
#include <string>

#include "base/concat.h"
#include "program/transfer.h"
#include "service/interpreter.h"

namespace gpu_node::service {
namespace {

std::string name_text(const TensorName& name) { return concat("tensor ", name.id, " of session ", name.session); }

}  // namespace

Result<void> Interpreter::attach(Session& session, int64_t id, const TensorName& from) {
  thread_.check("an interpreter");
  GPU_TRY(check_new(session, id, "attach"));
  const SessionRef maker = sessions_.peek(from.session);
  const Handle* found = maker ? find_handle(*maker, from.id) : nullptr;
  if (!found) found = find_shared(from);
  if (!found && !maker)
    return Error{ErrorCode::kStale, concat("attach: ", name_text(from), ": ", sessions_.ended(from.session).message,
                                           ", and nobody else has it")};
  const std::optional<Departure> how = found ? std::nullopt : departed_.find(from);
  if (how)
    return Error{ErrorCode::kNotFound,
                 *how == Departure::kFreed
                     ? concat("attach: ", name_text(from), " was freed by ", maker->link->peer())
                     : concat("attach: ", name_text(from), " was freed: ", maker->link->peer(),
                              " let go of its last handle more than ", maker->grace.count(), " ms ago, its grace")};
  if (!found)
    return Error{ErrorCode::kNotFound, concat("attach: ", name_text(from), " does not exist: ", maker->link->peer(),
                                              " freed it long ago, or has not made it yet")};
  if (const UploadRef* upload = std::get_if<UploadRef>(found)) return missing_bytes("attach", from.id, **upload);
  if (std::holds_alternative<ProgramRef>(*found))
    return Error{ErrorCode::kInvalidArgument, "attach: " + name_text(from) + " is a program, no tensor"};
  Handle handle = *found;
  const auto* tensor = std::get_if<program::Tensor>(&handle);
  const uint64_t bytes = tensor && tensor->storage ? tensor->storage->size_bytes : 0;
  bind(session, id, std::move(handle));
  attachments_.add(session, id, from, bytes);
  attached_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

const Handle* Interpreter::find_shared(const TensorName& name) const {
  if (const Handle* kept = kept_.find(name)) return kept;
  const auto holder = attachments_.find(name);
  return holder ? find_handle(*holder->session, holder->id) : nullptr;
}

void Interpreter::execute(Session& session, const ReleaseCommand& released) {
  for (const int64_t id : released.ids) departed_.note({session.id, id}, Departure::kCollected);
  if (!sessions_.several_nodes() || session.grace.count() == 0) return free(session, released.ids);
  const Clock::time_point until = Clock::now() + session.grace;
  for (const int64_t id : released.ids) {
    Handle* found = session.handles.find(id);
    // Nobody else could use what is still being uploaded, or a program.
    if (!found || std::holds_alternative<UploadRef>(*found) || std::holds_alternative<ProgramRef>(*found)) {
      free(session, std::span(&id, 1));
      continue;
    }
    // Those who meet the handle again know it by its first name.
    if (const auto origin = attachments_.erase(session, id)) kept_.keep(*origin, *found, session.id, until);
    kept_.keep({session.id, id}, std::move(*found), session.id, until);
    session.handles.erase(id);
  }
  count_names(session);
}

}  // namespace gpu_node::service
