#include "gpu/program_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "base/concat.h"
#include "fuse/text.h"
#include "gpu/device.h"
#include "vulkan/recorder.h"

namespace gpu_node::test {

ProgramOutcome run_program(const ir::Program& program, std::span<const program::Value> inputs, bool fused) {
  ProgramOutcome outcome;
  auto made = program::CompiledProgram::make(program, fused ? std::optional(fuse::Limits()) : std::nullopt);
  if (!made.ok()) {
    outcome.error = made.error().message;
    return outcome;
  }
  outcome.steps = (*made)->steps().size();
  program::ProgramRun run(executor());
  const std::vector<program::Operand> operands(inputs.begin(), inputs.end());
  const uint64_t before = device().counters().dispatches;
  if (const Result<void> begun = run.begin(*made, operands); !begun.ok()) {
    outcome.error = begun.error().message;
    return outcome;
  }
  const program::Charge free_of_charge = [](uint64_t) { return program::Payment(); };
  for (size_t i = 0; i < outcome.steps;) {
    if (const program::AwaitedSubmission awaited = run.awaits(); awaited.any()) {
      vulkan::Recorder& recorder = device().recorder();
      if (!awaited.is_made()) REQUIRE(recorder.submit().ok());
      REQUIRE(recorder.wait(awaited.value, Deadline::after_ms(60'000)).ok());
    }
    if (run.rest() != nullptr && run.rest()->kernel.valid()) run.rest()->kernel.wait();
    const Result<bool> step = run.step(i, {free_of_charge, free_of_charge});
    if (!step.ok()) {
      outcome.error = step.error().message;
      return outcome;
    }
    if (*step) ++i;
  }
  program::Tensors outputs;
  run.finish(outputs, free_of_charge);
  outcome.dispatches = device().counters().dispatches - before;
  for (const program::Tensor& output : outputs) outcome.outputs.push_back(from_device(output));
  return outcome;
}

std::string difference(const ProgramOutcome& left, const ProgramOutcome& right) {
  if (left.error != right.error) return concat("\"", left.error, "\" and \"", right.error, "\"");
  for (size_t k = 0; k < left.outputs.size(); ++k) {
    const HostTensor& a = left.outputs[k];
    const HostTensor& b = right.outputs[k];
    const auto bytes = static_cast<size_t>(dtype_size_bytes(a.dtype));
    for (int64_t i = 0; i < a.count(); ++i) {
      const auto* from = reinterpret_cast<const unsigned char*>(a.element(a.position(i)));
      const auto* to = reinterpret_cast<const unsigned char*>(b.element(b.position(i)));
      if (std::memcmp(from, to, bytes) == 0) continue;
      // Vulkan leaves a NaN's sign to the driver, which may negate one or not.
      if (is_float(a.dtype) && a.number(i).is_nan() && b.number(i).is_nan()) continue;
      std::string text = concat("output ", k, ", ", type_text(a.dtype, a.map.shape), ", element ", i, ": ");
      for (const auto* element : {from, to}) {
        for (size_t byte = bytes; byte-- > 0;) {
          char digits[3];
          std::snprintf(digits, sizeof digits, "%02x", element[byte]);
          text += digits;
        }
        text += element == from ? " and fused " : "";
      }
      return text;
    }
  }
  return "";
}

HostTensor any_tensor(Dtype dtype, const Shape& shape, uint32_t seed) {
  const Dtype part = component_type(dtype);
  const auto count = static_cast<size_t>(element_count(shape)) * (is_complex(dtype) ? 2 : 1);
  std::vector<Number> numbers = sample(part, count + 40, seed);
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(seed));
  numbers.resize(count);
  HostTensor tensor(dtype, shape);
  tensor.bytes = HostTensor(part, {static_cast<int64_t>(count)}, numbers).bytes;
  return tensor;
}

ProgramOutcome check_fused(const ir::Program& program, std::span<const program::Value> inputs) {
  const ProgramOutcome plain = run_program(program, inputs, false);
  ProgramOutcome fused = run_program(program, inputs, true);
  INFO(fuse::text(program), fuse::text(fuse::fused(program)));
  CHECK(plain.error == "");
  CHECK(difference(plain, fused) == "");
  return fused;
}

}  // namespace gpu_node::test
