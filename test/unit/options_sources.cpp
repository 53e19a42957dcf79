// Settings: which source wins, and what is said about the wrong ones. And the cookie's rules.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "command/cookie.h"
#include "command/options.h"
#include "odd_files.h"

namespace gpu_node {
namespace {

using Variables = std::map<std::string, std::string>;

Result<Settings> read(std::vector<std::string> flags, Variables variables = {}, bool* usage = nullptr,
                      Command command = Command::kRun) {
  static Variables kept;
  kept = std::move(variables);
  bool ignored = false;
  return read_settings(
      command, flags,
      [](const char* name) -> const char* {
        const auto found = kept.find(name);
        return found == kept.end() ? nullptr : found->second.c_str();
      },
      usage ? usage : &ignored);
}

std::string error_of(const Result<Settings>& settings) { return settings.ok() ? "" : settings.error().message; }

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/gpu_node_options.XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() {
    for (const std::string& file : files_) ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  std::string file(const std::string& name, const std::string& content, mode_t mode = 0600) {
    const std::string path = path_ + "/" + name;
    REQUIRE(write_file_atomically(path, content).ok());
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    files_.push_back(path);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

}  // namespace

TEST_CASE("options: defaults, and flags in both forms") {
  const auto defaults = read({});
  REQUIRE(defaults.ok());
  CHECK(defaults.value().listen == "127.0.0.1");
  CHECK(defaults.value().watchdog_ms == 30'000);
  const auto given =
      read({"--name", "gpu0@host", "--port=9110", "--validation", "--allow-raw-shaders", "--log-level", "debug"});
  REQUIRE(given.ok());
  CHECK(given.value().name == "gpu0@host");
  CHECK(given.value().alive() == "gpu0");
  CHECK(given.value().host() == "host");
  CHECK(given.value().port == 9110);
  CHECK(given.value().allow_raw_shaders);
  CHECK(given.value().validation);
  CHECK(given.value().log_level == LogLevel::kDebug);
}

TEST_CASE("options: a flag beats the environment, the environment beats the file") {
  Folder folder;
  const std::string config =
      folder.file("c.json", R"({"name": "file@h", "port": 1, "watchdog_ms": 5000, "validation": true})");
  const auto all = read({"--name", "flag@h", "--config", config}, {{"GPU_NODE_NAME", "env@h"}, {"GPU_NODE_PORT", "2"}});
  REQUIRE(all.ok());
  CHECK(all.value().name == "flag@h");
  CHECK(all.value().port == 2);
  CHECK(all.value().watchdog_ms == 5000);
  CHECK(all.value().validation);
  const auto by_variable = read({}, {{"GPU_NODE_CONFIG", config}});
  REQUIRE(by_variable.ok());
  CHECK(by_variable.value().name == "file@h");
}

TEST_CASE("options: the variables of releases come after our own") {
  CHECK(read({}, {{"RELEASE_NODE", "a@10.0.0.1"}}).value().name == "a@10.0.0.1");
  CHECK(read({}, {{"RELEASE_NODE", "a@h"}, {"GPU_NODE_NAME", "b@h"}}).value().name == "b@h");
  CHECK(read({}, {{"ERL_DIST_PORT", "5000"}}).value().port == 5000);
  CHECK(read({}, {{"ERL_DIST_PORT", "5000"}, {"GPU_NODE_PORT", "6000"}}).value().port == 6000);
  CHECK(read({}, {{"GPU_NODE_NAME", ""}}).value().name.empty());
}

TEST_CASE("options: what is wrong is named, with what is allowed") {
  bool usage = false;
  CHECK(error_of(read({"--nmae", "x"}, {}, &usage)).find("unknown flag --nmae, allowed: --name, --cookie-file") == 0);
  CHECK(usage);
  CHECK(error_of(read({"--port"}, {}, &usage)) == "--port needs a value");
  CHECK(usage);
  CHECK(error_of(read({"stray"}, {}, &usage)) == "unexpected argument stray");
  CHECK(error_of(read({"--port", "70000"}, {}, &usage)) == "--port=70000: expected an integer of 0 to 65534");
  CHECK(!usage);
  CHECK(error_of(read({"--port", "12x"})) == "--port=12x: expected an integer of 0 to 65534");
  CHECK(error_of(read({}, {{"GPU_NODE_LOG_LEVEL", "loud"}})) ==
        "GPU_NODE_LOG_LEVEL=loud: expected error, warning, info or debug");
  CHECK(error_of(read({"--validation=yes"})) == "--validation=yes: expected true, false, 1 or 0");
  Folder folder;
  const std::string unknown = folder.file("u.json", R"({"prot": 1})");
  CHECK(error_of(read({"--config", unknown})).find(unknown + ": unknown key prot, allowed: name, cookie_file") == 0);
  const std::string value = folder.file("v.json", R"({"port": [1]})");
  CHECK(error_of(read({"--config", value})).find("port: expected a string, an integer or a boolean, got array") !=
        std::string::npos);
  const std::string broken = folder.file("b.json", "{");
  CHECK(error_of(read({"--config", broken})) == broken + ": expected a JSON object");
  CHECK(error_of(read({"--config", folder.path() + "/none"})).find("No such file") != std::string::npos);
}

TEST_CASE("options: a flag is given once" * doctest::test_suite("truth")) {
  bool usage = false;
  CHECK(error_of(read({"--validation", "--validation"}, {}, &usage)) == "--validation is given more than once");
  CHECK(usage);
  CHECK(error_of(read({"--port", "1", "--port=1"})) == "--port is given more than once");
  CHECK(error_of(read({"--port", "1", "--validation"})).empty());
}

TEST_CASE("options: a flag that a command would ignore is an error that lists its own" * doctest::test_suite("truth")) {
  bool usage = false;
  CHECK(error_of(read({"--listen", "10.0.0.1"}, {}, &usage, Command::kStatus)) ==
        "--listen is no flag of status, allowed: --name, --cookie-file, --port, --log-level, --json, "
        "--watch, --config");
  CHECK(usage);
  CHECK(error_of(read({"--json"})).find("--json is no flag of run, allowed: --name, ") == 0);
  CHECK(error_of(read({"--name=a@b"}, {}, nullptr, Command::kCheck)).find("--name is no flag of check") == 0);
  CHECK(error_of(read({"--json", "--port", "1"}, {}, nullptr, Command::kStatus)).empty());
  // The environment is every command's.
  CHECK(error_of(read({}, {{"GPU_NODE_LISTEN", "10.0.0.1"}}, nullptr, Command::kStatus)).empty());
}

TEST_CASE("options: what run needs") {
  const auto wrong = [](std::vector<std::string> flags) {
    const auto settings = read(std::move(flags));
    REQUIRE(settings.ok());
    const auto checked = check_run_settings(settings.value());
    return checked.ok() ? std::string() : checked.error().message;
  };
  CHECK(wrong({"--name", "gpu0@10.17.89.40"}).empty());
  CHECK(wrong({"--name", "gpu0@host.example.org"}).empty());
  CHECK(wrong({}).find("no name") == 0);
  CHECK(wrong({"--name", "gpu0"}).find("expected NAME@HOST") != std::string::npos);
  CHECK(wrong({"--name", "@h"}).find("expected NAME@HOST") != std::string::npos);
  CHECK(wrong({"--name", "a@b@c"}).find("expected NAME@HOST") != std::string::npos);
  CHECK(wrong({"--name", "a@b", "--listen", "0.0.0.0"}).find("--insecure-listen-any") != std::string::npos);
  CHECK(wrong({"--name", "a@b", "--listen", "0.0.0.0", "--insecure-listen-any"}).empty());
  CHECK(wrong({"--name", "a@b", "--no-epmd"}).find("needs a port") != std::string::npos);
}

TEST_CASE("options: every flag is in the help") {
  const std::string help = settings_help();
  for (const char* flag : {"--name", "--cookie-file", "--listen", "--port", "--no-epmd", "--device", "--memory-limit",
                           "--cache-dir", "--incarnation", "--validation", "--allow-raw-shaders", "--watchdog-ms",
                           "--log-level", "--config", "--exit-on-stdin-eof", "--insecure-listen-any", "--json"})
    CHECK(help.find(std::string("  ") + flag + " ") != std::string::npos);
}

TEST_CASE("options: the cookie's file must be its owner's alone") {
  Folder folder;
  Settings settings;
  settings.cookie_file = folder.file("good", "abcdefghijklmnopqrstuvwxyz\n");
  CHECK(read_cookie(settings).value() == "abcdefghijklmnopqrstuvwxyz");
  for (const mode_t mode : {0640, 0604, 0620, 0601}) {
    settings.cookie_file = folder.file("open", "abcdefghijklmnopqrstuvwxyz", mode);
    const auto refused = read_cookie(settings);
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.find("others than its owner") != std::string::npos);
    CHECK(refused.error().message.find("abcdef") == std::string::npos);
  }
  settings.cookie_file = folder.file("empty", "\n");
  CHECK(!read_cookie(settings).ok());
  settings.cookie_file = folder.file("long", std::string(256, 'a'));
  CHECK(!read_cookie(settings).ok());
  settings.cookie_file = folder.file("binary",
                                     "abc\x01"
                                     "def");
  CHECK(!read_cookie(settings).ok());
  const std::string odd = folder.path() + "/odd";
  for (const std::string how : test::kOddFiles) {
    CAPTURE(how);
    test::put_odd_file(how, odd);
    settings.cookie_file = odd;
    CHECK(!read_cookie(settings).ok());
    CHECK(error_of(read({"--config", odd})).find(odd) != std::string::npos);
  }
  std::filesystem::remove(odd);
  settings.cookie_file = folder.path() + "/none";
  CHECK(read_cookie(settings).error().code == ErrorCode::kNotFound);
}

TEST_CASE("options: the cookie's variable is wiped once read") {
  ::setenv("RELEASE_COOKIE", "0123456789abcdefghijklmnop", 1);
  const char* bytes = std::getenv("RELEASE_COOKIE");
  CHECK(read_cookie(Settings{}).value() == "0123456789abcdefghijklmnop");
  CHECK(std::string(bytes) == std::string(26, '*'));
  CHECK(std::getenv("RELEASE_COOKIE") == nullptr);
}

}  // namespace gpu_node
