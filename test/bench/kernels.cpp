// Times elementwise, reduction, Fourier and matrix kernels on one device: GB/s and TFLOP/s, the best of several rounds.
//
//   kernel_bench [DEVICE] [MEGABYTES] [SIZE ...]
//
// DEVICE: an index or a part of a name ("": the first). MEGABYTES: of one operand of the memory-bound kernels (1024, on
// a software driver 16). SIZE: of the square matrices (512 1024 4096 8192; 256 512). Operands are random: on zeros a
// GPU runs faster than on anything else. A round records enough repetitions for the submission to vanish beside them.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "bench/must.h"
#include "ir/program.h"
#include "kernels/plan.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/device.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node {
namespace {

constexpr int kRounds = 3;
constexpr double kRoundSeconds = 0.2;
constexpr int64_t kMaxWaitMs = 120'000;

struct Operand {
  Dtype dtype;
  IndexMap map;
  vulkan::BufferRef buffer;
};

// One instruction, planned and with its buffers, ready to be recorded again and again.
class Work {
 public:
  Work(vulkan::Device& device, const char* op, std::vector<Operand> operands, Dtype dtype, const Shape& shape,
       const ir::Attributes& attributes)
      : device_(device), operands_(std::move(operands)) {
    ir::Instruction instruction;
    instruction.op = ir::find_op(op);
    instruction.attributes = attributes;
    instruction.results = {{-1, {dtype, shape}}};
    std::vector<kernels::Arg> args;
    for (const Operand& operand : operands_) {
      instruction.operands.emplace_back(static_cast<ir::ValueName>(args.size()));
      args.push_back(kernels::TensorArg{operand.dtype, operand.map});
    }
    plan_ = must(kernels::plan(instruction, args, device.info()));
    const auto bytes = static_cast<uint64_t>(element_count(shape)) * static_cast<uint64_t>(dtype_size_bytes(dtype));
    result_ = must(device.pool().allocate(bytes, vulkan::BufferUse::kDevice));
    for (const uint64_t size : plan_.scratch_bytes)
      scratch_.push_back(must(device.pool().allocate(size, vulkan::BufferUse::kDevice)));
    for (const kernels::Dispatch& dispatch : plan_.dispatches)
      kernels_.push_back(must(device.kernels().request(dispatch.key, dispatch.emit).get()));
  }

  void record() {
    for (size_t i = 0; i < plan_.dispatches.size(); ++i) {
      const kernels::Dispatch& dispatch = plan_.dispatches[i];
      std::vector<vulkan::BufferRange> ranges;
      for (const kernels::Binding& binding : dispatch.bindings) {
        const vulkan::BufferRef& buffer = buffer_of(binding);
        const uint64_t size =
            binding.size_bytes != 0 ? binding.size_bytes : buffer->size_bytes() - binding.offset_bytes;
        ranges.push_back({&buffer, binding.offset_bytes, size, binding.written});
      }
      must(device_.recorder().dispatch(*kernels_[i], ranges, std::span(dispatch.push).first(dispatch.push_bytes),
                                       dispatch.grid));
    }
  }

  const vulkan::BufferRef& result() const { return result_; }
  size_t dispatches() const { return plan_.dispatches.size(); }

 private:
  const vulkan::BufferRef& buffer_of(const kernels::Binding& binding) const {
    if (binding.kind == kernels::Binding::Kind::kOperand) return operands_[binding.index].buffer;
    return binding.kind == kernels::Binding::Kind::kScratch ? scratch_[binding.index] : result_;
  }

  vulkan::Device& device_;
  std::vector<Operand> operands_;
  kernels::Plan plan_;
  vulkan::BufferRef result_;
  std::vector<vulkan::BufferRef> scratch_;
  std::vector<std::shared_ptr<const vulkan::Kernel>> kernels_;
};

class Bench {
 public:
  explicit Bench(vulkan::Device& device) : device_(device) {}

  Operand random(Dtype dtype, const Shape& shape) {
    const auto count = static_cast<size_t>(element_count(shape));
    const size_t size = count * static_cast<size_t>(dtype_size_bytes(dtype));
    const vulkan::BufferRef staging = must(device_.pool().allocate(size, vulkan::BufferUse::kUpload, true));
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < count; ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      const double value = static_cast<double>(state >> 11) * 0x1p-53 - 0.5;
      if (dtype == Dtype::f64) {
        std::memcpy(staging->mapped() + i * 8, &value, 8);
      } else {
        const auto narrow = static_cast<float>(value);
        std::memcpy(staging->mapped() + i * 4, &narrow, 4);
      }
    }
    Operand operand{dtype, IndexMap::row_major(shape), must(device_.pool().allocate(size, vulkan::BufferUse::kDevice))};
    must(device_.recorder().copy(staging, 0, operand.buffer, 0, size));
    finish();
    return operand;
  }

  // The seconds one execution takes.
  double seconds(Work& work) {
    double best = round(work, 1);
    best = std::min(best, round(work, 1));
    const int repeat = static_cast<int>(std::clamp(kRoundSeconds / best, 1.0, 200.0));
    for (int i = 0; i < kRounds; ++i) best = std::min(best, round(work, repeat));
    return best;
  }

  template <typename T>
  std::vector<T> read(const vulkan::BufferRef& buffer) {
    const vulkan::BufferRef staging = must(device_.pool().allocate(buffer->size_bytes(), vulkan::BufferUse::kDownload));
    must(device_.recorder().copy(buffer, 0, staging, 0, buffer->size_bytes()));
    must(device_.recorder().make_host_visible());
    finish();
    std::vector<T> values(buffer->size_bytes() / sizeof(T));
    std::memcpy(values.data(), staging->mapped(), buffer->size_bytes());
    return values;
  }

  vulkan::Device& device() { return device_; }

 private:
  void finish() {
    const uint64_t value = must(device_.recorder().submit());
    must(device_.recorder().wait(value, Deadline::after_ms(kMaxWaitMs)));
    device_.recorder().collect();
  }

  double round(Work& work, int repeat) {
    for (int i = 0; i < repeat; ++i) work.record();
    const auto start = std::chrono::steady_clock::now();
    finish();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeat;
  }

  vulkan::Device& device_;
};

ir::Attributes over(const Dims& axes) { return ir::ReduceAttributes{ir::Axes(axes.begin(), axes.end())}; }

void bandwidth(Bench& bench, const char* name, const char* op, std::vector<Operand> operands, Dtype dtype,
               const Shape& shape, const ir::Attributes& attributes) {
  double bytes = static_cast<double>(element_count(shape)) * dtype_size_bytes(dtype);
  for (const Operand& operand : operands) bytes += static_cast<double>(operand.buffer->size_bytes());
  Work work(bench.device(), op, std::move(operands), dtype, shape, attributes);
  const double seconds = bench.seconds(work);
  std::printf("%-14s %s %10.1f us %10.1f GB/s  %zu dispatches\n", name, std::string(dtype_name(dtype)).c_str(),
              seconds * 1e6, bytes / seconds * 1e-9, work.dispatches());
  std::fflush(stdout);
}

void memory_bound(Bench& bench, Dtype dtype, int64_t megabytes) {
  const int64_t count = megabytes * (1 << 20) / dtype_size_bytes(dtype);
  const int64_t columns = 4096, rows = count / columns;
  const Operand a = bench.random(dtype, {rows, columns});
  const Operand b = bench.random(dtype, {rows, columns});
  Operand transposed_a = a;
  transposed_a.map = transposed(a.map, {1, 0});
  bandwidth(bench, "add", "add", {a, b}, dtype, {rows, columns}, {});
  bandwidth(bench, "sum", "sum", {a}, dtype, {}, {});
  bandwidth(bench, "row sums", "sum", {a}, dtype, {rows}, over({1}));
  bandwidth(bench, "column sums", "sum", {a}, dtype, {columns}, over({0}));
  bandwidth(bench, "reduce_max", "reduce_max", {a}, dtype, {}, {});
  ir::Attributes flat;
  bandwidth(bench, "argmax", "argmax", {a}, Dtype::s32, {}, flat);
  Operand thin = a;
  thin.map = IndexMap::row_major({rows * columns / 8, 8});
  bandwidth(bench, "rows of 8", "sum", {thin}, dtype, {rows * columns / 8}, over({1}));
  thin.map = IndexMap::row_major({rows * columns / 64, 64});
  bandwidth(bench, "rows of 64", "sum", {thin}, dtype, {rows * columns / 64}, over({1}));
  bandwidth(bench, "columns of 64", "sum", {thin}, dtype, {64}, over({0}));
  thin.map = IndexMap::row_major({rows / 64, 64, columns});
  bandwidth(bench, "middle of 3", "sum", {thin}, dtype, {rows / 64, columns}, over({1}));
  Operand vector = b;
  vector.map = IndexMap::row_major({columns});
  ir::DotAttributes product;
  product.contract_left = {1};
  product.contract_right = {0};
  Operand small = bench.random(dtype, {columns});
  bandwidth(bench, "matrix vector", "dot", {a, small}, dtype, {rows}, product);
}

// Rows that are one pass, two, and columns.
void transforms(Bench& bench, Dtype dtype, int64_t megabytes) {
  const int64_t columns = 4096, rows = megabytes * (1 << 20) / dtype_size_bytes(dtype) / columns;
  Operand a = bench.random(component_type(dtype), {rows, 2 * columns});
  a.dtype = dtype;
  for (const auto& [name, shape, axis] : {std::tuple{"fft of 64", Shape{rows * 64, 64}, 1},
                                          {"fft of 4096", Shape{rows, columns}, 1},
                                          {"fft of 65536", Shape{rows / 16, 65'536}, 1},
                                          {"fft of 2^20", Shape{rows / 256, 1 << 20}, 1},
                                          {"fft of columns", Shape{columns, rows}, 0}}) {
    if (element_count(shape) == 0) continue;
    a.map = IndexMap::row_major(shape);
    bandwidth(bench, name, "fft", {a}, dtype, shape, ir::FourierAttributes{axis, {}, 0});
  }
}

// The largest error of a few results of A B, relative to the size of a typical one.
template <typename T>
double sampled_error(Bench& bench, const Operand& a, const Operand& b, const vulkan::BufferRef& result, int64_t size) {
  const std::vector<T> left = bench.read<T>(a.buffer), right = bench.read<T>(b.buffer), got = bench.read<T>(result);
  std::mt19937_64 random(1);
  long double error = 0, norm = 0;
  constexpr int kSamples = 256;
  for (int i = 0; i < kSamples; ++i) {
    const auto row = static_cast<size_t>(random() % static_cast<uint64_t>(size));
    const auto column = static_cast<size_t>(random() % static_cast<uint64_t>(size));
    const auto n = static_cast<size_t>(size);
    long double exact = 0;
    for (size_t k = 0; k < n; ++k) exact += static_cast<long double>(left[row * n + k]) * right[k * n + column];
    error = std::max(error, std::fabs(exact - static_cast<long double>(got[row * n + column])));
    norm += exact * exact;
  }
  return static_cast<double>(error / std::sqrt(norm / kSamples));
}

void matrix_product(Bench& bench, Dtype dtype, int64_t size) {
  const Operand a = bench.random(dtype, {size, size}), b = bench.random(dtype, {size, size});
  ir::DotAttributes attributes;
  attributes.contract_left = {1};
  attributes.contract_right = {0};
  Work work(bench.device(), "dot", {a, b}, dtype, {size, size}, attributes);
  const double seconds = bench.seconds(work);
  const double error = dtype == Dtype::f64 ? sampled_error<double>(bench, a, b, work.result(), size)
                                           : sampled_error<float>(bench, a, b, work.result(), size);
  const auto n = static_cast<double>(size);
  std::printf("dot %-10lld %s %10.1f us %10.2f TFLOP/s  relative error %.2e\n", static_cast<long long>(size),
              std::string(dtype_name(dtype)).c_str(), seconds * 1e6, 2 * n * n * n / seconds * 1e-12, error);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  vulkan::DeviceOptions options;
  options.selector = argc > 1 ? argv[1] : "";
  const std::unique_ptr<vulkan::Device> device = must(vulkan::Device::create(options));
  const vulkan::DeviceInfo& info = device->info();
  std::printf("%s, driver %s, Vulkan %s\n", info.name.c_str(), info.driver.c_str(), info.api_version.c_str());
  const int64_t megabytes = argc > 2 ? std::atoll(argv[2]) : info.software ? 16 : 1024;
  std::vector<int64_t> sizes;
  for (int i = 3; i < argc; ++i) sizes.push_back(std::atoll(argv[i]));
  if (sizes.empty())
    sizes = info.software ? std::vector<int64_t>{256, 512} : std::vector<int64_t>{512, 1024, 4096, 8192};
  if (megabytes < 1 || *std::min_element(sizes.begin(), sizes.end()) < 1) {
    std::fprintf(stderr, "sizes must be positive\n");
    return 64;
  }
  Bench bench(*device);
  std::vector<Dtype> dtypes = {Dtype::f32};
  if (info.has_f64) dtypes.push_back(Dtype::f64);
  for (const Dtype dtype : dtypes) memory_bound(bench, dtype, megabytes);
  for (const Dtype dtype : dtypes) transforms(bench, dtype == Dtype::f64 ? Dtype::c128 : Dtype::c64, megabytes);
  for (const Dtype dtype : dtypes)
    for (const int64_t size : sizes) matrix_product(bench, dtype, size);
  return 0;
}

}  // namespace
}  // namespace gpu_node

int main(int argc, char** argv) { return gpu_node::run(argc, argv); }
