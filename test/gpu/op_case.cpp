#include "gpu/op_case.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

#include "gpu/layouts.h"

namespace gpu_node::test {
namespace {

ir::Instruction instruction_of(const std::string& op, std::span<const program::Value> operands,
                               std::span<const ir::TensorType> results, const ir::Attributes& attributes) {
  ir::Instruction instruction;
  instruction.op = ir::find_op(op);
  REQUIRE_MESSAGE(instruction.op != nullptr, op);
  for (size_t i = 0; i < operands.size(); ++i) {
    if (const auto* scalar = std::get_if<Scalar>(&operands[i]))
      instruction.operands.emplace_back(*scalar);
    else
      instruction.operands.emplace_back(static_cast<ir::ValueName>(i + 1));
  }
  for (const ir::TensorType& result : results)
    instruction.results.emplace_back(static_cast<ir::ValueName>(100 + instruction.results.size()), result);
  instruction.attributes = attributes;
  return instruction;
}

std::string case_text(const OpCase& test) {
  std::string text = test.op;
  for (const Operand& operand : test.operands) {
    text += " " + type_text(operand.tensor.dtype, operand.tensor.map.shape);
    if (operand.placement == Placement::kTransposed) text += "^T";
    if (operand.placement == Placement::kLiteral) text += " literal";
  }
  return text + " -> " + type_text(test.result.dtype, test.result.shape);
}

// Where the element of an operand of |own| that belongs to element |index| of a result of |shape| lies in it.
size_t broadcast_index(const Shape& own, const Shape& shape, int64_t index) {
  int64_t at = 0;
  int64_t stride = 1;
  for (int d = shape.size() - 1; d >= 0; --d) {
    const int64_t coordinate = index % shape[d];
    index /= shape[d];
    const int axis = d - (shape.size() - own.size());
    if (axis < 0) continue;
    if (own[axis] != 1) at += coordinate * stride;
    stride *= own[axis];
  }
  return static_cast<size_t>(at);
}

bool is_close(const OpCase& test, const Number& got, const Number& exact) {
  const Dtype dtype = test.result.dtype;
  if (is_integer(dtype)) return got.integer == rounded(dtype, exact).integer;
  if (test.bound > 0) return ulps(dtype, got, exact) <= test.bound;
  const Number nearest = rounded(dtype, exact);
  if (got.is_nan() || nearest.is_nan()) return got.is_nan() == nearest.is_nan();
  return got.real == nearest.real && std::signbit(got.real) == std::signbit(nearest.real);
}

void compare(const OpCase& test, const HostTensor& got) {
  CaseCount& count = case_count();
  ++count.cases;
  const std::vector<Number> results = got.numbers();
  count.elements += results.size();
  REQUIRE(got.map.shape == test.result.shape);
  std::vector<Number> numbers(test.operands.size());
  std::vector<Dtype> types;
  std::vector<std::vector<Number>> operands;
  for (const Operand& operand : test.operands) {
    types.push_back(operand.tensor.dtype);
    operands.push_back(operand.tensor.numbers());
  }
  int wrong = 0;
  for (size_t i = 0; i < results.size() && wrong < 3; ++i) {
    for (size_t k = 0; k < numbers.size(); ++k)
      numbers[k] =
          operands[k][broadcast_index(test.operands[k].tensor.map.shape, test.result.shape, static_cast<int64_t>(i))];
    const Number exact = test.oracle(numbers, types, test.result.dtype);
    if (is_close(test, results[i], exact)) continue;
    ++wrong;
    std::string inputs;
    for (const Number& number : numbers) inputs += " " + number_text(number);
    FAIL_CHECK(case_text(test) << ", element " << i << ", of" << inputs << ": got " << number_text(results[i])
                               << ", expected " << number_text(exact) << " ("
                               << ulps(test.result.dtype, results[i], exact) << " ulp)");
  }
}

// The last line of a run, below doctest's summary.
void print_case_count() {
  const CaseCount& count = case_count();
  std::printf("elementwise ops: %llu cases, %llu elements compared\n", static_cast<unsigned long long>(count.cases),
              static_cast<unsigned long long>(count.elements));
}

}  // namespace

CaseCount& case_count() {
  static CaseCount count = [] {
    std::atexit(print_case_count);
    return CaseCount{};
  }();
  return count;
}

program::Executor& executor() {
  static program::Executor instance(device());
  return instance;
}

program::Tensor to_device(const HostTensor& tensor, Placement placement) {
  if (placement == Placement::kTransposed) return to_device(laid_out(tensor, Layout::kTransposed));
  program::Tensor result{tensor.dtype, tensor.map, nullptr};
  if (tensor.bytes.empty()) return result;
  auto storage = std::make_shared<program::Storage>();
  storage->parts.push_back(upload(device(), tensor.bytes));
  storage->part_bytes = storage->size_bytes = tensor.bytes.size();
  result.storage = storage;
  return result;
}

HostTensor from_device(const program::Tensor& tensor) {
  Result<program::Tensor> plain = executor().contiguous(tensor, {});
  if (!plain.ok()) FAIL(plain.error().message);
  HostTensor host(tensor.dtype, tensor.map.shape);
  if (!host.bytes.empty()) host.bytes = download(device(), plain->storage->parts[0], host.bytes.size());
  return host;
}

program::Tensor run_op(const std::string& op, std::span<const program::Value> operands, const ir::TensorType& result,
                       const ir::Attributes& attributes) {
  program::Tensors results;
  const std::vector<program::Operand> all(operands.begin(), operands.end());
  const auto recorded = executor().record(instruction_of(op, operands, {&result, 1}, attributes), all, {}, results);
  if (!recorded.ok()) FAIL(recorded.error().message);
  return results[0];
}

Error op_error(const std::string& op, std::span<const program::Value> operands, const ir::TensorType& result,
               const ir::Attributes& attributes) {
  return op_error(op, operands, std::vector<ir::TensorType>{result}, attributes);
}

Error op_error(const std::string& op, std::span<const program::Value> operands,
               const std::vector<ir::TensorType>& types, const ir::Attributes& attributes) {
  program::Tensors results;
  const std::vector<program::Operand> all(operands.begin(), operands.end());
  const auto recorded = executor().record(instruction_of(op, operands, types, attributes), all, {}, results);
  REQUIRE_FALSE(recorded.ok());
  return recorded.error();
}

void check_cases(std::span<const OpCase> cases) {
  std::vector<std::vector<program::Value>> values;
  program::Kernels kernels;  // compile side by side
  for (const OpCase& test : cases) {
    std::vector<program::Value>& operands = values.emplace_back();
    std::vector<ir::TensorType> types;
    for (const Operand& operand : test.operands) {
      types.push_back({operand.tensor.dtype, operand.tensor.map.shape});
      if (operand.placement == Placement::kLiteral)
        operands.emplace_back(to_scalar(operand.tensor.dtype, operand.tensor.number(0)));
      else
        operands.emplace_back(to_device(operand.tensor, operand.placement));
    }
    std::vector<ir::OperandType> views;
    for (const ir::TensorType& type : types) views.push_back(ir::OperandType::of(type));
    executor().prefetch(instruction_of(test.op, operands, {&test.result, 1}, test.attributes), views, kernels);
  }
  std::vector<program::Tensor> results;
  for (size_t i = 0; i < cases.size(); ++i) {
    INFO(case_text(cases[i]));
    results.push_back(run_op(cases[i].op, values[i], cases[i].result, cases[i].attributes));
  }
  for (size_t i = 0; i < cases.size(); ++i) compare(cases[i], from_device(results[i]));
}

std::vector<Number> sample(Dtype dtype, size_t count, uint32_t seed) {
  std::vector<Number> values;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(-1, 1);
  const DtypeInfo& info = dtype_info(dtype);
  if (is_integer(dtype)) {
    const __int128 span = static_cast<__int128>(1) << info.bits;
    const __int128 low = info.kind == DtypeKind::kSigned ? -span / 2 : 0;
    for (__int128 special : {low, low + span - 1, static_cast<__int128>(0), static_cast<__int128>(1), low + 1,
                             low + span - 2, static_cast<__int128>(-1), static_cast<__int128>(2)})
      values.push_back(rounded(dtype, Number::of(special)));
    while (values.size() < count) {
      // All magnitudes alike: a random number of random bits.
      const auto bits = static_cast<int>(random() % 64) + 1;
      const auto raw = static_cast<int64_t>(random()) >> (64 - bits);
      values.push_back(rounded(dtype, Number::of(raw)));
    }
  } else {
    const double infinity = std::numeric_limits<double>::infinity();
    for (double special : {0.0,  -0.0,       infinity, -infinity, std::nan(""), 1.0,     -1.0,  0.5,     -0.5, 1.5, 2.5,
                           -2.5, 0.49999997, 1e30,     -1e30,     3.0,          65504.0, 448.0, 57344.0, 1e-5, 6e-8})
      values.push_back(rounded(dtype, Number::of_real(special)));
    while (values.size() < count) {
      const double exponent = unit(random) * (random() % 4 == 0 ? 30 : 3);
      values.push_back(rounded(dtype, Number::of_real(unit(random) * std::exp2(exponent))));
    }
  }
  values.resize(count);
  return values;
}

}  // namespace gpu_node::test
