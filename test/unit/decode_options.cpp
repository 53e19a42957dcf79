// What the decoder says of maps: every map of every request refuses a key that it does not know, and lists those it
// does.
#include <algorithm>
#include <functional>

#include "base/concat.h"
#include "unit/decode_case.h"

namespace gpu_node::service {
namespace {

// The map comes last, or before the map of options.
struct Map {
  const char* what;
  std::function<void(Writer&)> before;  // from the tuple to the map
  std::vector<std::string> known;
  int behind = 0;  // empty maps or lists of ids that follow
};

const std::vector<std::string> kOfAll = {"deadline_ms", "ref"};

std::vector<std::string> with_own(std::vector<std::string> own) {
  own.insert(own.end(), kOfAll.begin(), kOfAll.end());
  return own;
}

Writer& begin(Writer& writer, uint32_t arity, std::string_view name) {
  return writer.tuple(arity).atom(name).unsigned_integer(kSession);
}

std::vector<Map> maps() {
  return {
      {"open", [](Writer& w) { w.tuple(3).atom("open").raw(pid()); }, {"lease_ms", "quota_bytes", "grace_ms"}},
      {"download", [](Writer& w) { begin(w, 6, "download").integer(1).integer(0).integer(-1); }, kOfAll},
      {"sync", [](Writer& w) { begin(w, 4, "sync").nil(); }, kOfAll},
      {"upload_open", [](Writer& w) { begin(w, 6, "upload_open").integer(1).atom("f32").tuple(0); }, kOfAll},
      {"attach", [](Writer& w) { begin(w, 6, "attach").integer(1).unsigned_integer(2).integer(3); }, kOfAll},
      {"compile_family", [](Writer& w) { begin(w, 6, "compile_family").integer(1).atom("normal").map(0); },
       with_own({"type", "file", "chains"})},
      {"compile_family",
       [](Writer& w) { begin(w, 6, "compile_family").integer(1).atom("normal"); },
       {"parameters", "dimensions", "data"},
       1},
      {"chain",
       [](Writer& w) {
         begin(w, 6, "chain").integer(1).map(4).atom("position").integer(1).atom("momentum").integer(1);
         w.atom("inverse_mass").integer(1).atom("step_size").integer(1).nil();
       },
       with_own({"steps", "rows", "mapping"})},
      {"chain",
       [](Writer& w) { begin(w, 6, "chain").integer(1); },
       {"position", "momentum", "inverse_mass", "step_size"},
       2},
      {"sample", [](Writer& w) { begin(w, 5, "sample").integer(1).nil(); },
       with_own({"chains", "warmup", "draws", "thin", "max_steps", "seed", "path_length", "jitter", "step_size",
                 "target_accept", "inverse_mass", "position", "constrained", "keep_draws", "mapping", "progress_ms"})},
      {"compile_glsl", [](Writer& w) { begin(w, 4, "compile_glsl").binary(std::string_view("text")); }, kOfAll},
      {"load_spirv", [](Writer& w) { begin(w, 4, "load_spirv").binary(std::string_view("text")); }, kOfAll},
      {"dispatch_spirv",
       [](Writer& w) {
         begin(w, 7, "dispatch_spirv").binary(std::string(64, 'a')).nil().binary(std::string_view());
         w.tuple(3).integer(1).integer(1).integer(1);
       },
       kOfAll},
      {"save_pipelines", [](Writer& w) { begin(w, 3, "save_pipelines"); }, kOfAll},
      {"explain_program", [](Writer& w) { begin(w, 4, "explain_program").integer(1); }, with_own({"glsl"})},
  };
}

// The error of the request whose map is what |write| writes.
std::string error_of(const Map& map, const std::function<void(Writer&)>& write) {
  Writer writer = call();
  map.before(writer);
  write(writer);
  for (int i = 0; i < map.behind; ++i) writer.map(0);
  return call_error(writer);
}

// The names behind "are " in a message.
std::vector<std::string> listed(const std::string& message) {
  std::vector<std::string> names;
  for (size_t at = message.find(" are "), next = 0; at != std::string::npos; at = next) {
    at += names.empty() ? 5 : 2;
    next = message.find(", ", at);
    names.push_back(message.substr(at, next - at));
  }
  return names;
}

}  // namespace

TEST_CASE("decode: every map refuses an unknown key and lists those it knows" * doctest::test_suite("truth")) {
  for (const Map& map : maps()) {
    CAPTURE(map.what);
    const std::string message = error_of(map, [](Writer& w) { w.map(1).atom("bogus").integer(1); });
    CHECK(message.find(std::string(map.what) + ": unknown ") == 0);
    CHECK(message.find(" bogus; the ") != std::string::npos);
    std::vector<std::string> names = listed(message), known = map.known;
    std::sort(names.begin(), names.end());
    std::sort(known.begin(), known.end());
    CHECK(names == known);
  }
}

TEST_CASE("decode: a value that a key cannot have is told with the key and what came" * doctest::test_suite("truth")) {
  for (const Map& map : maps())
    for (const std::string& key : map.known) {
      // A tuple is the value of none but a reference.
      if (key == "ref") continue;
      CAPTURE(map.what);
      CAPTURE(key);
      const std::string message = error_of(map, [&](Writer& w) { w.map(1).atom(key).tuple(0); });
      CHECK(message.find(key) != std::string::npos);
      CHECK(message.find("a tuple") != std::string::npos);
    }
  // Numbers and names come as they are, though they were read to be looked at.
  const Map sync = maps()[2];
  CHECK(error_of(sync, [](Writer& w) { w.map(1).atom("deadline_ms").integer(-1); }) ==
        "sync: the option deadline_ms is an integer from 0 to 86400000, got the integer -1");
  CHECK(error_of(sync, [](Writer& w) { w.map(2).atom("deadline_ms").integer(86'400'001).atom("ref").integer(1); }) ==
        "sync: the option deadline_ms is an integer from 0 to 86400000, got the integer 86400001");
  CHECK(error_of(sync, [](Writer& w) { w.map(1).atom("deadline_ms").number(0.5); }) ==
        "sync: the option deadline_ms is an integer from 0 to 86400000, got the float 0.5");
  CHECK(error_of(sync, [](Writer& w) { w.map(1).atom("deadline_ms").atom("never"); }) ==
        "sync: the option deadline_ms is an integer from 0 to 86400000, got the atom never");
}

TEST_CASE("decode: a key that is given twice is refused in every map of a request") {
  for (const Map& map : maps()) {
    CAPTURE(map.what);
    // Its first value is one that it may have.
    const std::string key = map.known.back();
    const std::string message = error_of(map, [&](Writer& w) {
      w.map(2);
      for (int i = 0; i < 2; ++i) {
        w.atom(key);
        if (key == "data")
          w.map(0);
        else
          w.integer(1);
      }
    });
    CHECK(message == std::string(map.what) + ": " + key + " is given twice");
  }
}

TEST_CASE("decode: every op refuses an unknown attribute, and lists those it takes" * doctest::test_suite("truth")) {
  for (const ir::Op& op : ir::ops()) {
    CAPTURE(op.name);
    Writer writer = instruction(op.name, 1, "f32", {});
    writer.nil().map(1).atom("bogus").integer(1);
    std::string known;
    for (const ir::AttributeRow& row : op.attributes) known += (known.empty() ? "" : ", ") + std::string(row.name);
    CHECK(malformed(writer).error.code == ErrorCode::kInvalidArgument);
    CHECK(malformed(writer).error.message ==
          std::string(op.name) + ": unknown attribute bogus; it takes " + (known.empty() ? "none" : known));
    for (const ir::AttributeRow& row : op.attributes) {
      Writer wrong = instruction(op.name, 1, "f32", {});
      wrong.nil().map(1).atom(row.name).binary(std::string_view("text"));
      CAPTURE(malformed(wrong).error.message);
      CHECK(malformed(wrong).error.message.find(op.name) == 0);
      CHECK(malformed(wrong).error.message.find("a binary") != std::string::npos);
      if (row.name != "value")
        CHECK(malformed(wrong).error.message.find(concat("the attribute ", row.name, " is ")) != std::string::npos);
    }
  }
}

}  // namespace gpu_node::service
