// `gpu_node status`: asks a running node over Erlang distribution, as any client does. Exit code 0 says that it serves,
// so that it can be a health check.
#include <cinttypes>
#include <cstdio>
#include <map>

#include "base/concat.h"
#include "command/commands.h"
#include "command/cookie.h"
#include "command/exit_code.h"
#include "dist/client.h"
#include "etf/decoder.h"
#include "etf/encoder.h"
#include "service/request.h"

namespace gpu_node {
namespace {

using etf::Reader;

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", c);
      result += escape;
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Leaves = std::map<std::string, std::string>;

// Writes the term at |reader| as JSON; its numbers and texts also go to |leaves| under their paths. False: not a term
// that a status is made of.
bool to_json(Reader& reader, const std::string& path, std::string& json, Leaves& leaves) {
  const auto leaf = [&](std::string plain, const std::string& written) {
    json += written;
    leaves[path] = std::move(plain);
    return true;
  };
  uint32_t count = 0;
  int64_t number = 0;
  uint64_t large = 0;
  std::string_view atom;
  std::span<const std::byte> bytes;
  if (reader.read_int64(number)) return leaf(concat(number), concat(number));
  if (reader.read_uint64(large)) return leaf(concat(large), concat(large));
  if (reader.read_binary(bytes)) return leaf(std::string(as_text(bytes)), quoted(as_text(bytes)));
  if (reader.read_atom(atom)) {
    const bool literal = atom == "true" || atom == "false";
    return leaf(std::string(atom), literal ? std::string(atom) : quoted(atom));
  }
  if (reader.read_map(count)) {
    json += '{';
    for (uint32_t i = 0; i < count; ++i) {
      if (!reader.read_atom(atom)) return false;
      json += (i ? ", " : "") + quoted(atom) + ": ";
      if (!to_json(reader, path.empty() ? std::string(atom) : path + "." + std::string(atom), json, leaves))
        return false;
    }
    json += '}';
    return true;
  }
  if (!reader.read_list(count)) return false;
  leaves[path] = concat(count);
  json += '[';
  for (uint32_t i = 0; i < count; ++i) {
    json += i ? ", " : "";
    if (!to_json(reader, concat(path, ".", i), json, leaves)) return false;
  }
  json += ']';
  return count == 0 || reader.read_nil();
}

// The value of a reply {Tag, {ok, Value}}.
Result<std::string> reply_json(const std::vector<std::byte>& reply, Leaves& leaves) {
  Reader reader{std::span<const std::byte>(reply)};
  uint32_t arity = 0;
  std::string_view outcome;
  std::string json;
  if (!reader.read_version() || !reader.read_tuple(arity) || arity != 2 || !reader.skip() ||
      !reader.read_tuple(arity) || !reader.read_atom(outcome) || outcome != "ok" || !to_json(reader, "", json, leaves))
    return Error{ErrorCode::kInternal, "the node answered something that this version does not understand"};
  return json;
}

std::string mebibytes(const std::string& bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f MiB", std::strtod(bytes.c_str(), nullptr) / 1048576.0);
  return text;
}

void print_text(Leaves& node, Leaves& stats) {
  const auto line = [](const char* label, const std::string& value) {
    std::printf("%-12s %s\n", label, value.c_str());
  };
  line("node", node["name"] + ", bulk " + node["bulk_name"] + ", version " + node["version"]);
  line("device", node["device.name"] + (node["device.software"] == "true" ? " (SOFTWARE: computes on the CPU)" : ""));
  line("driver", node["device.driver"] + ", Vulkan " + node["device.api"]);
  line("memory", mebibytes(stats["memory.live_bytes"]) + " live (" + mebibytes(stats["memory.kept_bytes"]) +
                     " kept for others), " + mebibytes(stats["memory.pooled_bytes"]) + " pooled, " +
                     mebibytes(stats["memory.peak_bytes"]) + " peak, limit " + mebibytes(stats["memory.limit_bytes"]) +
                     " (" + stats["memory.limit_source"] + ")");
  line("queue", stats["queue.depth"] + " waiting, oldest " + stats["queue.oldest_ms"] + " ms");
  line("work", stats["counters.instructions"] + " instructions (" + stats["counters.instructions_failed"] +
                   " failed), " + stats["counters.dispatches"] + " dispatches, " + stats["counters.submits"] +
                   " submits");
  line("kernels", stats["counters.shader_compiles"] + " compiled, " + stats["counters.spirv_cache_hits"] +
                      " from the cache, " + stats["counters.pipelines_created"] + " pipelines");
  line("up", stats["uptime_ms"] + " ms, incarnation " + stats["incarnation"] +
                 (stats["draining"] == "true" ? ", draining" : ""));
  line("sessions", stats["sessions"]);
  const int64_t sessions = std::strtoll(stats["sessions"].c_str(), nullptr, 10);
  for (int64_t i = 0; i < sessions; ++i) {
    const std::string at = concat("sessions.", i, ".");
    line("", stats[at + "owner_node"] + ": " + stats[at + "tensors"] + " tensors, " + mebibytes(stats[at + "bytes"]) +
                 ", idle " + stats[at + "idle_ms"] + " ms");
  }
}

int fail(int code, const Error& error) {
  std::fprintf(stderr, "gpu_node status: %s\n", error.message.c_str());
  return code;
}

}  // namespace

int status_command(const Settings& settings) {
  if (settings.name.empty())
    return fail(kExitConfig, {ErrorCode::kInvalidArgument, "no name: give --name NAME@HOST, or GPU_NODE_NAME"});
  Result<std::string> cookie = read_cookie(settings);
  if (!cookie.ok()) return fail(kExitCookie, cookie.error());
  const std::vector<std::byte> requests[] = {
      etf::Writer().tuple(2).atom("describe").integer(service::kProtocolVersion).take(),
      etf::Writer().atom("stats").take()};
  const dist::ClientOptions options{settings.name, std::move(cookie).value(),
                                    settings.no_epmd ? static_cast<int>(settings.port) : 0};
  const auto replies = dist::call_node(options, "gpu_node", requests);
  if (!replies.ok()) {
    const bool refused = replies.error().code == ErrorCode::kInvalidArgument;
    return fail(refused ? kExitCookie : kExitNoDevice, replies.error());
  }
  Leaves node, stats;
  const Result<std::string> node_json = reply_json(replies.value()[0], node);
  const Result<std::string> stats_json = reply_json(replies.value()[1], stats);
  if (!node_json.ok() || !stats_json.ok())
    return fail(kExitInternal, node_json.ok() ? stats_json.error() : node_json.error());
  if (settings.json) {
    std::printf("{\"node\": %s, \"stats\": %s}\n", node_json.value().c_str(), stats_json.value().c_str());
  } else {
    print_text(node, stats);
  }
  return kExitOk;
}

}  // namespace gpu_node
