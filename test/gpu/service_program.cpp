// Programs that live on the node: compiled once, run as often as wanted, owned and freed as tensors are; and how much
// memory the values of a message or a program take while it runs.
#include <doctest/doctest.h>

#include "gpu/op_case.h"
#include "gpu/service_client.h"
#include "program/program_run.h"

namespace gpu_node::test {
namespace {

using etf::Writer;

struct Fixture : Connected {
  int64_t counter(const std::string& name) { return client.stats().numbers["counters." + name]; }
};

struct Step {
  std::string op;
  int64_t result;
  std::vector<int64_t> operands;
};

// {compile_program, Id, Inputs, Instructions, Outputs, []}, every value f32 of |dims|; with |option| a map of that,
// which is false, behind them.
Writer compile(int64_t id, int inputs, Dimensions dims, const std::vector<Step>& steps,
               std::initializer_list<int64_t> outputs, const char* option = nullptr) {
  Writer writer;
  const auto list = [&writer](size_t count) {
    if (count > 0) writer.list(static_cast<uint32_t>(count));
  };
  writer.tuple(option == nullptr ? 6 : 7).atom("compile_program").integer(id);
  list(static_cast<size_t>(inputs));
  for (int i = 0; i < inputs; ++i) {
    writer.tuple(2).atom("f32");
    write_shape(writer, dims);
  }
  writer.nil();
  list(steps.size());
  for (const Step& step : steps) {
    writer.tuple(4).atom(step.op).list(1).tuple(3).integer(step.result).atom("f32");
    write_shape(writer, dims);
    writer.nil();
    list(step.operands.size());
    for (const int64_t operand : step.operands) writer.integer(operand);
    writer.nil().map(0);
  }
  writer.nil();
  list(outputs.size());
  for (const int64_t output : outputs) writer.integer(output);
  writer.nil().nil();
  if (option != nullptr) writer.map(1).atom(option).atom("false");
  return writer;
}

// {run_program, Program, Inputs, Results}
Writer run(int64_t program, std::initializer_list<int64_t> inputs, std::initializer_list<int64_t> results) {
  Writer writer;
  writer.tuple(4).atom("run_program").integer(program);
  for (const auto& ids : {inputs, results}) {
    if (ids.size() > 0) writer.list(static_cast<uint32_t>(ids.size()));
    for (const int64_t id : ids) writer.integer(id);
    writer.nil();
  }
  return writer;
}

std::span<const std::byte> bytes_of(const std::vector<float>& values) { return std::as_bytes(std::span(values)); }

// (a + b) * a, and its square.
const std::vector<Step> kSteps = {{"add", -1, {0, 1}}, {"multiply", -2, {-1, 0}}, {"multiply", -3, {-2, -2}}};

}  // namespace

TEST_CASE("service program: compiled once, run as often as wanted, with other tensors each time") {
  Fixture f;
  const std::vector<float> a = {1, 2}, b = {3, 4}, c = {5, 6};
  f.client.run(
      Commands().alloc(1, "f32", {2}, bytes_of(a)).alloc(2, "f32", {2}, bytes_of(b)).alloc(3, "f32", {2}, bytes_of(c)));
  f.client.run(Commands().raw(compile(10, 2, {2}, kSteps, {-3, -1})).raw(run(10, {1, 2}, {20, 21})), 1);
  CHECK(f.client.acked(1));
  CHECK(f.client.floats(20) == std::vector<float>{16, 144});
  CHECK(f.client.floats(21) == std::vector<float>{4, 6});
  const int64_t compiles = f.counter("shader_compiles"), pipelines = f.counter("pipelines_created");
  const int64_t instructions = f.counter("instructions");
  f.client.run(Commands().raw(run(10, {3, 1}, {30, 31})).raw(run(10, {31, 31}, {40, 41})));
  CHECK(f.client.floats(30) == std::vector<float>{900, 2304});
  CHECK(f.client.floats(40) == std::vector<float>{5184, 16384});
  CHECK(f.counter("shader_compiles") == compiles);
  CHECK(f.counter("pipelines_created") == pipelines);
  // Three instructions are one step.
  CHECK(f.counter("instructions") == instructions + 2);
}

TEST_CASE("service program: an input that lies otherwise, a view, a number") {
  Fixture f;
  const std::vector<float> a = {1, 2, 3, 4}, b = {10, 20, 30, 40};
  f.client.run(Commands()
                   .alloc(1, "f32", {2, 2}, bytes_of(a))
                   .alloc(2, "f32", {2, 2}, bytes_of(b))
                   .op("transpose", 3, "f32", {2, 2}, {1})
                   .raw(compile(10, 2, {2, 2},
                                {{"add", -1, {0, 1}}, {"transpose", -2, {-1}}, {"multiply", -3, {-2, 0}}}, {-3})));
  // Each way to lie twice, in turns.
  for (int64_t turn = 0; turn < 4; ++turn) {
    const int64_t first = turn % 2 == 0 ? 1 : 3, result = 20 + turn;
    f.client.run(Commands().raw(run(10, {first, 2}, {result})));
    CHECK(f.client.floats(result) ==
          (first == 1 ? std::vector<float>{11, 66, 66, 176} : std::vector<float>{11, 96, 46, 176}));
  }
}

TEST_CASE("service program: explained without being run, and with what its kernels took after a run") {
  Fixture f;
  const std::vector<float> a = {1, 2};
  f.client.run(Commands()
                   .alloc(1, "f32", {2}, bytes_of(a))
                   .raw(compile(10, 2, {2}, kSteps, {-3}))
                   .raw(compile(11, 2, {2}, kSteps, {-3}, "fuse")));
  const auto explain = [&](int64_t id, bool glsl) {
    Writer request;
    request.tuple(4).atom("explain_program").unsigned_integer(f.client.session).integer(id);
    request.map(1).atom("glsl").boolean(glsl);
    return f.client.call(request);
  };
  const int64_t dispatches = f.counter("dispatches");
  Reply reply = explain(10, true);
  REQUIRE(reply.ok());
  CHECK(reply.numbers["steps"] == 1);
  CHECK(reply.numbers["steps.0.instructions"] == 3);
  CHECK(reply.numbers["steps.0.takes"] == 2);
  CHECK(reply.numbers["steps.0.gives"] == 1);
  CHECK(reply.numbers["steps.0.dispatches"] == 1);
  CHECK(reply.numbers["steps.0.read_bytes"] == 16);
  CHECK(reply.numbers["steps.0.written_bytes"] == 8);
  CHECK(reply.numbers["apart"] == 0);
  CHECK(reply.numbers["kernels"] == 1);
  CHECK(f.counter("dispatches") == dispatches);
  reply = explain(11, false);
  REQUIRE(reply.ok());
  CHECK(reply.numbers["steps"] == 3);
  CHECK(reply.numbers["apart"] == 0);  // nobody asked for them to be one
  f.client.run(Commands().raw(run(10, {1, 1}, {20})));
  CHECK(f.client.floats(20) == std::vector<float>{4, 64});
  reply = explain(10, false);
  CHECK(reply.numbers.count("kernels.0.driver_us") == 1);
  CHECK(explain(1, false).message == "explain_program: 1 is a tensor, no program");
  CHECK(explain(99, false).code == "not_found");
}

TEST_CASE("service program: a local of its message as an input, which ends behind its last run") {
  Fixture f;
  const std::vector<float> a = {1, 2};
  f.client.run(Commands().alloc(1, "f32", {2}, bytes_of(a)).raw(compile(10, 2, {2}, kSteps, {-1})));
  f.client.run(Commands()
                   .op("add", -1, "f32", {2}, {1, 1})
                   .raw(run(10, {-1, 1}, {20}))
                   .op("add", -2, "f32", {2}, {-1, 20})
                   .raw(run(10, {-2, -1}, {21})));
  CHECK(f.client.floats(20) == std::vector<float>{3, 6});
  CHECK(f.client.floats(21) == std::vector<float>{7, 14});
}

TEST_CASE("service program: what is wrong poisons its results, and the node serves on") {
  Fixture f;
  const std::vector<float> a = {1, 2};
  f.client.run(
      Commands().alloc(1, "f32", {2}, bytes_of(a)).alloc(2, "f32", {3}).raw(compile(10, 2, {2}, kSteps, {-3})));
  const auto error = [&](const Writer& command, int64_t id) {
    f.client.run(Commands().raw(command));
    const Reply reply = f.client.download(id);
    return reply.code + ": " + reply.message;
  };
  CHECK(error(run(99, {1, 1}, {20}), 20) == "not_found: run_program: program 99 does not exist");
  CHECK(error(run(1, {1, 1}, {21}), 21) == "invalid_argument: run_program: 1 is a tensor, no program");
  CHECK(error(run(10, {1}, {22}), 22) == "invalid_argument: run_program: takes 2 inputs, not 1");
  CHECK(error(run(10, {1, 2}, {23}), 23) == "invalid_argument: run_program: input 1 is declared f32{2}, but is f32{3}");
  CHECK(error(run(10, {1, 1}, {24, 25}), 25) == "invalid_argument: run_program: the program has 1 output, not 2");
  CHECK(error(run(10, {1, 1}, {30, 30}), 30) == "invalid_argument: run_program: result 30 is given twice");
  CHECK(error(run(10, {1, 77}, {26}), 26) == "not_found: run_program: tensor 77 does not exist");
  CHECK(error(compile(11, 1, {2}, {{"add", -1, {0, 5}}}, {-1}), 11) ==
        "invalid_argument: compile_program: instruction 0: add: there is no input 5, the program has 1");
  // A run of what did not compile has that error; one of a poisoned input has the input's.
  CHECK(error(run(11, {1}, {27}), 27) ==
        "invalid_argument: compile_program: instruction 0: add: there is no input 5, the program has 1");
  CHECK(error(run(10, {1, 22}, {28}), 28) == "invalid_argument: run_program: takes 2 inputs, not 1");
  CHECK(f.client.download(10).message == "download: 10 is a program, no tensor");
  f.client.run(Commands().raw(run(10, {1, 1}, {29})));
  CHECK(f.client.floats(29) == std::vector<float>{4, 64});
}

TEST_CASE("service program: it goes as tensors do, and what it made stays") {
  Fixture f;
  const int64_t baseline = f.client.live_bytes();
  const std::vector<float> a = {1, 2};
  f.client.run(
      Commands().alloc(1, "f32", {2}, bytes_of(a)).raw(compile(10, 2, {2}, kSteps, {-3})).raw(run(10, {1, 1}, {20})));
  CHECK(eventually([&] { return f.client.stats().numbers["tensors"] == 3; }));
  f.client.run(Commands().free({10}));
  CHECK(f.client.floats(20) == std::vector<float>{4, 64});
  f.client.run(Commands().raw(run(10, {1, 1}, {21})));
  CHECK(f.client.download(21).code == "not_found");
  f.client.run(Commands().free({1, 20, 21}));
  CHECK(eventually([&] { return f.client.live_bytes() == baseline; }));
  CHECK(f.client.stats().numbers["tensors"] == 0);
}

TEST_CASE("service program: a message of many runs is submitted in pieces, as many messages are") {
  Fixture f;
  const std::vector<float> a = {1, 1};
  std::vector<Step> steps;
  for (int64_t i = 1; i <= 200; ++i) steps.push_back({"add", -i, {i == 1 ? 0 : 1 - i, 1}});
  f.client.run(Commands().alloc(1, "f32", {2}, bytes_of(a)).raw(compile(10, 2, {2}, steps, {-200}, "fuse")));
  REQUIRE(f.client.sync({1}).ok());
  const int64_t before = f.counter("submits");
  Commands runs;
  for (int64_t i = 0; i < 64; ++i) runs.raw(run(10, {i == 0 ? 1 : 99 + i, 1}, {100 + i}));
  f.client.run(runs);
  CHECK(f.client.floats(163) == std::vector<float>{1 + 64 * 200, 1 + 64 * 200});
  CHECK(f.counter("submits") - before >= 64 * 200 / 1024);
}

TEST_CASE("service program: the node's memory for programs of a session is bounded, and comes back") {
  Fixture f;
  std::vector<Step> steps;
  for (int64_t i = 1; i <= 4096; ++i) steps.push_back({"add", -i, {0, 0}});
  const auto numbered = [&](int64_t id) { return compile(id, 1, {2}, steps, {-1}); };
  const std::vector<float> a = {1, 2};
  f.client.run(Commands().alloc(1000, "f32", {2}, bytes_of(a)));
  int64_t first_refused = 0;
  for (int64_t id = 1; id <= 400 && first_refused == 0; ++id) {
    f.client.run(Commands().raw(numbered(id)).raw(run(id, {1000}, {2000 + id})));
    const Reply reply = f.client.download(2000 + id);
    if (reply.ok()) continue;
    first_refused = id;
    CHECK(reply.code == "quota");
    CHECK(reply.message.find("compile_program: asked for ") == 0);
    CHECK(reply.message.find(" bytes of host memory, the session holds ") != std::string::npos);
  }
  // What a client keeps (GpuNode.Programs) is 16 of these.
  CAPTURE(first_refused);
  CHECK(first_refused > 16);
  f.client.run(Commands().free({1, first_refused}).raw(numbered(500)).raw(run(500, {1000}, {3000})));
  CHECK(f.client.floats(3000) == std::vector<float>{2, 4});
}

TEST_CASE("service program: a message whose session has ended is not carried out to its end") {
  Fixture f;
  Client other{*f.service, std::make_shared<Peer>("b@test")};
  REQUIRE(other.open().ok());
  std::vector<Step> steps;
  for (int64_t i = 1; i <= 4096; ++i) steps.push_back({"add", -i, {0, 0}});
  const std::vector<float> a = {1, 2};
  f.client.run(Commands().alloc(1, "f32", {2}, bytes_of(a)).raw(compile(10, 1, {2}, steps, {-4096})));
  REQUIRE(f.client.sync({1}).ok());
  Commands runs;
  for (int64_t i = 0; i < 2000; ++i) runs.raw(run(10, {1}, {100 + i}));
  const int64_t before = other.stats().numbers["counters.submits"];
  f.client.run(runs);
  CHECK(eventually([&] { return other.stats().numbers["counters.submits"] > before + 1; }));
  f.service->on_link_down(f.peer);
  CHECK(other.sync().code == "");
  CHECK(other.stats().numbers["counters.submits"] - before < 2000 * 4096 / 1024 / 2);
}

TEST_CASE("service program: fused it takes fewer dispatches, and gives the same; other options are refused") {
  Fixture f;
  const std::vector<float> a = {1, 2}, b = {3, 4};
  f.client.run(Commands().alloc(1, "f32", {2}, bytes_of(a)).alloc(2, "f32", {2}, bytes_of(b)));
  f.client.run(Commands()
                   .raw(compile(10, 2, {2}, kSteps, {-3}))
                   .raw(compile(11, 2, {2}, kSteps, {-3}, "fuse"))
                   .raw(compile(12, 2, {2}, kSteps, {-3}, "speed")));
  const auto dispatches = [&](int64_t program, int64_t result) {
    REQUIRE(f.client.sync().ok());
    const int64_t before = f.counter("dispatches");
    f.client.run(Commands().raw(run(program, {1, 2}, {result})));
    CHECK(f.client.floats(result) == std::vector<float>{16, 144});
    return f.counter("dispatches") - before;
  };
  CHECK(dispatches(10, 20) == 1);
  CHECK(dispatches(11, 21) == 3);
  f.client.run(Commands().raw(run(12, {1, 2}, {22})));
  CHECK(f.client.sync({22}).message.find("unknown option speed; the options are fuse") != std::string::npos);
}

TEST_CASE("service program: what is remembered of a run is paid for, or is not remembered") {
  program::Executor& runner = executor();
  ir::Program wide;
  wide.inputs = {{Dtype::f32, {2}}};
  ir::Instruction join;
  join.op = &ir::op_called("concatenate");
  join.results = {{-1, {Dtype::f32, {400}}}};
  for (int i = 0; i < 200; ++i) join.operands.emplace_back(ir::ValueName{0});
  wide.instructions.push_back(join);
  wide.outputs = {-1};
  const program::CompiledProgramRef compiled = program::CompiledProgram::make(std::move(wide)).value();
  const program::Tensor input = to_device(HostTensor(Dtype::f32, {2}, {Number::of(3), Number::of(4)}));
  program::ProgramRun run(runner);
  std::vector<uint64_t> asked;
  bool grant = false;
  const program::Charge host = [&](uint64_t bytes) -> Result<program::Payment> {
    asked.push_back(bytes);
    if (!grant) return Error{ErrorCode::kQuota, "no"};
    return program::Payment();
  };
  const program::Charge device = [](uint64_t) { return program::Payment(); };
  for (const size_t planned : {1, 2, 2}) {
    const program::Operand operand = input;
    REQUIRE(run.begin(compiled, {&operand, 1}).ok());
    for (bool done = false; !done;) {
      if (run.rest() != nullptr) run.rest()->kernel.wait();
      const Result<bool> step = run.step(0, {device, host});
      REQUIRE(step.ok());
      done = *step;
    }
    program::Tensors outputs;
    run.finish(outputs, host);
    CHECK(from_device(outputs[0]).number(399).as_real() == 4);
    CHECK(asked.size() == planned);
    grant = true;
  }
  // 25 dispatches, each of some hundred bytes.
  CHECK(asked[0] > 25 * 256);
  CHECK(asked[1] == asked[0]);
}

TEST_CASE("service program: one that was released goes at once, and is no tensor that others could attach") {
  Fixture f;
  Client other{*f.service, std::make_shared<Peer>("b@test")};
  REQUIRE(other.open().ok());
  f.client.run(Commands().raw(compile(10, 2, {2}, kSteps, {-3})));
  REQUIRE(f.client.sync().ok());
  const Reply attached = other.attach(1, f.client, 10);
  CHECK(attached.code == "invalid_argument");
  CHECK(attached.message.ends_with("is a program, no tensor"));
  f.client.run(Commands().release({10}));
  REQUIRE(f.client.sync().ok());
  CHECK(other.attach(1, f.client, 10).code == "not_found");
}

TEST_CASE("service program: 64 dependent adds take the memory of a few tensors") {
  constexpr int64_t kElements = 16 << 20, kBytes = kElements * 4;
  std::vector<Step> steps;
  for (int64_t i = 1; i <= 64; ++i) steps.push_back({"add", -i, {i == 1 ? 0 : 1 - i, i == 1 ? 0 : 1 - i}});
  const auto peak_of = [&](const Commands& work) {
    Fixture f;
    f.client.run(Commands().alloc(1, "f32", {kElements}));
    CHECK(f.client.sync({1}).ok());
    f.client.run(work);
    CHECK(f.client.sync({100}).ok());
    return f.client.stats().numbers["memory.peak_bytes"] / kBytes;
  };
  Commands message;
  for (const Step& step : steps) {
    const int64_t operand = step.operands[0] == 0 ? 1 : step.operands[0];
    message.op("add", step.result == -64 ? 100 : step.result, "f32", {kElements}, {operand, operand});
  }
  CHECK(peak_of(message) <= 4);
  CHECK(peak_of(Commands().raw(compile(10, 1, {kElements}, steps, {-64})).raw(run(10, {1}, {100}))) <= 4);
}

}  // namespace gpu_node::test
