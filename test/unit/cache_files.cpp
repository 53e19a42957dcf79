// The files of the caches: what counts, what is refused and made anew, what stays within which limits.
#include "vulkan/cache_files.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/log.h"
#include "captured_log.h"
#include "odd_files.h"
#include "vulkan/spirv_cache.h"

namespace gpu_node {
namespace {

namespace fs = std::filesystem;
using test::CapturedLog;
using vulkan::CacheFiles;
using vulkan::CacheLimits;

constexpr CacheLimits kLimits{.file_bytes = 10'000, .folder_bytes = 100'000};

struct Folder {
  std::string path = [] {
    char name[] = "/tmp/gpu_node_cache_files.XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  ~Folder() { fs::remove_all(path); }
};

std::string content_of(const std::string& path) { return *read_file(path, 1 << 20); }

void overwrite(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

TEST_CASE("cache files: what was stored comes back, under its name alone") {
  const Folder folder;
  CacheFiles files(folder.path, "test 1", kLimits);
  REQUIRE(files.store("a/one", "first").ok());
  REQUIRE(files.store("a/two", std::string("\0\n", 2)).ok());
  REQUIRE(files.store("empty", "").ok());
  CHECK(files.load("a/one") == "first");
  CHECK(files.load("a/two") == std::string("\0\n", 2));
  CHECK(files.load("empty") == "");
  const CapturedLog log;
  CHECK_FALSE(files.load("a/three").has_value());
  CHECK(log.text().empty());

  fs::rename(files.path("a/one"), files.path("swap"));
  fs::rename(files.path("a/two"), files.path("a/one"));
  fs::rename(files.path("swap"), files.path("a/two"));
  for (const char* name : {"a/one", "a/two"}) {
    CHECK_FALSE(files.load(name).has_value());
    CHECK_FALSE(fs::exists(files.path(name)));
    CHECK(log.lines_with(std::string("cache_file_refused file=") + files.path(name) +
                         " reason=\"its digest is not that of its name and content\" removed=yes") == 1);
  }
  CHECK(files.load("empty") == "");
}

TEST_CASE("cache files: every damaged byte, every length and another format are refused and made anew") {
  set_log_level(LogLevel::kError);  // else these lines are all that is logged in this second
  const Folder folder;
  CacheFiles files(folder.path, "test 2", kLimits);
  REQUIRE(files.store("x", "content").ok());
  const std::string whole = content_of(files.path("x"));
  const auto refused = [&](const std::string& content) {
    overwrite(files.path("x"), content);
    CHECK_FALSE(files.load("x").has_value());
    CHECK_FALSE(fs::exists(files.path("x")));
    REQUIRE(files.store("x", "content").ok());
    CHECK(files.load("x") == "content");
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    refused(flipped);
    refused(whole.substr(0, i));
  }
  refused(whole + "x");
  CacheFiles earlier(folder.path, "test 1", kLimits);
  CHECK_FALSE(earlier.load("x").has_value());
  set_log_level(LogLevel::kInfo);
}

TEST_CASE("cache files: what is no file is refused at once and made anew") {
  const Folder folder;
  CacheFiles files(folder.path, "test 1", kLimits);
  for (const std::string how : test::kOddFiles) {
    CAPTURE(how);
    test::put_odd_file(how, files.path("x"));
    const CapturedLog log;
    CHECK_FALSE(files.load("x").has_value());
    const bool missing = how == "dangling";  // there is no file, and nobody says so
    CHECK(log.lines_with("gpu_node warning cache_file") == (missing ? 0 : 1));
    CHECK(files.store("x", "content").ok());
    CHECK(files.load("x") == "content");
  }
}

TEST_CASE("cache files: a folder that holds something is left, and costs its own file alone") {
  const Folder folder;
  CacheFiles files(folder.path, "test 1", kLimits);
  fs::create_directories(files.path("x/inside"));
  const CapturedLog log;
  CHECK_FALSE(files.load("x").has_value());
  CHECK_FALSE(files.store("x", "content").ok());
  CHECK(fs::exists(files.path("x/inside")));
  CHECK(log.lines_with("removed=no") == 1);
  CHECK(log.lines_with("cache_file_not_written") == 1);
  CHECK(files.store("y", "content").ok());
  CHECK(files.load("y") == "content");
}

TEST_CASE("cache files: what cannot be written is said once, until something can be again") {
  const Folder folder;
  CacheFiles files(folder.path, "test 1", kLimits);
  const CapturedLog log;
  {
    const test::SmallFiles full(2000);
    for (int i = 0; i < 5; ++i) CHECK_FALSE(files.store(std::to_string(i), std::string(5000, 'x')).ok());
  }
  CHECK(log.lines_with("cache_file_not_written") == 1);
  CHECK(fs::is_empty(folder.path));
  CHECK(files.store("x", "content").ok());
  CHECK(files.load("x") == "content");
  const auto large = files.store("large", std::string(10'000, 'x'));
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().code == ErrorCode::kQuota);
  CHECK(large.error().message.find("the limit is 10000") != std::string::npos);
  CHECK(log.lines_with("cache_file_not_written") == 2);
  CacheFiles nowhere(folder.path + "/x", "test 1", kLimits);
  CHECK_FALSE(nowhere.load("y").has_value());
  CHECK_FALSE(nowhere.store("y", "content").ok());
  CHECK(log.lines_with("x is there, and is no folder") == 1);
  CacheFiles none("", "test 1", kLimits);
  CHECK_FALSE(none.kept());
  CHECK(none.store("x", "content").ok());
  CHECK_FALSE(none.load("x").has_value());
}

void set_age(const std::string& path, int hours) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours));
}

TEST_CASE("cache files: the least recently used go, by number, not for what nobody could read") {
  const Folder folder;
  CacheFiles files(folder.path, "test 1", {.file_bytes = 10'000, .folder_bytes = 1'000'000, .folder_files = 4});
  for (int i = 0; i < 4; ++i) {
    REQUIRE(files.store(std::to_string(i), "content").ok());
    set_age(files.path(std::to_string(i)), 100 - i);
  }
  CHECK(files.load("0") == "content");  // used now, so no longer the oldest
  REQUIRE(files.store("4", "content").ok());
  CHECK(files.load("0") == "content");
  CHECK_FALSE(fs::exists(files.path("1")));
  test::put_odd_file("huge", files.path("2"));
  // Another process looks at the folder as this one left it.
  CacheFiles later(folder.path, "test 1", {.file_bytes = 10'000, .folder_bytes = 1'000'000, .folder_files = 4});
  REQUIRE(later.store("5", "content").ok());
  CHECK_FALSE(fs::exists(files.path("2")));
  for (const char* name : {"0", "3", "4", "5"}) CHECK(later.load(name) == "content");
}

TEST_CASE("cache files: the SPIR-V folder keeps to its limit, the least recently used go") {
  const Folder folder;
  const std::vector<uint32_t> words(250, 7);  // about a kilobyte
  const auto hash = [](int i) { return sha256_hex(std::to_string(i)); };
  vulkan::SpirvCache cache(folder.path, {.file_bytes = 10'000, .folder_bytes = 20'000});
  for (int i = 0; i < 15; ++i) {
    cache.store(hash(i), words);
    set_age(folder.path + "/" + hash(i).substr(0, 2) + "/" + hash(i) + ".spv", 100 - i);
  }
  REQUIRE(cache.load(hash(0)).has_value());  // used now, so no longer the oldest
  CHECK(*cache.load(hash(0)) == words);
  for (int i = 15; i < 60; ++i) cache.store(hash(i), words);
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path))
    if (entry.is_regular_file()) bytes += entry.file_size();
  CHECK(bytes <= 20'000);
  CHECK_FALSE(cache.load(hash(1)).has_value());
  CHECK(cache.load(hash(59)).has_value());
}

}  // namespace
}  // namespace gpu_node
