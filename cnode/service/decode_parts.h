// What the decoders of requests share. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "service/decode.h"

namespace gpu_node::service {

inline constexpr size_t kMaxTagBytes = 1024;

struct KeyedValue;  // option_map.h

Error malformed(std::string_view what, std::string_view expected, const etf::Reader& reader);
Result<void> read_session(etf::Reader& reader, std::string_view what, uint64_t& session);
Result<void> read_id(etf::Reader& reader, std::string_view what, int64_t& id);

// "an integer from 0 to 9", "an integer of at least 0" where |most| is INT64_MAX.
std::string bounds_text(int64_t least, int64_t most);

// An integer within bounds; INT64_MAX: no upper one.
Result<void> read_bounded(etf::Reader& reader, std::string_view what, int64_t least, int64_t most, int64_t& value);

// The bytes of a term, or of a binary, that outlive the message.
TermBytes to_bytes(std::span<const std::byte> raw);

// Types, shapes and instructions: decode_instruction.cpp. An instruction's reader is behind its name; the memory of
// what |instruction| held is used again.
Result<void> read_dtype(etf::Reader& reader, Dtype& dtype);
Result<void> read_shape(etf::Reader& reader, Shape& shape);
Result<void> read_operand(etf::Reader& reader, ir::Operand& operand);
Result<void> read_instruction(etf::Reader& reader, std::string_view name, uint32_t arity, ir::Instruction& instruction);

// What is compiled: decode_program.cpp.
Result<void> read_compile_program(etf::Reader& reader, bool has_options, CompileProgramCommand& compile);
Result<void> read_run_program(etf::Reader& reader, RunProgramCommand& run);
Result<Request> read_explain_program(etf::Reader& reader);

// The requests about chains: decode_chain.cpp, decode_sample.cpp.
Result<Request> read_compile_family(etf::Reader& reader);
Result<Request> read_chain(etf::Reader& reader);
Result<Request> read_sample(etf::Reader& reader);

Result<void> read_chain_operand(etf::Reader& reader, const std::string& what, ChainOperand& operand);
Result<void> read_mapping(const KeyedValue& value, std::optional<chain::Mapping>& mapping);

// The requests about shaders of clients: decode_shader.cpp.
Result<Request> read_compile_glsl(etf::Reader& reader);
Result<Request> read_load_spirv(etf::Reader& reader);
Result<Request> read_dispatch_spirv(etf::Reader& reader);
Result<Request> read_save_pipelines(etf::Reader& reader);

}  // namespace gpu_node::service
