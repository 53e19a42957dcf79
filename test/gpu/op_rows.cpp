// Every row of the op table with every type that it takes: how operands lie changes no bit of the result, and ops that
// go element by element give what the evaluator does.
#include <doctest/doctest.h>

#include <cstring>
#include <map>

#include "gpu/block_case.h"
#include "gpu/host_ops.h"
#include "gpu/layouts.h"
#include "gpu/matrix_case.h"
#include "gpu/row_case.h"
#include "kernels/plan.h"

namespace gpu_node::test {
namespace {

std::vector<Dtype> all_types() {
  std::vector<Dtype> types = real_types();
  types.push_back(Dtype::c64);
  types.push_back(Dtype::c128);
  return types;
}

// Drivers compile what is of the library of functions, Fourier transforms and matrices for a tenth of a second and more
// each: of those a row has the types that they are computed in, and some of the others, by its number.
bool compiles_long(const ir::Op& op) {
  return op.code == ir::Code::kMath || op.code == ir::Code::kPower || op.family == ir::Family::kFourier ||
         op.family == ir::Family::kLinalg;
}

constexpr int kTurns = 6;

// Why |op| is not called with |dtype| and |extent| here; or nothing.
const char* left_out(const ir::Op& op, Dtype dtype, Extent extent) {
  const int turn = (static_cast<int>(dtype) + op.index) % kTurns;
  const bool computed = dtype >= Dtype::f32;
  if (compiles_long(op) && !computed && turn != 0) return "left to other rows: types of what compiles long";
  if (extent == Extent::kLarge && turn != 1) return "left to other rows: types of large tensors";
  return nullptr;
}

// One call, its operands lying in some way.
struct Run {
  const RowCase* test;
  Layout layout;
  std::vector<HostTensor> operands;
  program::Tensors results = {};
};

Run lying_in(const RowCase& test, Layout layout, bool repeat) {
  Run run{&test, layout, {}};
  for (const HostTensor& operand : test.operands)
    run.operands.push_back(lying(repeat ? repeated(operand) : operand, layout));
  return run;
}

std::string text_of(const Run& run) {
  static constexpr const char* kNames[] = {"row-major", "transposed", "broadcast", "reversed"};
  return text_of(*run.test) + ", " + kNames[static_cast<size_t>(run.layout)];
}

// Has the kernels of |run| made, beside those of others.
void ask_for_kernels(const Run& run, std::vector<vulkan::KernelCache::Pending>& pending) {
  for (const ir::TensorType& result : run.test->results)
    if (element_count(result.shape) == 0) return;
  std::vector<kernels::Arg> args;
  for (const HostTensor& operand : run.operands) args.emplace_back(kernels::TensorArg{operand.dtype, operand.map});
  const auto plan = kernels::plan(instruction_of(*run.test), args, device().info());
  if (!plan.ok()) return;  // recording it says so
  for (const kernels::Dispatch& dispatch : plan->dispatches)
    pending.push_back(device().kernels().request(dispatch.key, dispatch.emit));
}

// False, with the reason in |reasons|, where the device does not do it.
bool record(Run& run, std::map<std::string, int>& reasons) {
  std::vector<program::Value> values;
  for (const HostTensor& operand : run.operands) values.emplace_back(to_device(operand));
  const std::vector<program::Operand> operands(values.begin(), values.end());
  const auto recorded = executor().record(instruction_of(*run.test), operands, {}, run.results);
  if (recorded.ok()) return true;
  if (recorded.error().code != ErrorCode::kUnsupported) FAIL(text_of(run) << ": " << recorded.error().message);
  ++reasons[recorded.error().message];
  return false;
}

// The same bits; a NaN is as good as another, and where |zeros| so is a 0 of either sign.
bool same(const HostTensor& a, const HostTensor& b, bool zeros) {
  if (a.bytes == b.bytes) return true;
  const Dtype part = component_type(a.dtype);
  const auto size = static_cast<size_t>(dtype_size_bytes(part));
  for (size_t at = 0; at < a.bytes.size(); at += size) {
    if (std::memcmp(a.bytes.data() + at, b.bytes.data() + at, size) == 0) continue;
    const Number x = decoded(part, a.bytes.data() + at), y = decoded(part, b.bytes.data() + at);
    const bool both_zero = zeros && !x.is_integer && x.real == 0 && y.real == 0;
    if (!both_zero && !(x.is_nan() && y.is_nan())) return false;
  }
  return true;
}

void check_bits(const Run& run, const HostTensor& got) {
  const HostTensor& operand = run.operands[0];
  const auto size = static_cast<size_t>(dtype_size_bytes(got.dtype));
  const int bits = dtype_info(got.dtype).bits;
  for (int64_t i = 0; i < got.count(); ++i) {
    const std::byte *a = got.element(i), *b = operand.element(operand.position(i));
    // Of less than a byte the host's is a number's, extended.
    const std::byte apart = *a ^ *b;
    if (bits < 8 ? std::to_integer<int>(apart) % (1 << bits) == 0 : std::memcmp(a, b, size) == 0) continue;
    FAIL_CHECK(text_of(run) << ", element " << i << ": " << number_text(got.number(i)) << " has other bits than "
                            << number_text(operand.number(i)));
    return;
  }
}

// An op that goes element by element, against the evaluator, which knows numbers and no bits.
void check_values(const Run& run) {
  const ir::Op& op = *run.test->op;
  const HostTensor got = from_device(run.results[0]);
  if (op.type_rule == ir::TypeRule::kSameWidth) {
    check_bits(run, got);
    return;
  }
  scalar::Block block;
  std::vector<scalar::ValueNumber> inputs;
  std::vector<HostTensor> operands;
  for (const HostTensor& operand : run.operands) {
    inputs.push_back(block.input(operand.dtype));
    operands.push_back(operand);
    // Numbers, as all of a vector.
    if (operand.count() != 1) continue;
    const std::vector<Number> all(static_cast<size_t>(got.count()), operand.number(0));
    operands.back() = HostTensor(operand.dtype, {got.count()}, all);
  }
  block.result(block.step(op, got.dtype, inputs));
  const HostTensor expected = evaluate_block(block, operands)[0];
  // Both may be off by what the op may; the number nearest to itself is half a unit off. Below 0 digamma has a root
  // beside each pole, at which its parts cancel.
  const double roots = op.name == "digamma" ? 32 : 0;
  const double bound = 0.5 + 2 * ulp_bound(std::string(op.name), got.dtype) + roots;
  for (int64_t i = 0; i < got.count(); ++i) {
    const Number value = got.number(i), exact = expected.number(i);
    const bool equal = value.is_integer ? value.integer == exact.integer : ulps(got.dtype, value, exact) <= bound;
    if (equal) continue;
    FAIL_CHECK(text_of(run) << ", element " << i << ": " << number_text(value) << ", the evaluator has "
                            << number_text(exact));
    return;
  }
}

struct Counts {
  int calls = 0, values = 0;
  std::map<std::string, int> reasons;
};

// |op| with every type and extent, its kernels compiled side by side.
void check_row(const ir::Op& op, Counts& counts) {
  INFO(op.name);
  std::vector<RowCase> cases;
  for (const Dtype dtype : all_types())
    for (const Extent extent : kExtents) {
      if (const char* reason = left_out(op, dtype, extent)) {
        ++counts.reasons[reason];
        continue;
      }
      auto made = row_case(op, dtype, extent);
      if (auto* test = std::get_if<RowCase>(&made))
        cases.push_back(std::move(*test));
      else
        ++counts.reasons[std::get<NoCase>(made).reason];
    }
  // As they are, then in every way; where an axis repeats, another call.
  constexpr Layout kOwn[] = {Layout::kRowMajor, Layout::kTransposed, Layout::kReversed};
  constexpr Layout kRepeated[] = {Layout::kRowMajor, Layout::kBroadcast};
  std::vector<std::vector<Run>> groups;
  std::vector<vulkan::KernelCache::Pending> pending;
  for (const RowCase& test : cases) {
    for (const bool repeat : {false, true}) {
      std::vector<Run>& group = groups.emplace_back();
      for (const Layout layout : repeat ? std::span<const Layout>(kRepeated) : kOwn) {
        group.push_back(lying_in(test, layout, repeat));
        ask_for_kernels(group.back(), pending);
      }
    }
  }
  for (std::vector<Run>& group : groups) std::erase_if(group, [&](Run& run) { return !record(run, counts.reasons); });
  const bool elementwise = ir::is_elementwise(op.family);
  // Products of a reduction are taken as operands lie, and of complex factors the order says what sign a 0 has.
  const bool zeros = op.name == "product";
  for (const std::vector<Run>& group : groups) {
    if (group.empty()) continue;
    for (size_t k = 0; k < group[0].results.size(); ++k) {
      const HostTensor first = from_device(group[0].results[k]);
      for (const Run& run : group) {
        ++counts.calls;
        const HostTensor other = from_device(run.results[k]);
        CHECK_MESSAGE(same(first, other, zeros), text_of(run), ", result ", k);
      }
    }
    const Run& plain = group[0];
    if (!elementwise) continue;
    if (is_complex(plain.test->operands[0].dtype) || is_complex(plain.results[0].dtype)) {
      ++counts.reasons["against the evaluator: complex numbers are compared in op_complex.cpp"];
      continue;
    }
    check_values(plain);
    ++counts.values;
  }
}

void print(const char* what, const Counts& counts) {
  std::string text = std::string(what) + ": " + std::to_string(counts.calls) + " results, " +
                     std::to_string(counts.values) + " of them against the evaluator; skipped:";
  for (const auto& [reason, count] : counts.reasons) text += "\n  " + std::to_string(count) + ": " + reason;
  MESSAGE(text);
}

}  // namespace

TEST_CASE("rows: how operands lie changes no bit; element by element the evaluator has the same") {
  Counts counts;
  for (const ir::Op& op : ir::ops())
    if (ir::is_elementwise(op.family)) check_row(op, counts);
  print("element by element", counts);
}

TEST_CASE("rows: how operands lie changes no bit of what goes along axes") {
  Counts counts;
  for (const ir::Op& op : ir::ops())
    if (!ir::is_elementwise(op.family) && !op.has_bodies()) check_row(op, counts);
  print("along axes", counts);
}

}  // namespace gpu_node::test
