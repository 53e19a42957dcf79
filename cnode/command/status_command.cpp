// `gpu_node status`: asks a running node over Erlang distribution, as any client does. Exit code 0 says that it serves,
// so that it can be a health check.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "base/concat.h"
#include "command/commands.h"
#include "command/cookie.h"
#include "command/exit_code.h"
#include "command/running_nodes.h"
#include "command/status_text.h"
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
  double real = 0;
  std::string_view atom;
  std::span<const std::byte> bytes;
  if (reader.read_int64(number)) return leaf(concat(number), concat(number));
  if (reader.read_uint64(large)) return leaf(concat(large), concat(large));
  if (reader.read_double(real)) return leaf(concat(real), concat(real));
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

int fail(int code, const Error& error) {
  std::fprintf(stderr, "gpu_node status: %s\n", error.message.c_str());
  return code;
}

struct Asked {
  Leaves node, stats;
  std::string json;
};

// What the node of |settings| answers. |code|: the exit code of an error.
Result<Asked> ask(const Settings& settings, const std::string& cookie, int& code) {
  const std::vector<std::byte> requests[] = {
      etf::Writer().tuple(2).atom("describe").integer(service::kProtocolVersion).take(),
      etf::Writer().atom("stats").take()};
  const dist::ClientOptions options{settings.name, cookie, static_cast<int>(settings.port)};
  const auto replies = dist::call_node(options, "gpu_node", requests);
  if (!replies.ok()) {
    code = replies.error().code == ErrorCode::kInvalidArgument ? kExitCookie : kExitNoDevice;
    return replies.error();
  }
  code = kExitInternal;
  Asked asked;
  GPU_ASSIGN(const std::string node, reply_json(replies.value()[0], asked.node));
  GPU_ASSIGN(const std::string stats, reply_json(replies.value()[1], asked.stats));
  asked.json = "{\"node\": " + node + ", \"stats\": " + stats + "}";
  return asked;
}

// The settings with the name, port and cookie of the one node of this user that runs here, or an error that names those
// there are.
Result<Settings> found_here(Settings settings) {
  GPU_ASSIGN(const std::vector<RunningNode> nodes, running_nodes());
  if (nodes.empty())
    return Error{ErrorCode::kNotFound,
                 "no node of this user runs on this host: give --name NAME@HOST (or GPU_NODE_NAME) of another"};
  if (nodes.size() > 1) {
    std::string names;
    for (const RunningNode& node : nodes) names += (names.empty() ? "" : ", ") + node.name;
    return Error{ErrorCode::kInvalidArgument,
                 concat(counted(nodes.size(), "node"), " of this user run here, give --name of one: ", names)};
  }
  settings.name = nodes[0].name;
  return settings;
}

// What the user did not say of a node that is listed here: where its cookie is, and its port where epmd does not know.
void fill_in(Settings& settings) {
  const Result<std::vector<RunningNode>> nodes = running_nodes();
  if (!nodes.ok()) return;
  for (const RunningNode& node : nodes.value()) {
    if (node.name != settings.name) continue;
    if (settings.cookie_file.empty()) settings.cookie_file = node.cookie_file;
    if (node.port > 0 && settings.port == 0) {
      settings.port = node.port;
    }
  }
}

}  // namespace

int status_command(const Settings& given) {
  Settings settings = given;
  if (settings.name.empty()) {
    Result<Settings> found = found_here(settings);
    if (!found.ok())
      return fail(found.error().code == ErrorCode::kNotFound ? kExitNoDevice : kExitConfig, found.error());
    settings = std::move(found).value();
  }
  fill_in(settings);
  const Result<std::string> cookie = read_cookie(settings);
  if (!cookie.ok()) return fail(kExitCookie, cookie.error());
  for (;;) {
    int code = kExitOk;
    Result<Asked> asked = ask(settings, cookie.value(), code);
    if (!asked.ok()) return fail(code, asked.error());
    // Where a person looks on, over what stood there before.
    if (settings.watch && !settings.json && ::isatty(STDOUT_FILENO) == 1) std::printf("\033[H\033[2J");
    const std::string text =
        settings.json ? asked.value().json + "\n" : status_text(asked.value().node, asked.value().stats);
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return kExitOk;  // nobody reads on
    if (!settings.watch) return kExitOk;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

const char* status_help() {
  return "gpu_node status: what a running node does\n"
         "\n"
         "  gpu_node status [--name NAME@HOST] [--cookie-file FILE] [--watch] [--json]\n"
         "\n"
         "Without --name it finds the node of this user that runs on this host; where there are several it names "
         "them.\n"
         "The cookie of a node that runs here is found too.\n"
         "\n"
         "  --name NAME@HOST     the node to ask (GPU_NODE_NAME)\n"
         "  --cookie-file FILE   its cookie (GPU_NODE_COOKIE_FILE; else RELEASE_COOKIE, "
         "$CREDENTIALS_DIRECTORY/cookie,\n"
         "                       ~/.erlang.cookie)\n"
         "  --port N             its control port, where no epmd knows it\n"
         "  --watch              ask again every second, until interrupted\n"
         "  --json               everything as JSON, in bytes and milliseconds\n"
         "\n"
         "activity  share of the time that the device was busy, ops and bytes a second, over the last seconds\n"
         "jobs      what runs: its kind, its session, how much of it is done, since when\n"
         "sessions  the memory that each holds, and of which node its owner is\n"
         "\n"
         "Exit codes: 0 it serves; 64 unknown flag; 69 no node answers; 77 no cookie, or one that is refused; 78 "
         "which\n"
         "node is meant is not clear.\n";
}

}  // namespace gpu_node
