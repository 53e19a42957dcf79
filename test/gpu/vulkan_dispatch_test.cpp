// Recording: results, hazards and their barriers, exact ranges, refused arguments, the cost of a dispatch.
#include <doctest/doctest.h>

#include <array>
#include <chrono>

#include "gpu/device.h"
#include "gpu/vulkan_kernels.h"

namespace gpu_node::test {
namespace {

using vulkan::BufferRange;
using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Counters;
using vulkan::Device;

BufferRef allocate(Device& gpu, uint64_t bytes) {
  auto buffer = gpu.pool().allocate(bytes, BufferUse::kDevice);
  if (!buffer.ok()) FAIL(buffer.error().message);
  return *buffer;
}

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return values;
}

TEST_CASE("vulkan recorder: a kernel adds two buffers") {
  Device& gpu = device();
  const BufferRef a = upload(gpu, ramp(1000));
  const BufferRef b = upload(gpu, std::vector<float>(1000, 0.25f));
  const BufferRef sum = allocate(gpu, 4000);
  run_add(gpu, a, b, sum, 1000);
  const auto values = download_as<float>(gpu, sum, 1000);
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == static_cast<float>(i) + 0.25f);
}

TEST_CASE("vulkan recorder: a chain of dependent dispatches is ordered by one barrier each") {
  Device& gpu = device();
  const BufferRef one = upload(gpu, std::vector<float>(64, 1.0f));
  BufferRef from = upload(gpu, std::vector<float>(64, 0.0f));
  BufferRef to = allocate(gpu, 256);
  finish(gpu);
  const Counters before = gpu.counters();
  for (int i = 0; i < 1000; ++i) {
    run_add(gpu, from, one, to, 64);
    std::swap(from, to);
  }
  CHECK(gpu.recorder().pending() == 1000);
  const Counters after = gpu.counters();
  CHECK(after.dispatches - before.dispatches == 1000);
  CHECK(after.barriers - before.barriers <= 1000);
  CHECK(after.barriers - before.barriers >= 999);
  CHECK(after.submits == before.submits);
  CHECK(download_as<float>(gpu, from, 64) == std::vector<float>(64, 1000.0f));
  CHECK(gpu.counters().submits == before.submits + 1);
}

TEST_CASE("vulkan recorder: independent dispatches have no barrier") {
  Device& gpu = device();
  const BufferRef a = upload(gpu, ramp(64));
  const BufferRef b = upload(gpu, ramp(64));
  std::vector<BufferRef> sums;
  for (int i = 0; i < 50; ++i) sums.push_back(allocate(gpu, 256));
  // Whatever earlier tests left in these buffers is ordered by the barrier behind the last fill.
  for (const BufferRef& sum : sums) REQUIRE(gpu.recorder().fill(sum, 0, 256, 0).ok());
  run_add(gpu, a, b, sums.back(), 64);
  const Counters before = gpu.counters();
  for (size_t i = 0; i + 1 < sums.size(); ++i) run_add(gpu, a, b, sums[i], 64);
  CHECK(gpu.counters().barriers == before.barriers);
  for (const BufferRef& sum : sums) CHECK(download_as<float>(gpu, sum, 64)[63] == 126.0f);
}

TEST_CASE("vulkan recorder: writing what an earlier command reads waits for it") {
  Device& gpu = device();
  const BufferRef a = upload(gpu, std::vector<float>(64, 1.0f));
  const BufferRef b = upload(gpu, std::vector<float>(64, 2.0f));
  const BufferRef sum = allocate(gpu, 256);
  run_add(gpu, a, b, sum, 64);
  const Counters before = gpu.counters();
  REQUIRE(gpu.recorder().fill(a, 0, 256, 0).ok());  // write after read
  CHECK(gpu.counters().barriers == before.barriers + 1);
  REQUIRE(gpu.recorder().fill(a, 0, 256, 0).ok());  // write after write
  CHECK(gpu.counters().barriers == before.barriers + 2);
  CHECK(download_as<float>(gpu, sum, 64) == std::vector<float>(64, 3.0f));
  CHECK(download_as<float>(gpu, a, 64) == std::vector<float>(64, 0.0f));
}

TEST_CASE("vulkan recorder: hazards are seen across submissions that nobody waited for") {
  Device& gpu = device();
  const BufferRef one = upload(gpu, std::vector<float>(64, 1.0f));
  BufferRef from = upload(gpu, std::vector<float>(64, 0.0f));
  BufferRef to = allocate(gpu, 256);
  const uint64_t first = gpu.recorder().submitted();
  for (int i = 0; i < 100; ++i) {  // more than the ring of command buffers holds
    run_add(gpu, from, one, to, 64);
    std::swap(from, to);
    REQUIRE(gpu.recorder().submit().ok());
  }
  CHECK(gpu.recorder().submitted() == first + 100);
  CHECK(download_as<float>(gpu, from, 64) == std::vector<float>(64, 100.0f));
}

TEST_CASE("vulkan recorder: submitting nothing submits nothing") {
  Device& gpu = device();
  finish(gpu);
  const uint64_t submits = gpu.counters().submits;
  const uint64_t value = gpu.recorder().submitted();
  const auto again = gpu.recorder().submit();
  REQUIRE(again.ok());
  CHECK(*again == value);
  CHECK(gpu.counters().submits == submits);
  CHECK_FALSE(gpu.recorder().in_flight_since().has_value());
}

TEST_CASE("vulkan recorder: copies and fills reach exactly their bytes") {
  Device& gpu = device();
  const BufferRef from = upload(gpu, std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  const BufferRef to = allocate(gpu, 16);
  REQUIRE(gpu.recorder().fill(to, 0, 16, 0xaaaaaaaa).ok());
  REQUIRE(gpu.recorder().copy(from, 1, to, 5, 6).ok());
  const std::vector<uint8_t> expected = {0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 2, 3, 4, 5, 6, 7, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa};
  CHECK(download_as<uint8_t>(gpu, to, 16) == expected);
}

TEST_CASE("vulkan recorder: bytes go up and down through staging") {
  Device& gpu = device();
  std::vector<uint8_t> bytes(1'000'003);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31 >> 3);
  const BufferRef up = *gpu.pool().allocate(bytes.size(), BufferUse::kUpload, true);
  const BufferRef middle = allocate(gpu, bytes.size());
  const BufferRef down = *gpu.pool().allocate(bytes.size(), BufferUse::kDownload);
  REQUIRE(up->mapped() != nullptr);
  REQUIRE(down->mapped() != nullptr);
  std::memcpy(up->mapped(), bytes.data(), bytes.size());
  REQUIRE(gpu.recorder().copy(up, 0, middle, 0, bytes.size()).ok());
  REQUIRE(gpu.recorder().copy(middle, 0, down, 0, bytes.size()).ok());
  REQUIRE(gpu.recorder().make_host_visible().ok());
  finish(gpu);
  CHECK(std::memcmp(down->mapped(), bytes.data(), bytes.size()) == 0);
}

TEST_CASE("vulkan recorder: an index outside the range reads zero and writes nothing") {
  Device& gpu = device();
  constexpr char kGlsl[] = R"(#version 450
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(std430, set = 0, binding = 1) buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint from; uint to; };
void main() { result[to] = a[from] + 1u; }
)";
  const auto* const poke = &kernel(gpu, "test/poke", kGlsl, 2, 8);
  const BufferRef secret = upload(gpu, std::vector<uint32_t>(256, 77));
  const BufferRef out = upload(gpu, std::vector<uint32_t>(256, 5));
  const auto run = [&](uint32_t from, uint32_t to) {
    // 16 words are visible, from word 64 on.
    const BufferRange ranges[] = {{&secret, 256, 64}, {&out, 256, 64, true}};
    const uint32_t push[] = {from, to};
    REQUIRE(gpu.recorder().dispatch(*poke, ranges, std::as_bytes(std::span(push)), {}).ok());
    return download_as<uint32_t>(gpu, out, 256);
  };
  CHECK(run(3, 0)[64] == 78);
  for (const uint32_t outside : {16u, 17u, 100u, 1'000'000u, 0x3fffffffu, 0xffffffffu}) {
    CAPTURE(outside);
    CHECK(run(outside, 0)[64] == 1);
    const std::vector<uint32_t> before = run(3, 1);
    CHECK(run(3, outside) == before);
  }
}

TEST_CASE("vulkan recorder: wrong arguments are refused and leave nothing recorded") {
  Device& gpu = device();
  finish(gpu);
  const auto* const add = &kernel(gpu, "test/add", kAddGlsl, 3, 4);
  const BufferRef a = allocate(gpu, 256);
  const BufferRef none;
  const uint32_t count = 64;
  const auto push = std::as_bytes(std::span(&count, 1));
  const BufferRange good{&a, 0, 256};
  const auto refused = [&](std::array<BufferRange, 3> ranges, std::span<const std::byte> bytes, uint32_t x) {
    const auto result = gpu.recorder().dispatch(*add, ranges, bytes, {{x, 1, 1}});
    return !result.ok() && result.error().code == ErrorCode::kInternal && gpu.recorder().pending() == 0;
  };
  CHECK(refused({good, good, {&a, 0, 257}}, push, 1));
  CHECK(refused({good, good, {&a, 256, 16}}, push, 1));
  CHECK(refused({good, good, {&a, 0, 0}}, push, 1));
  CHECK(refused({good, good, {&a, 3, 16}}, push, 1));
  CHECK(refused({good, good, {&a, UINT64_MAX, 16}}, push, 1));
  CHECK(refused({good, good, {&none, 0, 16}}, push, 1));
  CHECK(refused({good, good, good}, push.first(3), 1));
  CHECK(refused({good, good, good}, push, 0));
  CHECK(refused({good, good, good}, push, gpu.info().max_groups[0] + 1));
  CHECK_FALSE(gpu.recorder().dispatch(*add, std::array{good, good}, push, {}).ok());
  CHECK_FALSE(gpu.recorder().copy(a, 0, a, 4, 8).ok());
  CHECK_FALSE(gpu.recorder().copy(a, 0, none, 0, 8).ok());
  CHECK_FALSE(gpu.recorder().fill(a, 2, 8, 0).ok());
  CHECK(gpu.recorder().pending() == 0);
}

TEST_CASE("vulkan recorder: parts of a dispatch are together the whole") {
  Device& gpu = device();
  constexpr char kGlsl[] = R"(#version 450
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) buffer Out { uint result[]; };
void main() {
  uvec3 at = gl_WorkGroupID;
  result[(at.z * 5u + at.y) * 7u + at.x] += 1u + at.x + 100u * at.y + 10000u * at.z;
}
)";
  const auto* const number = &kernel(gpu, "test/groups", kGlsl, 1, 0);
  std::vector<uint32_t> expected;
  for (uint32_t z = 0; z < 3; ++z)
    for (uint32_t y = 0; y < 5; ++y)
      for (uint32_t x = 0; x < 7; ++x) expected.push_back(1 + x + 100 * y + 10000 * z);
  for (size_t axis = 0; axis < 3; ++axis) {
    const BufferRef out = upload(gpu, std::vector<uint32_t>(expected.size(), 0));
    const BufferRange ranges[] = {{&out, 0, expected.size() * 4, true}};
    const vulkan::Grid whole{{7, 5, 3}};
    for (uint32_t first = 0; first < whole.groups[axis];) {
      vulkan::Grid part = whole;
      part.first[axis] = first;
      part.groups[axis] = std::min(2u, whole.groups[axis] - first);
      first += part.groups[axis];
      REQUIRE(gpu.recorder().dispatch(*number, ranges, {}, part).ok());
    }
    CHECK(download_as<uint32_t>(gpu, out, expected.size()) == expected);
    vulkan::Grid beyond = whole;
    beyond.first[axis] = gpu.info().max_groups[axis];
    CHECK_FALSE(gpu.recorder().dispatch(*number, ranges, {}, beyond).ok());
  }
}

// result[group] is |count| steps of a generator from |group| on.
constexpr char kStepsGlsl[] = R"(#version 450
layout(local_size_x = 1) in;
layout(std430, set = 0, binding = 0) writeonly buffer Out { uint result[]; };
layout(push_constant) uniform Push { uint count; };
void main() {
  uint x = gl_WorkGroupID.x;
  for (uint i = 0u; i < count; ++i) x = x * 1664525u + 1013904223u;
  result[gl_WorkGroupID.x] = x;
}
)";

void record_steps(Device& gpu, const BufferRef& out, uint32_t groups, uint32_t count) {
  const BufferRange range{&out, 0, uint64_t{groups} * sizeof(uint32_t), true};
  const auto recorded = gpu.recorder().dispatch(kernel(gpu, "test/steps", kStepsGlsl, 1, 4), {&range, 1},
                                                std::as_bytes(std::span(&count, 1)), {{groups, 1, 1}});
  if (!recorded.ok()) FAIL(recorded.error().message);
}

TEST_CASE("vulkan recorder: loops run as often as the device is said to let them") {
  Device& gpu = device();
  const BufferRef out = allocate(gpu, 3 * sizeof(uint32_t));
  for (const uint32_t count : {65'534u, 65'535u, 65'536u, 200'000u}) {
    if (count > gpu.info().max_loop_iterations) continue;
    CAPTURE(count);
    record_steps(gpu, out, 3, count);
    std::vector<uint32_t> wanted = {0, 1, 2};
    for (uint32_t& x : wanted)
      for (uint32_t i = 0; i < count; ++i) x = x * 1664525u + 1013904223u;
    CHECK(download_as<uint32_t>(gpu, out, 3) == wanted);
  }
}

TEST_CASE("vulkan recorder: the cost of recording") {
  vulkan::DeviceOptions options = device_options();
  options.validation = false;
  auto opened = Device::create(options);
  REQUIRE(opened.ok());
  Device& gpu = **opened;
  constexpr char kGlsl[] = R"(#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer A { float a[]; };
layout(std430, set = 0, binding = 1) readonly buffer B { float b[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push { uint count; uint rest[15]; };
void main() {
  uint i = gl_GlobalInvocationID.x;
  if (i < count) result[i] = a[i] + b[i] + float(rest[14]);
}
)";
  const auto* const add = &kernel(gpu, "test/add16", kGlsl, 3, 64);
  const BufferRef buffers[] = {allocate(gpu, 256), allocate(gpu, 256), allocate(gpu, 256)};
  const std::array<uint32_t, 16> push{64};
  const auto record = [&](int count) {
    const auto from = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      const BufferRange ranges[] = {{&buffers[0], 0, 256}, {&buffers[1], 0, 256}, {&buffers[2], 0, 256, true}};
      REQUIRE_UNARY(gpu.recorder().dispatch(*add, ranges, std::as_bytes(std::span(push)), {}).ok());
    }
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count() / count;
  };
  record(512);
  finish(gpu);
  double best = 1e9;
  for (int round = 0; round < 10; ++round) {
    best = std::min(best, record(512));
    finish(gpu);
  }
  MESSAGE("recording one dispatch (3 buffers, 64 bytes of push constants, a barrier) takes " << best << " us");
  CHECK(best < 100);  // a net for disasters; the figure itself is read, not asserted
  const auto from = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000'000; ++i) REQUIRE_UNARY(gpu.kernels().find("test/add16") != nullptr);
  MESSAGE("KernelCache::find takes "
          << std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - from).count() / 1e6 << " ns");
}

}  // namespace
}  // namespace gpu_node::test
