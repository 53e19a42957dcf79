// The transcendental functions on the device against oracles of higher precision, and what they cost to compile.
//
// Square roots are compared bit by bit, too: a tie that is rounded the wrong way is half a unit off in any precision.
//
// Prints a table; its times are processor time, honest only with the driver's own cache off
// (MESA_SHADER_CACHE_DISABLE=true). GPU_NODE_MATH_POINTS sets the number of points of each function and width (a
// million at first).
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "gpu/device.h"
#include "gpu/math_points.h"
#include "gpu/vulkan_kernels.h"
#include "kernels/glsl/shader_library.h"

namespace gpu_node::test {
namespace {

using math_test::Function;
using math_test::Worst;
using vulkan::BufferRange;
using vulkan::BufferRef;
using vulkan::BufferUse;
using vulkan::Device;

// Results that are not the nearest float come from double results that are almost half way between two of them.
constexpr double kBoundF32 = 0.501;
constexpr double kBoundF64 = 1.0;

size_t point_count() {
  const char* text = std::getenv("GPU_NODE_MATH_POINTS");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 10);
}

// A kernel that sets result[i] to |expression| of a[i] and b[i], with |library| before it.
std::string glsl_of(std::string_view type, const std::string& library, const std::string& expression) {
  std::string text = "#version 450\nlayout(local_size_x = 64) in;\n";
  const char* const names[] = {"A { TYPE a[]; };\n", "B { TYPE b[]; };\n", "Out { TYPE result[]; };\n"};
  for (int i = 0; i < 3; ++i) {
    std::string block = names[i];
    block.replace(block.find("TYPE"), 4, type);
    text += "layout(std430, set = 0, binding = " + std::to_string(i) + ") buffer " + block;
  }
  return text + "layout(push_constant) uniform Push { uint count; };\n" + library +
         "void main() {\n  uint i = gl_GlobalInvocationID.x;\n  if (i < count) result[i] = " + expression + ";\n}\n";
}

template <typename T>
std::vector<T> run(const vulkan::Kernel* made, const std::vector<T>& x, const std::vector<T>& y) {
  Device& gpu = device();
  const uint64_t bytes = x.size() * sizeof(T);
  const uint32_t count = static_cast<uint32_t>(x.size());
  const BufferRef a = upload(gpu, x);
  const BufferRef b = y.empty() ? a : upload(gpu, y);
  const BufferRef out = *gpu.pool().allocate(bytes, BufferUse::kDevice);
  const BufferRange ranges[] = {{&a, 0, bytes}, {&b, 0, bytes}, {&out, 0, bytes, true}};
  const auto recorded =
      gpu.recorder().dispatch(*made, ranges, std::as_bytes(std::span(&count, 1)), {{(count + 63) / 64, 1, 1}});
  if (!recorded.ok()) FAIL(recorded.error().message);
  return download_as<T>(gpu, out, x.size());
}

template <typename T>
constexpr const char* kType = sizeof(T) == 4 ? "float" : "double";

// Does the device lose subnormal arguments or results of T?
template <typename T>
bool flushes_subnormals() {
  const std::string type = kType<T>;
  const std::string key = "test/math/flush/" + type;
  const vulkan::Kernel* const made =
      &kernel(device(), key, glsl_of(type, "", type + "(double(a[i]) * 0.5lf) + b[i]"), 3, 4);
  const T least = std::numeric_limits<T>::min();
  const std::vector<T> x = {least, least / 2, T(0), least};
  const std::vector<T> y = {T(0), T(0), least / 4, -least / 2};
  const std::vector<T> got = run(made, x, y);
  return got[0] != least / 2 || got[1] != least / 4 || got[2] != least / 4 || got[3] != T(0);
}

// Processor time of the whole process, so that other work on the machine does not count.
double cpu_ms() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename T>
void check_all(double bound) {
  const char* const width = sizeof(T) == 4 ? "f32" : "f64";
  const bool flushes = flushes_subnormals<T>();
  std::printf("%s on %s (%s): subnormals %s\n", width, device().info().name.c_str(), device().info().driver.c_str(),
              flushes ? "are flushed" : "are kept");
  std::printf("%-11s %-5s %8s %8s %12s %8s %9s %8s  at x, y: got, want\n", "function", "width", "points", "max ulp",
              "not nearest", "make ms", "first run", "again");
  for (const Function& function : math_test::functions()) {
    const std::string name = "m_" + std::string(function.name);
    const std::string section = name + "." + width;
    REQUIRE(kernels::library_has(section));
    const std::string_view sections[] = {section};
    const std::string glsl =
        glsl_of(kType<T>, kernels::library_closure(sections), name + (function.arity == 1 ? "(a[i])" : "(a[i], b[i])"));
    std::vector<T> x, y;
    math_test::make_points<T>(function, point_count(), x, y);
    double start = cpu_ms();
    const vulkan::Kernel* const made = &kernel(device(), "test/math/" + section, glsl, 3, 4);
    const double make_ms = cpu_ms() - start;
    // A driver may translate a kernel only when it is first run; a run of the same size after it shows the difference.
    const std::vector<T> few(64, T(0.75));
    start = cpu_ms();
    run(made, few, few);
    const double first_ms = cpu_ms() - start;
    start = cpu_ms();
    run(made, few, few);
    const double again_ms = cpu_ms() - start;
    const std::vector<T> got = run(made, x, y);
    const Worst worst = math_test::measure(function, x, y, got, flushes);
    std::printf("%-11s %-5s %8zu %8.4f %12zu %8.1f %9.1f %8.1f  %.17g, %.17g: %.17g, %.17g\n", function.name.data(),
                width, worst.points, worst.ulp, worst.not_nearest, make_ms, first_ms, again_ms, worst.x, worst.y,
                worst.got, worst.want);
    std::fflush(stdout);
    const double own_bound = sizeof(T) == 4 && function.f32_bound > 0 ? function.f32_bound : bound;
    CHECK_MESSAGE(worst.ulp <= (function.exact ? 0 : own_bound), section << " is off by " << worst.ulp << " ulp");
  }
}

// Square roots against the processor's, which IEEE 754 has rounded correctly, around every power of two: just below
// powers of four the root lies within 2^-54 of a unit of the middle between two numbers.
template <typename T>
void check_square_roots() {
  using Limits = std::numeric_limits<T>;
  const bool flushes = flushes_subnormals<T>();
  Function function{.name = "sqrt", .low = 0, .high = 1000};
  for (int e = Limits::min_exponent - Limits::digits; e < Limits::max_exponent; ++e)
    function.edges.push_back(std::ldexp(1.0, e));
  function.edges.push_back(static_cast<double>(Limits::max()));
  std::vector<T> x, y;
  math_test::make_points<T>(function, 0, x, y);
  const size_t edges = x.size();
  math_test::make_points<T>(function, edges + point_count(), x, y);
  const std::string section = sizeof(T) == 4 ? "m_sqrt.f32" : "m_sqrt.f64";
  const std::string_view sections[] = {section};
  const std::string glsl = glsl_of(kType<T>, kernels::library_closure(sections), "m_sqrt(a[i])");
  const std::vector<T> got = run(&kernel(device(), "test/math/exact/" + section, glsl, 3, 4), x, y);
  size_t wrong = 0, flushed = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const T want = std::sqrt(x[i]);
    const bool same = std::isnan(want)
                          ? std::isnan(got[i])
                          : std::bit_cast<math_test::Bits<T>>(want) == std::bit_cast<math_test::Bits<T>>(got[i]);
    if (same) continue;
    if (flushes && sizeof(T) == 8 && x[i] != 0 && std::fabs(x[i]) < Limits::min()) {
      ++flushed;
      continue;
    }
    if (++wrong > 5) continue;
    char text[120];
    std::snprintf(text, sizeof(text), "of %.17g: got %.17g, expected %.17g", static_cast<double>(x[i]),
                  static_cast<double>(got[i]), static_cast<double>(want));
    FAIL_CHECK(section << " " << text);
  }
  std::printf("%s: %zu points, %zu of them edges: %zu not the nearest, %zu flushed\n", section.c_str(), x.size(), edges,
              wrong, flushed);
  CHECK(wrong == 0);
}

TEST_CASE("math: square roots are the nearest number") {
  REQUIRE(device().info().has_f64);
  check_square_roots<float>();
  check_square_roots<double>();
}

TEST_CASE("math: f32 functions are within their bound of the exact result") {
  REQUIRE(device().info().has_f64);
  check_all<float>(kBoundF32);
}

TEST_CASE("math: f64 functions are within their bound of the exact result") {
  REQUIRE(device().info().has_f64);
  check_all<double>(kBoundF64);
}

}  // namespace
}  // namespace gpu_node::test
