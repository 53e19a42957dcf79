// The messages of PROTOCOL.md as plain structures: what decode.h reads and the service executes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chain/binding.h"
#include "chain/mapping.h"
#include "chain/sampler_options.h"
#include "ir/program.h"
#include "program/compiled.h"
#include "service/link.h"

namespace gpu_node::service {

inline constexpr int64_t kProtocolVersion = 2;
inline constexpr uint32_t kMaxMessageBytes = 8u << 20;     // of a term on the control connection
inline constexpr uint32_t kMaxCommands = 4096;             // of one run message
inline constexpr uint32_t kMaxPendingInstructions = 4096;  // of one session, unacknowledged
inline constexpr uint64_t kInlineBytes = 64 * 1024;        // the largest binary of an alloc command
inline constexpr uint64_t kUploadChunkBytes = 1024 * 1024;
inline constexpr uint32_t kUploadWindow = 4;
inline constexpr uint64_t kMaxReplyBytes = uint64_t{1} << 30;
inline constexpr uint64_t kMaxInlineChainBytes = 1024 * 1024;   // of a chain's operand, or of all its results
inline constexpr uint64_t kMaxInlineShaderBytes = 1024 * 1024;  // of a dispatch's inputs, and of its outputs
inline constexpr size_t kMaxGlslBytes = size_t{1} << 20;
inline constexpr uint32_t kMaxShaderBuffers = 64;
inline constexpr size_t kMaxPushBytes = 4096;
inline constexpr uint32_t kMaxNames = 4096;  // of parameters, of dimensions, of data of a family
inline constexpr size_t kMaxNameBytes = 256;
inline constexpr size_t kMaxIds = size_t{1} << 20;  // of a sync, of a free or release
inline constexpr uint32_t kMaxOperands = 65'536;    // of an instruction
inline constexpr int64_t kMinLeaseMs = 1000, kMaxLeaseMs = 600'000, kDefaultLeaseMs = 30'000;
inline constexpr int64_t kMaxGraceMs = 600'000, kDefaultGraceMs = 10'000;
inline constexpr int64_t kMaxDeadlineMs = 86'400'000;

// A tensor as everybody knows it: its id in the session that made it.
struct TensorName {
  uint64_t session = 0;
  int64_t id = 0;
  bool operator==(const TensorName&) const = default;
};

struct RequestOptions {
  std::optional<int64_t> deadline_ms;
  TermBytes ref;  // empty: none
};

struct Ping {};
struct Describe {
  int64_t protocol = 0;
};
struct Open {
  TermBytes pid;
  int64_t lease_ms = kDefaultLeaseMs;
  std::optional<uint64_t> quota_bytes;
  int64_t grace_ms = kDefaultGraceMs;
};
struct Heartbeat {
  uint64_t session = 0;
};
struct Close {
  uint64_t session = 0;
};
struct Download {
  uint64_t session = 0;
  int64_t id = 0;
  uint64_t offset = 0;
  std::optional<uint64_t> size;  // nothing: to the end
  RequestOptions options;
};
struct Sync {
  uint64_t session = 0;
  std::vector<int64_t> ids;
  RequestOptions options;
};
struct UploadOpen {
  uint64_t session = 0;
  int64_t id = 0;
  ir::TensorType type;
  RequestOptions options;
};
struct Attach {
  uint64_t session = 0;
  int64_t id = 0;
  TensorName from;
  RequestOptions options;
};
// A family and its numbers, to become model |id|.
struct CompileFamily {
  uint64_t session = 0;
  int64_t id = 0;
  std::string text;  // JSON; empty: the built-in family |file|
  std::string file;  // what errors call the text
  chain::Inputs inputs;
  std::map<std::string, int64_t> tensors;  // data that lies on the device, by name
  Dtype dtype = Dtype::f64;
  int64_t chains = 1;  // how many are expected to be run together: the kernel for them is compiled
  RequestOptions options;
};
// A tensor, or its bytes.
using ChainOperand = std::variant<int64_t, std::vector<std::byte>>;
struct Chain {
  uint64_t session = 0;
  int64_t model = 0;
  ChainOperand position, momentum, inverse_mass, step_size;
  int64_t steps = 1;
  bool last_only = false;
  std::optional<chain::Mapping> mapping;
  std::vector<int64_t> results;  // positions, momenta, gradients, logp; empty: they are sent in the reply
  RequestOptions options;
};
struct Sample {
  uint64_t session = 0;
  int64_t model = 0;
  chain::SamplerOptions sampler;         // but for the position
  std::optional<ChainOperand> position;  // where the chains begin
  std::vector<int64_t> results;          // PROTOCOL.md, "Chains", has their order
  int64_t progress_ms = 0;               // between reports to the caller; 0: none
  RequestOptions options;
};
// GLSL of a client, to become SPIR-V.
struct CompileGlsl {
  uint64_t session = 0;
  std::string glsl;
  RequestOptions options;
};
// A module of a client, to become a kernel.
struct LoadSpirv {
  uint64_t session = 0;
  std::string hash;  // SHA-256 of its bytes
  std::vector<uint32_t> words;
  RequestOptions options;
};
struct OutputBytes {
  uint64_t size_bytes = 0;
};
struct OutputTensor {
  int64_t id = 0;
  ir::TensorType type;
};
// What is bound: bytes, a tensor, bytes that the reply has, or a tensor that is made.
using ShaderBuffer = std::variant<std::vector<std::byte>, int64_t, OutputBytes, OutputTensor>;
struct DispatchSpirv {
  uint64_t session = 0;
  std::string hash;
  std::vector<ShaderBuffer> buffers;  // in the order of their bindings
  std::vector<std::byte> push;
  std::array<uint32_t, 3> groups{};
  RequestOptions options;
};
// Have the driver's cache of pipelines written.
struct SavePipelines {
  uint64_t session = 0;
  RequestOptions options;
};
// What a program comes to.
struct ExplainProgram {
  uint64_t session = 0;
  int64_t program = 0;
  bool glsl = false;  // the kernels' texts too
  RequestOptions options;
};
struct Stats {};
struct Cancel {
  uint64_t session = 0;
  TermBytes ref;
};

using Request =
    std::variant<Ping, Describe, Open, Heartbeat, Close, Download, Sync, UploadOpen, Attach, CompileFamily, Chain,
                 Sample, CompileGlsl, LoadSpirv, DispatchSpirv, SavePipelines, ExplainProgram, Stats, Cancel>;

// A GenServer.call. A request that cannot be understood still has somebody to tell.
struct Call {
  TermBytes pid;
  TermBytes tag;
  Result<Request> request = Error{};
};

struct AllocCommand {
  int64_t id = 0;
  ir::TensorType type;
  // Into the message's own buffer; nothing: zeros.
  std::optional<std::span<const std::byte>> bytes;
};
struct FreeCommand {
  std::vector<int64_t> ids;
};
// Tensors whose handles were collected: another node may have been sent them.
struct ReleaseCommand {
  std::vector<int64_t> ids;
};
// A command that could not be understood, and the results that could be read from it.
struct MalformedCommand {
  std::vector<int64_t> ids;
  Error error;
};
// A program, checked and inferred where it was decoded, to become |id|.
struct CompileProgramCommand {
  int64_t id = 0;
  program::CompiledProgramRef program;
};
struct RunProgramCommand {
  int64_t program = 0;
  std::vector<ir::Operand> inputs;
  std::vector<int64_t> results;  // ids, one for each of the program's outputs
};
using Command = std::variant<ir::Instruction, AllocCommand, FreeCommand, ReleaseCommand, MalformedCommand,
                             CompileProgramCommand, RunProgramCommand>;

struct Run {
  uint64_t session = 0;
  int64_t seq = 0;
  std::vector<Command> commands;
};
struct UploadChunk {
  uint64_t session = 0;
  int64_t id = 0;
  uint64_t offset = 0;
  TermBytes pid, tag;                // whom to answer
  uint32_t size_bytes = 0;           // of the binary
  std::span<const std::byte> bytes;  // empty when only the head of the message was decoded
};

using Message = std::variant<Call, Run, UploadChunk>;

}  // namespace gpu_node::service
