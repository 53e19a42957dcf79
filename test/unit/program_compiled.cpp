// What a program is checked for when it is compiled, where its values end, and what is said of wrong ones.
#include <doctest/doctest.h>

#include "ir/liveness.h"
#include "program/compiled.h"

namespace gpu_node::program {
namespace {

using enum Dtype;

ir::Instruction instruction(std::string_view op, ir::ValueName result, const ir::TensorType& type,
                            std::initializer_list<ir::ValueName> operands) {
  ir::Instruction made;
  made.op = &ir::op_called(op);
  made.results.push_back({result, type});
  for (const ir::ValueName name : operands) made.operands.emplace_back(name);
  return made;
}

ir::Instruction add(ir::ValueName result, ir::ValueName left, ir::ValueName right) {
  return instruction("add", result, {f32, {2}}, {left, right});
}

ir::Program two_inputs(std::vector<ir::Instruction> instructions, std::vector<ir::ValueName> outputs) {
  return {{{f32, {2}}, {f32, {2}}}, std::move(instructions), std::move(outputs), {}};
}

std::string error_of(ir::Program program) {
  const auto made = CompiledProgram::make(std::move(program));
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().code == ErrorCode::kInvalidArgument);
  return made.error().message;
}

std::vector<uint32_t> list(const SmallList<uint32_t, 2>& places) { return {places.begin(), places.end()}; }

}  // namespace

TEST_CASE("compiled program: names become places, and a value ends after its last use") {
  const auto made = CompiledProgram::make(
      two_inputs({add(-1, 0, 1), add(-2, -1, -1), add(-3, -1, -2), add(-4, 0, 0)}, {-3}), std::nullopt);
  REQUIRE(made.ok());
  const CompiledProgram& program = **made;
  CHECK(program.places() == 6);
  CHECK(list(program.steps()[0].operands) == std::vector<uint32_t>{0, 1});
  CHECK(program.steps()[0].dying.empty());
  CHECK(program.steps()[1].dying.empty());
  // Both operands of the third; the output stays, and what nobody uses ends where it is made. Inputs are the caller's.
  CHECK(list(program.steps()[2].dying) == std::vector<uint32_t>{2, 3});
  CHECK(list(program.steps()[3].dying) == std::vector<uint32_t>{5});
  CHECK(program.outputs() == std::vector<uint32_t>{4});
}

TEST_CASE("compiled program: fused, it has fewer steps, whose values end as others do") {
  const auto made = CompiledProgram::make(
      two_inputs({add(-1, 0, 1), add(-2, -1, -1), instruction("exp", -3, {f32, {2}}, {-2}),
                  instruction("cumulative_sum", -4, {f32, {2}}, {-3}), add(-5, -3, -4), add(-6, 0, 0)},
                 {-5}));
  REQUIRE(made.ok());
  const CompiledProgram& program = **made;
  REQUIRE(program.steps().size() == 3);
  CHECK(program.places() == 5);
  CHECK(program.steps()[1].dying.empty());
  CHECK(list(program.steps()[2].dying) == std::vector<uint32_t>{2, 3});
  CHECK(program.work()[0].origin == 2);
  CHECK(program.work()[2].origin == 4);
  // Where the device binds less, less is fused.
  CHECK(CompiledProgram::fitted(*made, 32) == *made);
  CHECK(CompiledProgram::fitted(*made, 3)->steps().size() == 4);
}

TEST_CASE("compiled program: what is wrong is named with its instruction") {
  CHECK(error_of(two_inputs({add(-1, 0, 2)}, {-1})) == "instruction 0: add: there is no input 2, the program has 2");
  CHECK(error_of(two_inputs({add(-1, 0, -2)}, {-1})) ==
        "instruction 0: add: local -2 is not made by an instruction before");
  CHECK(error_of(two_inputs({add(-1, 0, 1), add(-1, 0, 1)}, {-1})) == "instruction 1: add: local -1 is made twice");
  CHECK(error_of(two_inputs({add(3, 0, 1)}, {-1})) == "instruction 0: add: a result's name is below 0, not 3");
  CHECK(error_of(two_inputs({add(-1, 0, 1), instruction("exp", -2, {f32, {3}}, {-1})}, {-2})) ==
        "instruction 1: exp: the result is declared f32{3}, but is f32{2}");
  CHECK(error_of(two_inputs({add(-1, 0, 1)}, {0})) == "output 0 is an input: only what the program makes is an output");
  CHECK(error_of(two_inputs({add(-1, 0, 1)}, {-1, -1})) == "local -1 is an output twice");
  CHECK(error_of(two_inputs({add(-1, 0, 1)}, {-5})) == "local -5 is not made by an instruction before");
  std::vector<ir::Instruction> many(kMaxProgramInstructions + 1, add(-1, 0, 1));
  CHECK(error_of(two_inputs(std::move(many), {})) ==
        "a program, its bodies included, of more than 4096 instructions, the limit");
}

TEST_CASE("compiled program: bodies see their own inputs alone, and count with the whole") {
  ir::Program whole = two_inputs({add(-1, 0, 1)}, {-1});
  whole.bodies.push_back(two_inputs({add(-1, 0, 1), add(-2, -1, 0)}, {-2}));
  const auto made = CompiledProgram::make(whole);
  REQUIRE(made.ok());
  REQUIRE((*made)->bodies().size() == 1);
  CHECK((*made)->bodies()[0]->sent().instructions.size() == 2);
  CHECK((*made)->bodies()[0]->steps().size() == 1);
  ir::Program outer = whole;
  outer.bodies[0].instructions[0].operands[1] = ir::ValueName{7};
  CHECK(error_of(outer) == "body 0: instruction 0: add: there is no input 7, the program has 2");
  ir::Program deep = two_inputs({}, {});
  for (int i = 0; i <= kMaxBodyDepth; ++i) {
    ir::Program around = two_inputs({}, {});
    around.bodies.push_back(std::move(deep));
    deep = std::move(around);
  }
  CHECK(error_of(deep).ends_with("bodies lie deeper than 8, the limit"));
  ir::Program large = two_inputs(std::vector<ir::Instruction>(kMaxProgramInstructions, add(-1, 0, 1)), {});
  ir::Program both = two_inputs({add(-1, 0, 1)}, {-1});
  both.bodies.push_back(std::move(large));
  CHECK(error_of(both).ends_with("more than 4096 instructions, the limit"));
  // An empty body is one too, and inputs add up.
  ir::Program hollow = two_inputs({}, {});
  hollow.bodies.resize(kMaxProgramInstructions + 1);
  CHECK(error_of(hollow).ends_with("more than 4096 instructions, the limit"));
  ir::Program wide = two_inputs({}, {});
  wide.bodies.push_back({std::vector<ir::TensorType>(kMaxProgramInputs - 1, ir::TensorType{f32, {2}}), {}, {}, {}});
  CHECK(error_of(wide).ends_with("more than 4096 inputs, the limit"));
}

TEST_CASE("compiled program: a loop's bodies take its operands and give its results") {
  // while (x > y): x = x + y
  const auto program = [] {
    ir::Program made = two_inputs({instruction("while", -1, {f32, {2}}, {0, 1})}, {-1});
    made.instructions[0].attributes = ir::WhileAttributes{{0}, {1}};
    made.bodies.push_back(
        two_inputs({instruction("greater", -1, {u8, {2}}, {0, 1}), instruction("all", -2, {u8, {}}, {-1})}, {-2}));
    made.bodies.push_back(two_inputs({add(-1, 0, 1)}, {-1}));
    return made;
  };
  const auto made = CompiledProgram::make(program());
  REQUIRE(made.ok());
  CHECK((*made)->steps()[0].body == (*made)->bodies()[1]);
  CHECK((*made)->steps()[0].condition == (*made)->bodies()[0]);
  // Its condition has a reduction, and a workgroup does all of it.
  CHECK((*made)->steps()[0].code != nullptr);
  const auto error_with = [&](auto change) {
    ir::Program changed = program();
    change(changed);
    return error_of(std::move(changed));
  };
  CHECK(error_with([](ir::Program& p) { p.bodies.pop_back(); }) ==
        "instruction 0: while: body 1: the program has 1 body");
  CHECK(error_with([](ir::Program& p) {
          p.instructions[0].operands.clear();
          p.instructions[0].operands.emplace_back(ir::ValueName{0});
        }) == "instruction 0: while: condition has 2 inputs, not 1");
  CHECK(error_with([](ir::Program& p) { p.bodies[1].outputs = {-1, 0}; }) ==
        "instruction 0: while: body has 2 outputs, not 1");
  CHECK(error_with([](ir::Program& p) { p.bodies[0].outputs = {-1}; }) ==
        "instruction 0: while: condition: its output is u8{2}, not u8{}");
  CHECK(error_with([](ir::Program& p) { p.bodies[1].inputs[1] = {f32, {}}; }) ==
        "instruction 0: while: body: input 1 is f32{}, not f32{2}");
  CHECK(error_with([](ir::Program& p) { p.instructions[0].operands[0] = Scalar{f32, 1.0}; }) ==
        "instruction 0: while: takes tensors, operand 0 is a number");
  // A body may give what it was given, and give it twice.
  ir::Program swaps = program();
  swaps.instructions[0].results.push_back({-2, {f32, {2}}});
  swaps.bodies[1].outputs = {1, 1};
  CHECK(CompiledProgram::make(std::move(swaps)).ok());
  ir::Program more = program();
  more.instructions[0].results.push_back({-2, {f32, {2}}});
  more.instructions[0].results.push_back({-3, {f32, {2}}});
  CHECK(error_of(std::move(more)) == "instruction 0: while: has as many results as operands, or fewer, not 3 of 2");
}

TEST_CASE("compiled program: a loop of scalar code is a kernel where it is fused") {
  const auto loop = [](const Shape& shape, std::string_view op) {
    ir::Program made{{{f32, shape}, {f32, {}}}, {instruction("while", -1, {f32, shape}, {0, 1})}, {-1}, {}};
    made.instructions[0].attributes = ir::WhileAttributes{{0}, {1}};
    made.bodies.push_back({made.inputs, {instruction("greater", -1, {u8, {}}, {1, 1})}, {-1}, {}});
    made.bodies.push_back({made.inputs, {instruction(op, -1, {f32, shape}, {0})}, {-1}, {}});
    return made;
  };
  const auto is_kernel = [](ir::Program program, std::optional<fuse::Limits> limits = fuse::Limits()) {
    const auto made = CompiledProgram::make(std::move(program), limits);
    REQUIRE(made.ok());
    return (*made)->steps()[0].code != nullptr;
  };
  CHECK(is_kernel(loop({}, "exp")));
  CHECK(is_kernel(loop({1000}, "exp")));
  CHECK_FALSE(is_kernel(loop({1000}, "exp"), std::nullopt));
  CHECK_FALSE(is_kernel(loop({100'000}, "exp")));
  CHECK_FALSE(is_kernel(loop({0}, "exp")));
  CHECK(is_kernel(loop({1000}, "reverse")));
  CHECK_FALSE(is_kernel(loop({1000}, "reverse"), std::nullopt));
  CHECK_FALSE(is_kernel(loop({5000}, "reverse")));
}

TEST_CASE("compiled program: the steps of functions count in what it takes") {
  const auto bytes = [](size_t steps) {
    ir::Instruction reduce = instruction("reduce", -1, {f32, {}}, {0, 1});
    ir::FoldAttributes attributes;
    for (size_t i = 0; i < steps; ++i)
      attributes.function.steps.push_back({ir::find_op("add"), f32, {int64_t{0}, int64_t{1}}});
    reduce.attributes = std::move(attributes);
    ir::Program program{{{f32, {4}}, {f32, {}}}, {std::move(reduce)}, {-1}, {}};
    const auto made = CompiledProgram::make(std::move(program));
    REQUIRE(made.ok());
    return (*made)->host_bytes();
  };
  // Of what was sent and of what is carried out.
  CHECK(bytes(1000) - bytes(1) == 2 * 999 * sizeof(ir::FunctionStep));
}

TEST_CASE("liveness: other commands stand between, and tensors of the session never end") {
  const ir::Instruction first = add(-1, 5, 6), second = add(7, -1, 5);
  const ir::Instruction* all[] = {&first, nullptr, &second, nullptr};
  const auto names = [&](size_t i, auto use) {
    if (all[i] != nullptr) ir::each_name(*all[i], use);
  };
  ir::Liveness liveness;
  for (int again = 0; again < 2; ++again) {
    liveness.find(4, names);
    CHECK(liveness.dying(0).empty());
    CHECK(liveness.dying(1).empty());
    REQUIRE(liveness.dying(2).size() == 1);
    CHECK(liveness.dying(2)[0] == -1);
    CHECK(liveness.dying(3).empty());
  }
  const ir::ValueName kept[] = {-1, -1};
  liveness.find(4, names, kept);
  CHECK(liveness.dying(2).empty());
}

}  // namespace gpu_node::program
