// Files: what is read, what is refused at once, what a write leaves.
#include "base/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "odd_files.h"

namespace gpu_node {
namespace {

namespace fs = std::filesystem;

struct Folder {
  std::string path = [] {
    char name[] = "/tmp/gpu_node_file.XXXXXX";
    return std::string(::mkdtemp(name));
  }();
  ~Folder() { fs::remove_all(path); }
};

std::string error_of(const Result<std::string>& read) { return read.ok() ? "" : read.error().message; }

TEST_CASE("file: what is not a file is refused at once, and said to be what it is") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  const auto said = [&](const std::string& how) {
    test::put_odd_file(how, path);
    const auto read = read_file(path, 1000);
    REQUIRE_FALSE(read.ok());
    CHECK((read.error().code == ErrorCode::kInvalidArgument) == (how != "loop" && how != "dangling"));
    return error_of(read);
  };
  CHECK(said("fifo") == path + " is a FIFO; only a regular file is read");
  CHECK(said("socket") == path + " is a socket; only a regular file is read");
  CHECK(said("device") == path + " is a device; only a regular file is read");
  CHECK(said("folder") == path + " is a folder; only a regular file is read");
  CHECK(said("huge") == path + " has 1099511627776 bytes, at most 1000 are read");
  CHECK(said("loop").find("symbolic links") != std::string::npos);
  CHECK(said("dangling").find("No such file") != std::string::npos);
}

TEST_CASE("file: up to its limit a file is read, and one whose size is not known before") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  REQUIRE(write_file_atomically(path, std::string(1000, 'a')).ok());
  CHECK(*read_file(path, 1000) == std::string(1000, 'a'));
  CHECK(error_of(read_file(path, 999)) == path + " has 1000 bytes, at most 999 are read");
  CHECK(read_file("/proc/self/status", 100'000).ok());
  CHECK(error_of(read_file("/proc/self/status", 10)) == "/proc/self/status has more than 10 bytes");
}

TEST_CASE("file: its owner's alone, where that is asked for") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  REQUIRE(write_file_atomically(path, "secret").ok());
  CHECK(*read_file(path, 100, ReadBy::kOwner) == "secret");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(error_of(read_file(path, 100, ReadBy::kOwner)).find("others than its owner") == 0);
  CHECK(*read_file(path, 100) == "secret");
}

TEST_CASE("file: a write takes the place of anything but a folder, and leaves nothing where it fails") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  for (const std::string how : test::kOddFiles) {
    CAPTURE(how);
    test::put_odd_file(how, path);
    const auto written = write_file_atomically(path, "content");
    CHECK(written.ok() == (how != "folder"));
    if (written.ok()) CHECK(*read_file(path, 100) == "content");
    CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
  }
  const auto below_file = write_file_atomically(path + "/y", "content");
  REQUIRE_FALSE(below_file.ok());
  CHECK(below_file.error().message == path + " is there, and is no folder");
}

TEST_CASE("file: where the content does not fit, the old file stays and nothing beside it") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  REQUIRE(write_file_atomically(path, "old").ok());
  const test::SmallFiles small(1000);
  const auto written = write_file_atomically(path, std::string(5000, 'n'));
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().message.find("File too large") != std::string::npos);
  CHECK(*read_file(path, 100) == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

}  // namespace
}  // namespace gpu_node
