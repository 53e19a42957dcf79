// What is told of a program: the steps that a run would take, and what they read and write.
#include <doctest/doctest.h>

#include "golden.h"
#include "program/explanation.h"
#include "program_builder.h"

namespace gpu_node::program {
namespace {

using enum Dtype;
using ir::ValueName;
using test::ProgramBuilder;

std::vector<ExplainedStep> explained(ir::Program program, const std::optional<fuse::Limits>& limits = fuse::Limits()) {
  auto made = CompiledProgram::make(std::move(program), limits);
  REQUIRE(made.ok());
  const vulkan::DeviceInfo device = test::full_device();
  Explainer explainer(*made, device);
  std::vector<ExplainedStep> steps;
  while (!explainer.done()) steps.push_back(explainer.next());
  CHECK(steps.size() == explainer.steps());
  return steps;
}

ir::Program chain() {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {100});
  const ValueName a = p.op("exp", f32, {100}, {x});
  return p.with_outputs({p.op("add", f32, {100}, {a, x})});
}

}  // namespace

TEST_CASE("explained program: a map names what it carries out, and reads and writes each tensor once") {
  const auto steps = explained(chain());
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].instructions == std::vector<uint32_t>{0, 1});
  CHECK(steps[0].dispatches.size() == 1);
  CHECK(steps[0].read_bytes == 400);
  CHECK(steps[0].written_bytes == 400);
  CHECK_FALSE(steps[0].refusal);
  CHECK_FALSE(steps[0].is_view);
}

TEST_CASE("explained program: as it was sent, an instruction a step") {
  const auto steps = explained(chain(), std::nullopt);
  REQUIRE(steps.size() == 2);
  CHECK(steps[1].instructions == std::vector<uint32_t>{1});
  CHECK(steps[1].read_bytes == 800);
  CHECK(steps[1].written_bytes == 400);
}

TEST_CASE("explained program: a view costs nothing, one that strides cannot express a copy") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4});
  const ValueName t = p.op("transpose", f32, {4, 3}, {x});
  const ValueName r = p.op("reshape", f32, {12}, {t});
  const ValueName b = p.op("broadcast", f32, {5, 12}, {r});
  const auto steps = explained(p.with_outputs({p.op("exp", f32, {5, 12}, {b})}), std::nullopt);
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].is_view);
  CHECK(steps[0].dispatches.empty());
  CHECK(steps[0].read_bytes + steps[0].written_bytes == 0);
  CHECK(steps[1].is_view);
  CHECK(steps[1].dispatches.size() == 1);
  CHECK(steps[1].read_bytes == 48);
  CHECK(steps[1].written_bytes == 48);
  CHECK(steps[2].dispatches.empty());
  // What is repeated is read once.
  CHECK(steps[3].read_bytes == 48);
  CHECK(steps[3].written_bytes == 240);
}

TEST_CASE("explained program: what the device lacks is told, and nothing else of that step") {
  ProgramBuilder p;
  const ValueName x = p.input(f64, {4});
  auto made = CompiledProgram::make(p.with_outputs({p.op("exp", f64, {4}, {x})}));
  REQUIRE(made.ok());
  vulkan::DeviceInfo device = test::full_device();
  device.has_f64 = false;
  const ExplainedStep step = Explainer(*made, device).next();
  REQUIRE(step.refusal);
  CHECK(step.refusal->code == ErrorCode::kUnsupported);
  CHECK(step.dispatches.empty());
}

TEST_CASE("explained program: without elements nothing is dispatched") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {0});
  const auto steps = explained(p.with_outputs({p.op("exp", f32, {0}, {x})}));
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].dispatches.empty());
  CHECK(steps[0].read_bytes == 0);
}

}  // namespace gpu_node::program
