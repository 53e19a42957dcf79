#include "service/describe.h"

#include <algorithm>
#include <utility>

#include "base/embedded.h"
#include "chain/family.h"
#include "ir/op.h"
#include "program/compiled.h"
#include "vulkan/spirv_interface.h"

namespace gpu_node::service {
namespace {

using Number = std::pair<std::string_view, uint64_t>;

// |more|: how many other entries the map has, which follow.
void write_numbers(etf::Writer& writer, std::span<const Number> numbers, uint32_t more = 0) {
  writer.map(static_cast<uint32_t>(numbers.size()) + more);
  for (const auto& [name, value] : numbers) writer.atom(name).unsigned_integer(value);
}

void write_device(etf::Writer& writer, const vulkan::DeviceInfo& device, const vulkan::MemoryLimit& limit) {
  writer.map(10);
  writer.atom("name").binary(std::string_view(device.name));
  writer.atom("uuid").binary(std::string_view(device.uuid));
  writer.atom("driver").binary(std::string_view(device.driver));
  writer.atom("api").binary(std::string_view(device.api_version));
  writer.atom("index").unsigned_integer(device.index);
  writer.atom("software").boolean(device.software);
  writer.atom("memory_bytes").unsigned_integer(device.memory_bytes);
  writer.atom("unified_memory").boolean(device.unified_memory);
  writer.atom("memory_limit_bytes").unsigned_integer(limit.bytes);
  writer.atom("memory_limit_source").binary(std::string_view(limit.source));
}

void write_atoms(etf::Writer& writer, std::span<const std::string_view> atoms) {
  if (!atoms.empty()) writer.list(static_cast<uint32_t>(atoms.size()));
  for (const std::string_view atom : atoms) writer.atom(atom);
  writer.nil();
}

void write_attribute(etf::Writer& writer, const ir::AttributeRow& attribute) {
  const bool required = attribute.default_value.empty();
  writer.atom(attribute.name).map(required ? 1 : 2).atom("kind");
  if (attribute.kind == ir::AttributeKind::kChoice)
    write_atoms(writer, attribute.choices);
  else
    writer.atom(ir::word(attribute.kind));
  if (required) return;
  writer.atom("default");
  if (attribute.default_value == "[]")
    writer.nil();
  else if (attribute.default_value.find_first_not_of("0123456789") == std::string_view::npos)
    writer.integer(std::stoll(std::string(attribute.default_value)));
  else if (attribute.kind == ir::AttributeKind::kNumber)
    writer.number(std::stod(std::string(attribute.default_value)));
  else
    writer.atom(attribute.default_value);
}

void write_ops(etf::Writer& writer) {
  const std::span<const ir::Op> ops = ir::ops();
  writer.map(static_cast<uint32_t>(ops.size()));
  for (const ir::Op& op : ops) {
    writer.atom(op.name).map(10);
    writer.atom("family").atom(ir::word(op.family)).atom("takes").atom(ir::word(op.takes));
    writer.atom("type").atom(ir::word(op.type_rule)).atom("shape").atom(ir::word(op.shape_rule));
    writer.atom("results").unsigned_integer(op.results).atom("list").boolean(op.takes_list);
    writer.atom("density").boolean(op.density).atom("doc").binary(op.doc);
    writer.atom("operands");
    write_atoms(writer, op.operand_names);
    writer.atom("attributes").map(static_cast<uint32_t>(op.attributes.size()));
    for (const ir::AttributeRow& attribute : op.attributes) write_attribute(writer, attribute);
  }
}

void write_sessions(etf::Writer& writer, const std::vector<SessionRef>& sessions) {
  const Clock::time_point now = Clock::now();
  if (!sessions.empty()) writer.list(static_cast<uint32_t>(sessions.size()));
  for (const SessionRef& session : sessions) {
    writer.map(7);
    writer.atom("session").unsigned_integer(session->id);
    writer.atom("owner_node").atom(session->link->peer());
    writer.atom("tensors").unsigned_integer(session->tensors.load(std::memory_order_relaxed));
    writer.atom("bytes").unsigned_integer(session->account->bytes());
    writer.atom("host_bytes").unsigned_integer(session->host_account->bytes());
    writer.atom("attached_bytes").unsigned_integer(session->attached_bytes.load(std::memory_order_relaxed));
    writer.atom("idle_ms").integer(session->idle_ms(now));
  }
  writer.nil();
}

void write_counters(etf::Writer& writer, const StatsView& stats) {
  const vulkan::Counters& device = stats.device;
  const Number numbers[] = {
      {"submits", device.submits},
      {"dispatches", device.dispatches},
      {"barriers", device.barriers},
      {"copies", device.copies},
      {"allocations", device.allocations},
      {"buffers_reused", device.buffers_reused},
      {"shader_compiles", device.shader_compiles},
      {"spirv_cache_hits", device.spirv_cache_hits},
      {"pipelines_created", device.pipelines_created},
      {"validation_messages", device.validation_messages},
      {"instructions", stats.instructions},
      {"instructions_failed", stats.instructions_failed},
      {"decode_ns", stats.decode_ns},
      {"validate_ns", stats.validate_ns},
      {"record_ns", stats.record_ns},
      {"uploads_bytes", stats.uploads_bytes},
      {"downloads_bytes", stats.downloads_bytes},
      {"unknown_messages", stats.unknown_messages},
      {"unknown_frees", stats.unknown_frees},
      {"attached", stats.attached},
      {"kept_given_up", stats.kept_given_up},
      {"connections", stats.network.connections},
      {"handshakes_failed", stats.network.handshakes_failed},
      {"messages_in", stats.network.messages_in},
      {"messages_out", stats.network.messages_out},
  };
  write_numbers(writer, numbers);
}

}  // namespace

std::vector<Dtype> supported_types(const vulkan::DeviceInfo& device) {
  std::vector<Dtype> types;
  for (int i = 0; i < kDtypeCount; ++i) {
    const DtypeInfo& info = dtype_info(static_cast<Dtype>(i));
    const bool computes =
        info.compute == ComputeType::kI32 || info.compute == ComputeType::kU32 || info.compute == ComputeType::kF32 ||
        ((info.compute == ComputeType::kI64 || info.compute == ComputeType::kU64) && device.has_i64) ||
        ((info.compute == ComputeType::kF64 || info.kind == DtypeKind::kComplex) && device.has_f64);
    const bool holds = info.size_bytes > 2 || (info.size_bytes == 2 && device.has_f16_storage) ||
                       (info.size_bytes == 1 && device.has_8bit_storage);
    if (computes && holds) types.push_back(info.dtype);
  }
  return types;
}

void write_describe(etf::Writer& writer, const Identity& identity, const vulkan::Device& opened,
                    const ShaderSupport& shaders) {
  const vulkan::DeviceInfo& device = opened.info();
  writer.map(11);
  writer.atom("name").atom(identity.name);
  writer.atom("bulk_name").atom(identity.bulk_name);
  writer.atom("version").binary(std::string_view(identity.version));
  writer.atom("protocol").integer(kProtocolVersion);
  writer.atom("incarnation").unsigned_integer(identity.incarnation);
  writer.atom("device");
  write_device(writer, device, opened.memory_limit());
  const std::vector<Dtype> types = supported_types(device);
  writer.atom("types").list(static_cast<uint32_t>(types.size()));
  for (const Dtype type : types) writer.atom(dtype_name(type));
  writer.nil();
  writer.atom("families").list(static_cast<uint32_t>(families_files().size()));
  for (const EmbeddedFile& file : families_files())
    writer.atom(std::string_view(file.name).substr(0, std::string_view(file.name).find('.')));
  writer.nil();
  writer.atom("shaders").map(3).atom("raw").boolean(shaders.raw);
  writer.atom("toolchain").binary(std::string_view(shaders.toolchain));
  writer.atom("pipelines").binary(std::string_view(shaders.pipelines));
  writer.atom("ops");
  write_ops(writer);
  const Number limits[] = {
      {"max_storage_range", device.max_storage_range},
      {"max_allocation_bytes", device.max_allocation_bytes},
      {"inline_bytes", kInlineBytes},
      {"upload_chunk_bytes", kUploadChunkBytes},
      {"upload_window", kUploadWindow},
      {"max_pending_instructions", kMaxPendingInstructions},
      {"max_rank", kMaxRank},
      {"max_commands", kMaxCommands},
      {"max_message_bytes", kMaxMessageBytes},
      {"max_ids", kMaxIds},
      {"max_operands", kMaxOperands},
      {"max_program_inputs", program::kMaxProgramInputs},
      {"max_program_instructions", program::kMaxProgramInstructions},
      {"max_family_bytes", chain::kMaxFamilyBytes},
      {"max_names", kMaxNames},
      {"max_name_bytes", kMaxNameBytes},
      {"inline_chain_bytes", kMaxInlineChainBytes},
      {"max_glsl_bytes", kMaxGlslBytes},
      {"max_module_bytes", vulkan::kMaxRawModuleBytes},
      {"inline_shader_bytes", kMaxInlineShaderBytes},
      {"max_shader_buffers", kMaxShaderBuffers},
      {"max_push_bytes", kMaxPushBytes},
  };
  writer.atom("limits");
  write_numbers(writer, limits);
}

void write_activity(etf::Writer& writer, const ActivityView& activity) {
  const Clock::time_point now = Clock::now();
  const Rates& rates = activity.rates;
  const Number numbers[] = {{"window_ms", static_cast<uint64_t>(rates.window_ms)},
                            {"busy_ms", static_cast<uint64_t>(rates.busy_ms)},
                            {"instructions", rates.done.instructions},
                            {"bytes_in", rates.done.bytes_in},
                            {"bytes_out", rates.done.bytes_out}};
  write_numbers(writer, numbers, 2);
  const size_t jobs = std::min(activity.jobs.size(), kShownJobs);
  writer.atom("jobs");
  if (jobs > 0) writer.list(static_cast<uint32_t>(jobs));
  for (const auto& [task, begun] : std::span(activity.jobs).first(jobs)) {
    writer.map(5).atom("kind").atom(task.kind).atom("session").unsigned_integer(task.session);
    writer.atom("done").unsigned_integer(task.done).atom("of").unsigned_integer(task.of);
    writer.atom("elapsed_ms").integer(std::max<int64_t>(0, in_milliseconds(now - begun)));
  }
  writer.nil();
  std::vector<SessionRef> sessions = activity.sessions;
  const size_t shown = std::min(sessions.size(), kShownSessions);
  std::partial_sort(sessions.begin(), sessions.begin() + static_cast<ptrdiff_t>(shown), sessions.end(),
                    [](const SessionRef& a, const SessionRef& b) { return a->account->bytes() > b->account->bytes(); });
  sessions.resize(shown);
  writer.atom("sessions");
  write_sessions(writer, sessions);
}

void write_stats(etf::Writer& writer, const StatsView& stats) {
  uint64_t tensors = 0;
  for (const SessionRef& session : stats.sessions) tensors += session->tensors.load(std::memory_order_relaxed);
  writer.map(9);
  writer.atom("uptime_ms").unsigned_integer(stats.uptime_ms);
  writer.atom("incarnation").unsigned_integer(stats.incarnation);
  writer.atom("draining").boolean(stats.draining);
  const Number memory[] = {{"live_bytes", stats.device.live_bytes},       {"pooled_bytes", stats.device.pooled_bytes},
                           {"peak_bytes", stats.device.peak_bytes},       {"kept_bytes", stats.kept_bytes},
                           {"staging_bytes", stats.device.staging_bytes}, {"limit_bytes", stats.memory_limit.bytes}};
  writer.atom("memory");
  write_numbers(writer, memory, 1);
  writer.atom("limit_source").binary(std::string_view(stats.memory_limit.source));
  writer.atom("tensors").unsigned_integer(tensors);
  writer.atom("sessions");
  write_sessions(writer, stats.sessions);
  const Number queue[] = {{"depth", stats.queue_depth}, {"oldest_ms", stats.oldest_ms}};
  writer.atom("queue");
  write_numbers(writer, queue);
  writer.atom("activity");
  write_activity(writer, stats.activity);
  writer.atom("counters");
  write_counters(writer, stats);
}

}  // namespace gpu_node::service
