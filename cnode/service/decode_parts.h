// What the decoders of requests share. Private to this folder.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/concat.h"
#include "base/small_list.h"
#include "service/decode.h"

namespace gpu_node::service {

inline constexpr size_t kMaxTagBytes = 1024;

Error malformed(std::string_view what, std::string_view expected, const etf::Reader& reader);
Result<void> read_session(etf::Reader& reader, std::string_view what, uint64_t& session);
Result<void> read_id(etf::Reader& reader, std::string_view what, int64_t& id);

// An integer within bounds; INT64_MAX: no upper one.
Result<void> read_bounded(etf::Reader& reader, std::string_view what, int64_t least, int64_t most, int64_t& value);

// More keys than any map of atoms in the protocol has.
inline constexpr uint32_t kMaxOptions = 64;

// The error of a map that has |key| twice: nobody could say which of the two values counts.
Error repeated_key(std::string_view what, std::string_view key);

// Calls |entry| with each key of the map that comes next, a key once; it reads the value, or returns an error.
template <typename Entry>
Result<void> read_options(etf::Reader& reader, std::string_view what, Entry entry) {
  uint32_t pairs = 0;
  if (!reader.read_map(pairs, kMaxOptions))
    return malformed(what, concat("a map of at most ", kMaxOptions, " options"), reader);
  SmallList<std::string_view, 8> keys;
  for (uint32_t i = 0; i < pairs; ++i) {
    std::string_view key;
    if (!reader.read_atom(key)) return malformed(what, "an atom as the key of an option", reader);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return repeated_key(what, key);
    keys.push_back(key);
    GPU_TRY(entry(key));
  }
  return {};
}

// The bytes of a term, or of a binary, that outlive the message.
TermBytes to_bytes(std::span<const std::byte> raw);

// Reads the value of |key| when that is an option of every request; false when it is not.
Result<bool> read_request_option(etf::Reader& reader, std::string_view what, std::string_view key,
                                 RequestOptions& options);

// The options of a request that has none of its own.
Result<void> read_request_options(etf::Reader& reader, std::string_view what, RequestOptions& options);

Error unknown_option(std::string_view what, std::string_view key, std::string_view own);

// Types, shapes and instructions: decode_instruction.cpp. An instruction's reader is behind its name; the memory of
// what |instruction| held is used again.
Result<void> read_dtype(etf::Reader& reader, Dtype& dtype);
Result<void> read_shape(etf::Reader& reader, Shape& shape);
Result<void> read_operand(etf::Reader& reader, ir::Operand& operand);
Result<void> read_instruction(etf::Reader& reader, std::string_view name, uint32_t arity, ir::Instruction& instruction);

// What is compiled: decode_program.cpp.
Result<void> read_compile_program(etf::Reader& reader, CompileProgramCommand& compile);
Result<void> read_run_program(etf::Reader& reader, RunProgramCommand& run);

// The requests about chains: decode_chain.cpp, decode_sample.cpp.
Result<Request> read_compile_family(etf::Reader& reader);
Result<Request> read_chain(etf::Reader& reader);
Result<Request> read_sample(etf::Reader& reader);

Result<void> read_chain_operand(etf::Reader& reader, const std::string& what, ChainOperand& operand);
Result<void> read_mapping(etf::Reader& reader, std::string_view what, std::optional<chain::Mapping>& mapping);

// The requests about shaders of clients: decode_shader.cpp.
Result<Request> read_compile_glsl(etf::Reader& reader);
Result<Request> read_load_spirv(etf::Reader& reader);
Result<Request> read_dispatch_spirv(etf::Reader& reader);
Result<Request> read_save_pipelines(etf::Reader& reader);

}  // namespace gpu_node::service
