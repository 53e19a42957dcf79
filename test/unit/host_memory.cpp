// What the host allows: texts of /proc and of control groups, and a made-up host in a folder.
#include "base/host_memory.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "made_up_host.h"

namespace gpu_node {
namespace {

constexpr uint64_t kMebi = uint64_t{1} << 20;

constexpr const char* kUnifiedMount =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kVersionOneMounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

using Host = test::MadeUpHost;

}  // namespace

TEST_CASE("host memory: numbers of /proc/meminfo and memory.stat") {
  const char* const meminfo = "MemTotal:       24684168 kB\nMemFree:        18731296 kB\nMemAvailable:   20508348 kB\n";
  CHECK(number_of(meminfo, "MemAvailable:") == uint64_t{20508348} * 1024);
  CHECK(!number_of(meminfo, "SwapFree:"));
  CHECK(!number_of(meminfo, "Mem"));
  CHECK(number_of("anon 5\ninactive_file 4096\n", "inactive_file") == 4096);
  CHECK(!number_of("inactive_file\n", "inactive_file"));
  CHECK(!number_of("", "x"));
}

TEST_CASE("host memory: limits of control groups") {
  CHECK(!cgroup_limit("max\n"));
  CHECK(!cgroup_limit(""));
  CHECK(!cgroup_limit("9223372036854771712\n"));   // version 1, pages of 4 KiB
  CHECK(!cgroup_limit("9223372036854710272\n"));   // pages of 64 KiB
  CHECK(!cgroup_limit("18446744073709551615\n"));  // an old kernel
  CHECK(cgroup_limit("734003200\n") == 700 * kMebi);
  CHECK(cgroup_limit("0") == 0);
}

TEST_CASE("host memory: a process's groups of version 2, up to where they are mounted") {
  const auto groups = memory_cgroups("0::/user.slice/user-1000.slice/gpu.service\n", kUnifiedMount);
  REQUIRE(groups.size() == 4);
  CHECK(groups[0] == Cgroup{"/sys/fs/cgroup/user.slice/user-1000.slice/gpu.service",
                            "/user.slice/user-1000.slice/gpu.service", true});
  CHECK(groups[2] == Cgroup{"/sys/fs/cgroup/user.slice", "/user.slice", true});
  CHECK(groups[3] == Cgroup{"/sys/fs/cgroup", "/", true});
  // In a namespace of its own the process is at the root.
  CHECK(memory_cgroups("0::/\n", kUnifiedMount) == std::vector<Cgroup>{{"/sys/fs/cgroup", "/", true}});
  // Moved out of what it can see.
  CHECK(memory_cgroups("0::/../other\n", kUnifiedMount) == std::vector<Cgroup>{{"/sys/fs/cgroup", "/", true}});
}

TEST_CASE("host memory: a process's groups of version 1, and beside them a hierarchy of version 2") {
  const auto groups = memory_cgroups("9:name=systemd:/\n4:cpu,memory:/a/b\n1:cpuset:/c\n0::/u\n", kVersionOneMounts);
  REQUIRE(groups.size() == 5);
  CHECK(groups[0] == Cgroup{"/sys/fs/cgroup/memory/a/b", "/a/b", false});
  CHECK(groups[1] == Cgroup{"/sys/fs/cgroup/memory/a", "/a", false});
  CHECK(groups[2] == Cgroup{"/sys/fs/cgroup/memory", "/", false});
  CHECK(groups[3] == Cgroup{"/sys/fs/cgroup/unified/u", "/u", true});
  CHECK(groups[4] == Cgroup{"/sys/fs/cgroup/unified", "/", true});
}

TEST_CASE("host memory: a container without a namespace sees its own group where the hierarchy is mounted") {
  const char* const mount = "9 8 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
  CHECK(memory_cgroups("4:memory:/docker/abc\n", mount) ==
        std::vector<Cgroup>{{"/sys/fs/cgroup/memory", "/docker/abc", false}});
  const auto inner = memory_cgroups("4:memory:/docker/abc/gpu\n", mount);
  REQUIRE(inner.size() == 2);
  CHECK(inner[0] == Cgroup{"/sys/fs/cgroup/memory/gpu", "/docker/abc/gpu", false});
  // Another container's name begins with this one's.
  CHECK(memory_cgroups("4:memory:/docker/abcd\n", mount) ==
        std::vector<Cgroup>{{"/sys/fs/cgroup/memory", "/docker/abc", false}});
}

TEST_CASE("host memory: texts that say nothing") {
  CHECK(memory_cgroups("", kUnifiedMount).empty());
  CHECK(memory_cgroups("0::/a\n", "").empty());
  CHECK(memory_cgroups("nonsense\n:\n4:memory\n", kVersionOneMounts).empty());
  CHECK(memory_cgroups("4:memory:/a\n", "1 2 3 - cgroup\n").empty());
  const auto blank = memory_cgroups("0::/\n", "1 2 0:3 / /mnt/a\\040b rw - cgroup2 none rw\n");
  REQUIRE(blank.size() == 1);
  CHECK(blank[0].folder == "/mnt/a b");
}

TEST_CASE("host memory: the least of what is available and what every group above allows") {
  Host host;
  host.memory(4096, 3000).file("/proc/self/cgroup", "0::/pod/gpu\n").file("/proc/self/mountinfo", kUnifiedMount);
  const std::string groups = "/sys/fs/cgroup";
  host.file(groups + "/pod/gpu/memory.max", "max\n").file(groups + "/pod/gpu/memory.high", "max\n");
  CHECK(HostMemory(host.root()).tightest()->name == "MemAvailable");
  CHECK(HostMemory(host.root()).tightest()->free_bytes() == 3000 * kMebi);

  host.file(groups + "/pod/memory.max", "734003200\n").file(groups + "/pod/memory.current", "104857600\n");
  host.file(groups + "/pod/memory.stat", "anon 1\ninactive_file 10485760\n");
  const MemoryBound above = *HostMemory(host.root()).tightest();
  CHECK(above.name == "memory.max of cgroup /pod");
  CHECK(above.free_bytes() == 610 * kMebi);
  CHECK(above.reserve_bytes() == 700 * kMebi / 8);
  CHECK(above.usable_bytes() == 612 * kMebi + kMebi / 2);
  CHECK(above.text() == "memory.max of cgroup /pod: 734003200 bytes, 94371840 used, 91750400 kept free");

  host.file(groups + "/pod/gpu/memory.high", "314572800\n").file(groups + "/pod/gpu/memory.current", "94371840\n");
  CHECK(HostMemory(host.root()).tightest()->name == "memory.high of cgroup /pod/gpu");
  CHECK(HostMemory(host.root()).tightest()->room_bytes() == (300 - 90 - 64) * kMebi);
  host.memory(4096, 100);
  CHECK(HostMemory(host.root()).tightest()->name == "MemAvailable");
  CHECK(HostMemory(host.root()).tightest()->room_bytes() == 0);
}

TEST_CASE("host memory: version 1, with and without a hierarchy") {
  Host host;
  host.memory(4096, 3000).file("/proc/self/cgroup", "4:memory:/a/b\n").file("/proc/self/mountinfo", kVersionOneMounts);
  const std::string groups = "/sys/fs/cgroup/memory";
  host.file(groups + "/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  host.file(groups + "/a/memory.limit_in_bytes", "734003200\n")
      .file(groups + "/a/memory.usage_in_bytes", "115343360\n");
  host.file(groups + "/a/memory.stat", "inactive_file 7\ntotal_inactive_file 10485760\n");
  CHECK(HostMemory(host.root()).tightest()->name == "memory.limit_in_bytes of cgroup /a");
  CHECK(HostMemory(host.root()).tightest()->free_bytes() == 600 * kMebi);
  host.file(groups + "/a/memory.use_hierarchy", "0\n");
  CHECK(HostMemory(host.root()).tightest()->name == "MemAvailable");
}

TEST_CASE("host memory: a host that says nothing bounds nothing; this one says something") {
  const Host nothing;
  for (const MemoryBound& bound : HostMemory(nothing.root()).look()) CHECK(bound.name == "RLIMIT_AS");
  const std::vector<MemoryBound> here = HostMemory().look();
  REQUIRE(!here.empty());
  for (const MemoryBound& bound : here) MESSAGE(bound.text());
  CHECK(here[0].free_bytes() > 0);
  CHECK(here[0].free_bytes() < here[0].total_bytes);
}

TEST_CASE("host room: what was taken counts until the host is looked at again, and a large piece looks at once") {
  Host host;
  host.memory(4096, 1024);
  const HostMemory memory(host.root());
  HostRoom room(memory);
  CHECK(!room.take(256 * kMebi));
  host.memory(4096, 600);
  CHECK(!room.take(kMebi));
  const auto refused = room.take(256 * kMebi);  // 600 less the reserve of 512
  REQUIRE(refused.has_value());
  CHECK(refused->find("MemAvailable: 4294967296 bytes") == 0);
  CHECK(!room.take(40 * kMebi));
  CHECK(!room.take(40 * kMebi));
  CHECK(room.take(40 * kMebi * 3));
  host.memory(4096, 4000);
  room.forget();
  CHECK(!room.take(3000 * kMebi));
}

TEST_CASE("host room: what is promised and not taken yet is nobody else's") {
  Host host;
  host.memory(4096, 2512);  // 2000 MiB of room
  const HostMemory memory(host.root());
  HostRoom room(memory);
  CHECK(!room.take(1200 * kMebi));
  room.forget();
  CHECK(room.take(1000 * kMebi, 1200 * kMebi).has_value());
  CHECK(!room.take(700 * kMebi, 1200 * kMebi));
  // All of it taken: the host says so itself.
  host.memory(4096, 612);
  room.forget();
  CHECK(!room.take(90 * kMebi));
  CHECK(room.take(120 * kMebi).has_value());
}

TEST_CASE("host memory: pages are there once taken, and gone once given back") {
  constexpr size_t kBytes = 8 << 20;
  const auto resident = [](void* pages) {
    std::vector<unsigned char> in(kBytes / 4096);
    REQUIRE(::mincore(pages, kBytes, in.data()) == 0);
    return std::count_if(in.begin(), in.end(), [](unsigned char c) { return (c & 1) != 0; });
  };
  const int file = ::memfd_create("pages", MFD_CLOEXEC);
  REQUIRE(::ftruncate(file, kBytes) == 0);
  for (const int fd : {file, -1}) {
    const int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void* const pages = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, kind, fd, 0);
    REQUIRE(pages != MAP_FAILED);
    auto* const bytes = static_cast<std::byte*>(pages);
    bytes[5000] = std::byte{7};
    take_pages(bytes + 100, kBytes - 200);
    CHECK(bytes[5000] == std::byte{7});
    CHECK(resident(pages) == kBytes / 4096);
    clear_bytes(bytes + 5001, kBytes - 6000);
    CHECK(bytes[5000] == std::byte{7});
    bytes[9000] = std::byte{8};
    clear_bytes(bytes + 4999, kBytes - 6000);
    CHECK(std::all_of(bytes, bytes + kBytes, [](std::byte byte) { return byte == std::byte{0}; }));
    bytes[5000] = std::byte{7};
    give_pages_back(bytes + 100, kBytes - 200);
    CHECK(resident(pages) == 2);  // that lie only partly inside
    CHECK(bytes[5000] == std::byte{0});
    ::munmap(pages, kBytes);
  }
  ::close(file);
}

}  // namespace gpu_node
