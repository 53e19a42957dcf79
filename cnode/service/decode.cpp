#include "service/decode.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/concat.h"
#include "service/atom_table.h"
#include "service/decode_parts.h"
#include "service/option_map.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

Result<Request> read_open(Reader& reader) {
  Open open;
  std::span<const std::byte> pid;
  if (!reader.read_pid(pid)) return malformed("open", "a pid", reader);
  open.pid = to_bytes(pid);
  const auto quota = [&](const KeyedValue& value) -> Result<void> {
    int64_t bytes = 0;
    GPU_TRY(value.integer(bytes, 0));
    open.quota_bytes = static_cast<uint64_t>(bytes);
    return {};
  };
  GPU_TRY(read_keys(
      reader, "open", "option",
      Key{"lease_ms", [&](const KeyedValue& value) { return value.integer(open.lease_ms, kMinLeaseMs, kMaxLeaseMs); }},
      Key{"quota_bytes", quota},
      Key{"grace_ms", [&](const KeyedValue& value) { return value.integer(open.grace_ms, 0, kMaxGraceMs); }}));
  return Request(std::move(open));
}

Result<Request> read_download(Reader& reader) {
  Download download;
  GPU_TRY(read_session(reader, "download", download.session));
  GPU_TRY(read_id(reader, "download", download.id));
  if (!reader.read_uint64(download.offset)) return malformed("download", "an offset of at least 0", reader);
  int64_t size = 0;
  GPU_TRY(read_bounded(reader, "download: the size", -1, INT64_MAX, size));
  if (size >= 0) download.size = static_cast<uint64_t>(size);
  GPU_TRY(read_request_options(reader, "download", download.options));
  return Request(std::move(download));
}

Result<Request> read_sync(Reader& reader) {
  Sync sync;
  GPU_TRY(read_session(reader, "sync", sync.session));
  GPU_ASSIGN(sync.ids, decode_integers(reader, kMaxIds));
  GPU_TRY(read_request_options(reader, "sync", sync.options));
  return Request(std::move(sync));
}

Result<Request> read_upload_open(Reader& reader) {
  UploadOpen upload;
  GPU_TRY(read_session(reader, "upload_open", upload.session));
  GPU_TRY(read_id(reader, "upload_open", upload.id));
  GPU_ASSIGN(upload.type.dtype, decode_dtype(reader));
  GPU_ASSIGN(upload.type.shape, decode_shape(reader));
  GPU_TRY(read_request_options(reader, "upload_open", upload.options));
  return Request(std::move(upload));
}

Result<Request> read_attach(Reader& reader) {
  Attach attach;
  GPU_TRY(read_session(reader, "attach", attach.session));
  GPU_TRY(read_id(reader, "attach", attach.id));
  GPU_TRY(read_session(reader, "attach", attach.from.session));
  GPU_TRY(read_id(reader, "attach", attach.from.id));
  GPU_TRY(read_request_options(reader, "attach", attach.options));
  return Request(std::move(attach));
}

Result<Request> read_cancel(Reader& reader) {
  Cancel cancel;
  GPU_TRY(read_session(reader, "cancel", cancel.session));
  std::span<const std::byte> ref;
  if (!reader.read_raw(ref) || ref.size() > kMaxTagBytes) return malformed("cancel", "a reference", reader);
  cancel.ref = to_bytes(ref);
  return Request(std::move(cancel));
}

template <typename T>
Result<Request> read_only_session(Reader& reader) {
  T request;
  GPU_TRY(read_session(reader, "request", request.session));
  return Request(request);
}

Result<Request> read_describe(Reader& reader) {
  Describe describe;
  if (!reader.read_int64(describe.protocol)) return malformed("describe", "a protocol version", reader);
  return Request(describe);
}

Result<Request> read_atom_request(std::string_view name) {
  if (name == "ping") return Request(Ping{});
  if (name == "stats") return Request(Stats{});
  return Error{ErrorCode::kInvalidArgument, "unknown request " + std::string(name)};
}

struct TupleRequest {
  uint32_t arity = 0;
  Result<Request> (*read)(Reader&) = nullptr;
};

Result<Request> read_request(Reader& reader) {
  static const AtomTable<TupleRequest> kRequests = [] {
    AtomTable<TupleRequest> table(17);
    table.add("describe", {2, read_describe});
    table.add("open", {3, read_open});
    table.add("heartbeat", {2, read_only_session<Heartbeat>});
    table.add("close", {2, read_only_session<Close>});
    table.add("download", {6, read_download});
    table.add("sync", {4, read_sync});
    table.add("upload_open", {6, read_upload_open});
    table.add("attach", {6, read_attach});
    table.add("cancel", {3, read_cancel});
    table.add("compile_family", {6, read_compile_family});
    table.add("chain", {6, read_chain});
    table.add("sample", {5, read_sample});
    table.add("compile_glsl", {4, read_compile_glsl});
    table.add("load_spirv", {4, read_load_spirv});
    table.add("dispatch_spirv", {7, read_dispatch_spirv});
    table.add("save_pipelines", {3, read_save_pipelines});
    table.add("explain_program", {4, read_explain_program});
    return table;
  }();
  std::string_view name;
  if (reader.read_atom(name)) return read_atom_request(name);
  uint32_t arity = 0;
  if (!reader.read_tuple(arity) || arity == 0 || !reader.read_atom(name))
    return malformed("request", "an atom or a tuple that begins with one", reader);
  const TupleRequest* found = kRequests.find(name);
  if (!found) return Error{ErrorCode::kInvalidArgument, "unknown request " + std::string(name)};
  if (arity != found->arity)
    return Error{ErrorCode::kInvalidArgument,
                 concat(name, ": expected a tuple of ", counted(found->arity, "element"), ", got ", arity)};
  return found->read(reader);
}

// {Pid, Tag}
Result<void> read_from(Reader& reader, TermBytes& pid, TermBytes& tag) {
  std::span<const std::byte> pid_raw, tag_raw;
  if (!reader.read_tuple_of(2) || !reader.read_pid(pid_raw) || !reader.read_raw(tag_raw) ||
      tag_raw.size() > kMaxTagBytes)
    return malformed("message", "{Pid, Tag}", reader);
  pid = to_bytes(pid_raw);
  tag = to_bytes(tag_raw);
  return {};
}

Result<Message> read_call(Reader& reader) {
  Call call;
  GPU_TRY(read_from(reader, call.pid, call.tag));
  call.request = read_request(reader);
  if (call.request.ok() && !reader.at_end()) call.request = malformed("request", "the end of the term", reader);
  return Message(std::move(call));
}

Result<Message> read_run(Reader& reader, std::vector<Command>& spare) {
  Run run;
  GPU_TRY(read_session(reader, "run", run.session));
  if (!reader.read_int64(run.seq)) return malformed("run", "a sequence number", reader);
  uint32_t count = 0;
  if (!reader.read_list(count, kMaxCommands)) return malformed("run", "a list of at most 4096 commands", reader);
  // A command takes at least 3 bytes: a hostile count reserves no more than the message could hold.
  run.commands = std::exchange(spare, {});
  run.commands.reserve(std::min<size_t>(count, reader.rest().size() / 3));
  for (uint32_t i = 0; i < count; ++i)
    GPU_TRY(decode_command(reader, i < run.commands.size() ? run.commands[i] : run.commands.emplace_back()));
  run.commands.resize(count);
  if (count > 0 && !reader.read_nil()) return malformed("run", "a proper list", reader);
  return Message(std::move(run));
}

// {upload, Session, Id, Offset, ReplyTo, <the binary's header>
Result<void> read_upload_head(Reader& reader, UploadChunk& chunk) {
  GPU_TRY(read_session(reader, "upload", chunk.session));
  GPU_TRY(read_id(reader, "upload", chunk.id));
  if (!reader.read_uint64(chunk.offset)) return malformed("upload", "an offset of at least 0", reader);
  return read_from(reader, chunk.pid, chunk.tag);
}

Result<std::string_view> read_message_name(Reader& reader, uint32_t& arity) {
  if (!reader.read_version()) return malformed("message", "an external term", reader);
  std::string_view name;
  if (!reader.read_tuple(arity) || arity == 0 || !reader.read_atom(name))
    return malformed("message", "a tuple that begins with an atom", reader);
  return name;
}

}  // namespace

TermBytes to_bytes(std::span<const std::byte> raw) { return {raw.begin(), raw.end()}; }

Error malformed(std::string_view what, std::string_view expected, const Reader& reader) {
  return {ErrorCode::kInvalidArgument,
          std::string(what) + ": expected " + std::string(expected) + ", got " + term_text(reader)};
}

Result<void> read_session(Reader& reader, std::string_view what, uint64_t& session) {
  if (!reader.read_uint64(session)) return malformed(what, "a session of 64 bits", reader);
  return {};
}

Result<void> read_id(Reader& reader, std::string_view what, int64_t& id) {
  const Reader before = reader;
  if (reader.read_int64(id) && id >= 0) return {};
  return malformed(what, "an id, an integer of at least 0", before);
}

std::string bounds_text(int64_t least, int64_t most) {
  return most == INT64_MAX ? concat("an integer of at least ", least) : concat("an integer from ", least, " to ", most);
}

Result<void> read_bounded(Reader& reader, std::string_view what, int64_t least, int64_t most, int64_t& value) {
  const Reader before = reader;
  if (reader.read_int64(value) && value >= least && value <= most) return {};
  return malformed(what, bounds_text(least, most), before);
}

Result<Message> decode_message(std::span<const std::byte> term) {
  std::vector<Command> none;
  return decode_message(term, none);
}

Result<Message> decode_message(std::span<const std::byte> term, std::vector<Command>& spare) {
  Reader reader(term);
  uint32_t arity = 0;
  GPU_ASSIGN(const std::string_view name, read_message_name(reader, arity));
  if (name == "$gen_call" && arity == 3) return read_call(reader);
  if (name == "run" && arity == 4) return read_run(reader, spare);
  if (name == "upload" && arity == 6) {
    UploadChunk chunk;
    GPU_TRY(read_upload_head(reader, chunk));
    if (!reader.read_binary(chunk.bytes)) return malformed("upload", "a binary", reader);
    chunk.size_bytes = static_cast<uint32_t>(chunk.bytes.size());
    return Message(std::move(chunk));
  }
  return Error{ErrorCode::kInvalidArgument, concat("unknown message ", name, " of ", counted(arity, "element"))};
}

Result<MessageHead> decode_message_head(std::span<const std::byte> head) {
  Reader reader(head);
  uint32_t arity = 0;
  MessageHead message;
  GPU_ASSIGN(std::string_view name, read_message_name(reader, arity));
  message.what = name;
  if (name == "$gen_call" && arity == 3) {
    GPU_TRY(read_from(reader, message.pid, message.tag));
    const bool named = reader.read_atom(name) || (reader.read_tuple(arity) && reader.read_atom(name));
    message.what = named ? name : "request";
  } else if (name == "upload" && arity == 6) {
    UploadChunk chunk;
    GPU_TRY(read_upload_head(reader, chunk));
    message.pid = std::move(chunk.pid);
    message.tag = std::move(chunk.tag);
  } else if (name == "run" && arity == 4) {
    GPU_TRY(read_session(reader, name, message.session));
  } else {
    return malformed("message", "a call, run or upload", reader);
  }
  return message;
}

Result<UploadChunk> decode_upload_head(std::span<const std::byte> head) {
  Reader reader(head);
  uint32_t arity = 0;
  GPU_ASSIGN(const std::string_view name, read_message_name(reader, arity));
  if (name != "upload" || arity != 6) return malformed("message", "upload", reader);
  UploadChunk chunk;
  GPU_TRY(read_upload_head(reader, chunk));
  if (!reader.read_binary_header(chunk.size_bytes)) return malformed("upload", "a binary", reader);
  return chunk;
}

Result<std::vector<int64_t>> decode_integers(Reader& reader, size_t limit) {
  std::vector<int64_t> values;
  if (!reader.read_int64_list(values, limit))
    return malformed("list", concat("a list of at most ", limit, " integers of 64 bits"), reader);
  return values;
}

std::string term_text(Reader reader) {
  int64_t number = 0;
  uint64_t large = 0;
  double real = 0;
  uint32_t count = 0;
  std::string_view name;
  std::span<const std::byte> bytes;
  // A list of bytes is one of integers: what is read of it stays behind in the copy.
  if (reader.read_int64(number)) return concat("the integer ", number);
  if (reader.read_uint64(large)) return concat("the integer ", large);
  if (reader.read_double(real)) return concat("the float ", real);
  if (reader.read_atom(name)) return concat("the atom ", name);
  if (reader.read_binary(bytes)) return "a binary of " + counted(bytes.size(), "byte");
  if (reader.read_tuple(count)) return "a tuple of " + counted(count, "element");
  if (reader.read_map(count)) return "a map of " + counted(count, "pair");
  if (reader.read_list(count)) return count == 0 ? "an empty list" : "a list of " + counted(count, "element");
  static constexpr const char* kTexts[] = {"an integer of more than 64 bits",
                                           "a float in an old form",
                                           "an atom",
                                           "a tuple",
                                           "an empty list",
                                           "an improper list",
                                           "a list of bytes",
                                           "a binary",
                                           "a bitstring",
                                           "a map",
                                           "a pid",
                                           "a reference",
                                           "a port",
                                           "a function",
                                           "the end of the message"};
  return kTexts[static_cast<size_t>(reader.peek())];
}

}  // namespace gpu_node::service
