// The commands of a run message.
#include <string>
#include <string_view>

#include "base/concat.h"
#include "service/decode_parts.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr uint32_t kMaxPoisoned = 1u << 12;  // results of a malformed command that are told of it

Result<void> read_alloc(Reader& reader, bool with_bytes, AllocCommand& alloc) {
  GPU_TRY(read_id(reader, "alloc", alloc.id));
  GPU_TRY(read_dtype(reader, alloc.type.dtype));
  GPU_TRY(read_shape(reader, alloc.type.shape));
  if (!with_bytes) return {};
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) return malformed("alloc", "a binary", reader);
  if (bytes.size() > kInlineBytes)
    return Error{ErrorCode::kInvalidArgument, concat("alloc: a binary of ", bytes.size(), " bytes, the limit is ",
                                                     kInlineBytes, "; upload larger ones")};
  alloc.bytes = bytes;
  return {};
}

Result<void> read_command(Reader& reader, Command& command) {
  uint32_t arity = 0;
  std::string_view name;
  if (!reader.read_tuple(arity) || arity == 0 || !reader.read_atom(name))
    return malformed("command", "a tuple that begins with an atom", reader);
  if (name == "free" && arity == 2) {
    GPU_ASSIGN(command.emplace<FreeCommand>().ids, decode_integers(reader, kMaxIds));
    return {};
  }
  if (name == "release" && arity == 2) {
    GPU_ASSIGN(command.emplace<ReleaseCommand>().ids, decode_integers(reader, kMaxIds));
    return {};
  }
  if (name == "alloc" && (arity == 4 || arity == 5))
    return read_alloc(reader, arity == 5, command.emplace<AllocCommand>());
  if (name == "run_program" && arity == 4) return read_run_program(reader, command.emplace<RunProgramCommand>());
  if (name == "compile_program" && (arity == 6 || arity == 7))
    return read_compile_program(reader, arity == 7, command.emplace<CompileProgramCommand>());
  ir::Instruction* used = std::get_if<ir::Instruction>(&command);
  return read_instruction(reader, name, arity, used ? *used : command.emplace<ir::Instruction>());
}

// Whatever of |reader|'s command, which did not decode, can be read as the id of a result.
std::vector<int64_t> result_ids(Reader reader) {
  std::vector<int64_t> ids;
  uint32_t arity = 0, count = 0;
  std::string_view name;
  int64_t id = 0;
  if (!reader.read_tuple(arity) || arity < 2 || !reader.read_atom(name) || name == "free" || name == "release")
    return ids;
  if (name == "alloc" || name == "compile_program") {
    if (reader.read_int64(id)) ids.push_back(id);
    return ids;
  }
  if (name == "run_program") {
    if (reader.skip() && reader.skip()) (void)reader.read_int64_list(ids, kMaxPoisoned);
    return ids;
  }
  if (!reader.read_list(count)) return ids;
  for (uint32_t i = 0; i < std::min(count, kMaxPoisoned); ++i) {
    Reader result = reader;
    if (result.read_tuple(arity) && arity > 0 && result.read_int64(id)) ids.push_back(id);
    if (!reader.skip()) break;
  }
  return ids;
}

}  // namespace

Result<void> decode_command(Reader& reader, Command& command) {
  const Reader start = reader;
  Result<void> read = read_command(reader, command);
  if (read.ok()) return {};
  reader = start;
  if (!reader.skip()) return with_context(std::move(read).error(), "a command that is no term");
  command = MalformedCommand{result_ids(start), std::move(read).error()};
  return {};
}

}  // namespace gpu_node::service
