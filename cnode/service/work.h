// What reader threads hand to the device thread.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "service/family_compiler.h"
#include "service/interpreter.h"
#include "service/reply.h"
#include "service/session.h"
#include "service/waited_job.h"

namespace gpu_node::service {

struct RunWork {
  SessionRef session;
  Run run;
  std::vector<std::byte> frame;  // the commands' binaries lie in it
  // Of host memory: the programs that it compiles, and long lists of operands, which decoding makes larger.
  uint64_t program_bytes = 0, list_bytes = 0;
  std::unique_ptr<Running> paused = nullptr;  // when it has begun

  // Work whose memory is counted.
  static RunWork of(SessionRef session, Run&& run, std::vector<std::byte>&& frame);
};
struct DownloadWork {
  SessionRef session;
  PendingCallRef call;
  Download download;
  std::unique_ptr<Trial> trial = nullptr;  // when it has been tried
};
struct SyncWork {
  SessionRef session;
  PendingCallRef call;
  std::vector<int64_t> ids;
};
struct UploadOpenWork {
  SessionRef session;
  PendingCallRef call;
  int64_t id = 0;
  ir::TensorType type;
  std::unique_ptr<Trial> trial = nullptr;  // when it has been tried
};
struct AttachWork {
  SessionRef session;
  PendingCallRef call;
  int64_t id = 0;
  TensorName from;
};
// A family whose data lies in tensors.
struct DataWork {
  CompileWork work;
};
// A model that was planned off the device thread.
struct ModelWork {
  CompileWork work;
  PlannedModel planned;
};
struct ChainWork {
  SessionRef session;
  PendingCallRef call;
  Chain chain;
  std::unique_ptr<Trial> trial = nullptr;  // when it has been tried
};
struct SampleWork {
  SessionRef session;
  PendingCallRef call;
  Sample sample;
  std::unique_ptr<Trial> trial = nullptr;  // when it has been tried
};
// A job that needs nothing of the device thread to begin.
struct PendingJobWork {
  std::unique_ptr<WaitedJob> job;
};
struct DispatchWork {
  SessionRef session;
  PendingCallRef call;
  DispatchSpirv dispatch;
};
struct ExplainWork {
  SessionRef session;
  PendingCallRef call;
  int64_t program = 0;
  bool glsl = false;
};
// A chunk whose bytes are in its staging buffer.
struct StagedChunkWork {
  SessionRef session;
  ChunkRef chunk;
  Caller reply_to;
};
// An upload whose last bytes have come.
struct UploadDoneWork {
  SessionRef session;
  UploadRef upload;
};
// Nothing but a reason to look again: a session has ended.
struct WakeWork {};

using Work =
    std::variant<WakeWork, RunWork, DownloadWork, SyncWork, UploadOpenWork, AttachWork, DataWork, ModelWork, ChainWork,
                 SampleWork, PendingJobWork, DispatchWork, ExplainWork, StagedChunkWork, UploadDoneWork>;

// Whose it is; nullptr: nobody's.
const SessionRef* session_of(const Work& work);
// Who waits for it; nullptr: nobody, or the caller of a chunk.
const PendingCallRef* call_of(const Work& work);
// Of host memory that it keeps: its message, and what was decoded of it beyond that.
uint64_t held_bytes(const Work& work);
// Answers |error| to who waits for it; false when nobody does.
bool fail(const Work& work, const Error& error);

// Puts |error| in place of what would make something, and drops its message: the results are then poisoned with it, and
// what lets go of something is done. Programs are still compiled, for their client goes on running them when there is
// room again.
void refuse(RunWork& work, const Error& error);

}  // namespace gpu_node::service
