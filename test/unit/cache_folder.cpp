// Where compiled kernels are kept, and what the driver is told of it.
#include "command/cache_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "base/file.h"
#include "captured_log.h"
#include "odd_files.h"

namespace gpu_node {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

Environment environment_of(const Variables& variables) {
  return [variables](const char* name) -> const char* {
    static std::string kept;
    const auto found = variables.find(name);
    if (found == variables.end()) return nullptr;
    kept = found->second;
    return kept.c_str();
  };
}

std::string folder_of(const std::string& cache_dir, const Variables& variables) {
  Settings settings;
  settings.cache_dir = cache_dir;
  return cache_folder(settings, environment_of(variables));
}

TEST_CASE("cache folder: the setting, then systemd's folder, then the user's, else none") {
  const Variables all = {{"CACHE_DIRECTORY", "/var/cache/a:/var/cache/b"}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}};
  CHECK(folder_of("/given", all) == "/given");
  CHECK(folder_of("none", all).empty());
  CHECK(folder_of("", all) == "/var/cache/a");
  CHECK(folder_of("", {{"CACHE_DIRECTORY", ""}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}}) == "/x/gpu_node");
  CHECK(folder_of("", {{"XDG_CACHE_HOME", ""}, {"HOME", "/h"}}) == "/h/.cache/gpu_node");
  CHECK(folder_of("", {}).empty());
}

TEST_CASE("cache folder: the driver keeps its kernels below it, unless somebody has said where") {
  const Variables told = {{"MESA_SHADER_CACHE_DIR", "/c/mesa"}};
  CHECK(driver_cache_variables("/c", environment_of({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}})) == told);
  CHECK(driver_cache_variables("/c", environment_of({{"MESA_SHADER_CACHE_MAX_SIZE", "1G"}})) == told);
  CHECK(driver_cache_variables("", environment_of({})).empty());
  for (const char* name :
       {"MESA_SHADER_CACHE_DIR", "MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DIR", "MESA_GLSL_CACHE_DISABLE"})
    for (const char* value : {"", "true", "/elsewhere"})
      CHECK(driver_cache_variables("/c", environment_of({{name, value}})).empty());
}

TEST_CASE("cache folder: what the driver would wait for is removed before it looks") {
  char name[] = "/tmp/gpu_node_cache_folder.XXXXXX";
  const std::string folder = ::mkdtemp(name);
  REQUIRE(write_file_atomically(folder + "/part0/good", "content").ok());
  for (const std::string how : test::kOddFiles) {
    CAPTURE(how);
    const fs::path path = folder + "/part0/odd";
    test::put_odd_file(how, path);
    const test::CapturedLog log;
    clean_driver_cache(folder, kMesaCacheBytes);
    const bool kept = how == "folder";
    CHECK(fs::exists(fs::symlink_status(path)) == kept);
    CHECK(log.lines_with("driver_cache_file_refused file=" + path.string() + " removed=yes") == (kept ? 0 : 1));
  }
  test::put_odd_file("huge", folder + "/part0/odd");
  clean_driver_cache(folder, UINT64_MAX);  // somebody has set another limit
  CHECK(fs::exists(folder + "/part0/odd"));
  CHECK(*read_file(folder + "/part0/good", 100) == "content");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace gpu_node
