// The requests about shaders of clients.
#include <cstring>
#include <string>
#include <utility>

#include "base/concat.h"
#include "base/file.h"
#include "service/option_map.h"
#include "vulkan/spirv_interface.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr size_t kHashChars = 64;

Result<std::span<const std::byte>> read_bytes(Reader& reader, std::string_view what, std::string_view of,
                                              size_t limit) {
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) return malformed(what, std::string(of) + " as a binary", reader);
  if (bytes.size() > limit)
    return Error{ErrorCode::kInvalidArgument,
                 concat(what, ": ", of, " of ", bytes.size(), " bytes, the limit is ", limit)};
  return bytes;
}

Result<std::string> read_hash(Reader& reader, std::string_view what) {
  GPU_ASSIGN(const std::span<const std::byte> bytes, read_bytes(reader, what, "a hash", kHashChars));
  const std::string hash(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (hash.size() != kHashChars || hash.find_first_not_of("0123456789abcdef") != hash.npos)
    return Error{ErrorCode::kInvalidArgument, std::string(what) + ": a hash has 64 hexadecimal digits in lower case"};
  return hash;
}

Result<ShaderBuffer> read_output(Reader& reader, std::string_view what, uint32_t arity) {
  std::string_view out;
  if (!reader.read_atom(out) || out != "out") return malformed(what, "out as the first element", reader);
  if (arity == 2) {
    const Reader before = reader;
    int64_t size = 0;
    if (!reader.read_int64(size) || size <= 0 || size % 4 != 0)
      return malformed(what, "the size of an output, a positive multiple of 4", before);
    return ShaderBuffer(OutputBytes{static_cast<uint64_t>(size)});
  }
  OutputTensor output;
  GPU_TRY(read_id(reader, what, output.id));
  GPU_ASSIGN(output.type.dtype, decode_dtype(reader));
  GPU_ASSIGN(output.type.shape, decode_shape(reader));
  return ShaderBuffer(std::move(output));
}

Result<ShaderBuffer> read_buffer(Reader& reader, std::string_view what) {
  uint32_t arity = 0;
  if (reader.read_tuple(arity)) {
    if (arity != 2 && arity != 4) return malformed(what, "{out, Bytes} or {out, Id, Type, Shape}", reader);
    return read_output(reader, what, arity);
  }
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) {
    int64_t id = 0;
    GPU_TRY(read_id(reader, what, id));
    return ShaderBuffer(id);
  }
  if (bytes.empty() || bytes.size() % 4 != 0 || bytes.size() > kMaxInlineShaderBytes)
    return Error{ErrorCode::kInvalidArgument,
                 concat(what, ": a binary of ", bytes.size(), " bytes, from 4 to ", kMaxInlineShaderBytes,
                        " and a multiple of 4 can be; upload larger ones")};
  return ShaderBuffer(to_bytes(bytes));
}

Result<void> read_buffers(Reader& reader, std::string_view what, std::vector<ShaderBuffer>& buffers) {
  uint32_t count = 0;
  if (!reader.read_list(count, kMaxShaderBuffers))
    return malformed(what, concat("a list of at most ", kMaxShaderBuffers, " buffers"), reader);
  for (uint32_t i = 0; i < count; ++i) {
    GPU_ASSIGN(ShaderBuffer buffer, read_buffer(reader, concat(what, ": buffer ", i)));
    buffers.push_back(std::move(buffer));
  }
  if (count > 0 && !reader.read_nil()) return malformed(what, "a proper list of buffers", reader);
  return {};
}

Result<void> read_groups(Reader& reader, std::string_view what, std::array<uint32_t, 3>& groups) {
  if (!reader.read_tuple_of(3)) return malformed(what, "groups as {X, Y, Z}", reader);
  for (uint32_t& group : groups) {
    int64_t value = 0;
    GPU_TRY(read_bounded(reader, concat(what, ": groups"), 1, UINT32_MAX, value));
    group = static_cast<uint32_t>(value);
  }
  return {};
}

}  // namespace

Result<Request> read_compile_glsl(Reader& reader) {
  constexpr std::string_view kWhat = "compile_glsl";
  CompileGlsl compile;
  GPU_TRY(read_session(reader, kWhat, compile.session));
  GPU_ASSIGN(const std::span<const std::byte> text, read_bytes(reader, kWhat, "a shader", kMaxGlslBytes));
  compile.glsl.assign(reinterpret_cast<const char*>(text.data()), text.size());
  GPU_TRY(read_request_options(reader, kWhat, compile.options));
  return Request(std::move(compile));
}

Result<Request> read_load_spirv(Reader& reader) {
  constexpr std::string_view kWhat = "load_spirv";
  LoadSpirv load;
  GPU_TRY(read_session(reader, kWhat, load.session));
  GPU_ASSIGN(const std::span<const std::byte> bytes, read_bytes(reader, kWhat, "a module", vulkan::kMaxRawModuleBytes));
  if (bytes.empty() || bytes.size() % sizeof(uint32_t) != 0)
    return Error{ErrorCode::kInvalidArgument,
                 concat("load_spirv: ", bytes.size(), " bytes are no whole number of words")};
  load.hash = sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  load.words.resize(bytes.size() / sizeof(uint32_t));
  std::memcpy(load.words.data(), bytes.data(), bytes.size());
  GPU_TRY(read_request_options(reader, kWhat, load.options));
  return Request(std::move(load));
}

Result<Request> read_dispatch_spirv(Reader& reader) {
  constexpr std::string_view kWhat = "dispatch_spirv";
  DispatchSpirv dispatch;
  GPU_TRY(read_session(reader, kWhat, dispatch.session));
  GPU_ASSIGN(dispatch.hash, read_hash(reader, kWhat));
  GPU_TRY(read_buffers(reader, kWhat, dispatch.buffers));
  GPU_ASSIGN(const std::span<const std::byte> push, read_bytes(reader, kWhat, "push constants", kMaxPushBytes));
  dispatch.push = to_bytes(push);
  GPU_TRY(read_groups(reader, kWhat, dispatch.groups));
  GPU_TRY(read_request_options(reader, kWhat, dispatch.options));
  return Request(std::move(dispatch));
}

Result<Request> read_save_pipelines(Reader& reader) {
  SavePipelines save;
  GPU_TRY(read_session(reader, "save_pipelines", save.session));
  GPU_TRY(read_request_options(reader, "save_pipelines", save.options));
  return Request(std::move(save));
}

}  // namespace gpu_node::service
