// The decoder of what PROTOCOL.md says about chains.
#include <cstring>

#include "unit/decode_case.h"

namespace gpu_node::service {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<double> numbers) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(double));
  std::memcpy(bytes.data(), numbers.begin(), bytes.size());
  return bytes;
}

// {compile_family, Session, 5, Family, as far as its inputs.
Writer compile(std::string_view text = "{}") {
  Writer writer = call();
  writer.tuple(6).atom("compile_family").unsigned_integer(kSession).integer(5).binary(text);
  return writer;
}

// {chain, Session, 5, #{...}, as far as its results.
Writer chain() {
  Writer writer = call();
  writer.tuple(6).atom("chain").unsigned_integer(kSession).integer(5).map(4);
  writer.atom("position").integer(11).atom("momentum").binary(bytes_of({1, 2})).atom("inverse_mass").integer(12);
  writer.atom("step_size").binary(bytes_of({0.5}));
  return writer;
}

bool says(Writer& writer, std::string_view part) {
  const std::string message = call_error(writer);
  INFO(message);
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("decode: compile_family") {
  Writer built_in = call();
  built_in.tuple(6).atom("compile_family").unsigned_integer(kSession).integer(5).atom("normal").map(0).map(0);
  const auto plain = request_of<CompileFamily>(built_in);
  CHECK(plain.session == kSession);
  CHECK(plain.id == 5);
  CHECK(plain.text.empty());
  CHECK(plain.file == "normal");
  CHECK(plain.dtype == Dtype::f64);
  CHECK(plain.chains == 1);
  Writer full = compile("{}");
  full.map(3).atom("parameters").map(2).binary("mu").integer(3).binary("sigma").number(0.5);
  full.atom("dimensions").map(1).binary("d").integer(7);
  full.atom("data").map(1).binary("X").tuple(2);
  shape(full, {2, 1});
  full.binary(bytes_of({1.5, -2}));
  full.map(4).atom("type").atom("f32").atom("file").binary("a.json").atom("chains").integer(64);
  full.atom("deadline_ms").integer(1000);
  const auto request = request_of<CompileFamily>(full);
  CHECK(request.text == "{}");
  CHECK(request.file == "a.json");
  CHECK(request.dtype == Dtype::f32);
  CHECK(request.chains == 64);
  CHECK(request.options.deadline_ms == 1000);
  CHECK(request.inputs.parameters.at("mu") == 3);
  CHECK(request.inputs.parameters.at("sigma") == 0.5);
  CHECK(request.inputs.dimensions.at("d") == 7);
  CHECK(request.inputs.data.at("X").shape == std::vector<int64_t>{2, 1});
  CHECK(request.inputs.data.at("X").values == std::vector<double>{1.5, -2});
}

TEST_CASE("decode: compile_family with data in tensors") {
  Writer writer = compile();
  writer.map(1).atom("data").map(1).binary("y").integer(77).map(0);
  const auto request = request_of<CompileFamily>(writer);
  CHECK(request.inputs.data.empty());
  CHECK(request.tensors.at("y") == 77);
  Writer negative = compile();
  negative.map(1).atom("data").map(1).binary("y").integer(-7).map(0);
  CHECK(says(negative, "data y: expected an id, an integer of at least 0, got the integer -"));
}

TEST_CASE("decode: compile_family that makes no sense") {
  Writer empty = compile("");
  CHECK(says(empty.map(0).map(0), "the family is empty"));
  Writer large = compile(std::string((1 << 20) + 1, ' '));
  CHECK(says(large.map(0).map(0), "the limit is 1048576"));
  Writer inputs = compile();
  CHECK(says(inputs.map(1).atom("numbers").map(0).map(0),
             "unknown input numbers; the inputs are parameters, dimensions, data"));
  Writer parameter = compile();
  parameter.map(1).atom("parameters").map(1).binary("mu").atom("nan").map(0);
  CHECK(says(parameter, "parameter mu: expected a number, got the atom "));
  Writer data = compile();
  data.map(1).atom("data").map(1).binary("y").tuple(2);
  shape(data, {3});
  CHECK(says(data.binary(bytes_of({1, 2})).map(0), "has 24 bytes, the binary 16"));
  Writer huge = compile();
  huge.map(1).atom("data").map(1).binary("y").tuple(2);
  shape(huge, {int64_t{1} << 31, int64_t{1} << 30});
  CHECK(says(huge.binary(bytes_of({1, 2})).map(0), "data y: "));
  Writer type = compile();
  CHECK(says(type.map(0).map(1).atom("type").atom("s32"), "the option type is f32 or f64, got the atom s32"));
  Writer chains = compile();
  CHECK(says(chains.map(0).map(1).atom("chains").integer(0),
             "the option chains is an integer of at least 1, got the integer 0"));
  Writer option = compile();
  CHECK(says(option.map(0).map(1).atom("speed").integer(0),
             "unknown option speed; the options are type, file, chains, deadline_ms, ref"));
}

TEST_CASE("decode: chain") {
  Writer plain = chain();
  plain.nil().map(0);
  const auto request = request_of<Chain>(plain);
  CHECK(request.model == 5);
  CHECK(request.position == ChainOperand(int64_t{11}));
  CHECK(request.momentum == ChainOperand(bytes_of({1, 2})));
  CHECK(request.steps == 1);
  CHECK(!request.last_only);
  CHECK(!request.mapping);
  CHECK(request.results.empty());
  Writer full = chain();
  full.list(4).integer(1).integer(2).integer(3).integer(4).nil();
  full.map(3).atom("steps").integer(32).atom("rows").atom("last").atom("mapping").atom("workgroup");
  const auto named = request_of<Chain>(full);
  CHECK(named.results == std::vector<int64_t>{1, 2, 3, 4});
  CHECK(named.steps == 32);
  CHECK(named.last_only);
  CHECK(named.mapping == chain::Mapping::kWorkgroup);
}

TEST_CASE("decode: chain that makes no sense") {
  Writer two = chain();
  CHECK(says(two.list(2).integer(1).integer(2).nil().map(0), "results are four ids, or none, not 2"));
  Writer rows = chain();
  CHECK(says(rows.nil().map(1).atom("rows").atom("some"), "the option rows is all or last, got the atom some"));
  Writer mapping = chain();
  CHECK(says(mapping.nil().map(1).atom("mapping").atom("galaxy"),
             "the option mapping is thread, subgroup or workgroup, got the atom galaxy"));
  Writer missing = call();
  missing.tuple(6).atom("chain").unsigned_integer(kSession).integer(5).map(1).atom("position").integer(11);
  CHECK(says(missing.nil().map(0), "the operand momentum is missing"));
  Writer unknown = call();
  unknown.tuple(6).atom("chain").unsigned_integer(kSession).integer(5).map(1).atom("speed").integer(11);
  CHECK(says(unknown.nil().map(0),
             "unknown operand speed; the operands are position, momentum, inverse_mass, step_size"));
  Writer negative = call();
  negative.tuple(6).atom("chain").unsigned_integer(kSession).integer(-5);
  CHECK(says(negative.map(0).nil().map(0), "an id, an integer of at least 0"));
  Writer large = call();
  large.tuple(6).atom("chain").unsigned_integer(kSession).integer(5).map(1).atom("position");
  CHECK(says(large.binary(std::string((1 << 20) + 8, ' ')).nil().map(0), "the limit is 1048576"));
}

TEST_CASE("decode: sample") {
  Writer plain = call();
  plain.tuple(5).atom("sample").unsigned_integer(kSession).integer(5).list(2).integer(8).integer(9).nil().map(0);
  const auto request = request_of<Sample>(plain);
  CHECK(request.model == 5);
  CHECK(request.results == std::vector<int64_t>{8, 9});
  CHECK(!request.position);
  CHECK(!request.sampler.step_size);
  CHECK(request.progress_ms == 0);
  Writer full = call();
  full.tuple(5).atom("sample").unsigned_integer(kSession).integer(5).nil().map(11);
  full.atom("chains").integer(64).atom("warmup").integer(0).atom("draws").integer(7).atom("seed").unsigned_integer(
      ~0ull);
  full.atom("path_length").number(1.5).atom("step_size").integer(1).atom("inverse_mass").binary(bytes_of({1, 2}));
  full.atom("position").integer(3).atom("keep_draws").boolean(false).atom("progress_ms").integer(200);
  full.atom("deadline_ms").integer(1000);
  const auto all = request_of<Sample>(full);
  CHECK(all.sampler.chains == 64);
  CHECK(all.sampler.warmup == 0);
  CHECK(all.sampler.draws == 7);
  CHECK(all.sampler.seed == ~0ull);
  CHECK(all.sampler.path_length == 1.5);
  CHECK(all.sampler.step_size == 1.0);
  CHECK(all.sampler.inverse_mass == std::vector<double>{1, 2});
  CHECK(!all.sampler.keep_draws);
  CHECK(all.position == ChainOperand(int64_t{3}));
  CHECK(all.progress_ms == 200);
  CHECK(all.options.deadline_ms == 1000);
}

TEST_CASE("decode: sample that makes no sense") {
  const auto sample = [] {
    Writer writer = call();
    writer.tuple(5).atom("sample").unsigned_integer(kSession).integer(5).nil().map(1);
    return writer;
  };
  Writer chains = sample();
  CHECK(says(chains.atom("chains").integer(0), "the option chains is an integer of at least 1, got the integer 0"));
  Writer step = sample();
  CHECK(says(step.atom("step_size").atom("nan"), "the option step_size is a number, got the atom nan"));
  Writer mass = sample();
  CHECK(says(mass.atom("inverse_mass").binary(std::string(7, ' ')),
             "the option inverse_mass is a binary of f64, got a binary"));
  Writer kept = sample();
  CHECK(says(kept.atom("keep_draws").integer(1), "the option keep_draws is true or false, got the integer 1"));
  Writer unknown = sample();
  CHECK(says(unknown.atom("speed").integer(1), "unknown option speed; the options are chains, warmup, draws"));
  Writer local = call();
  local.tuple(5).atom("sample").unsigned_integer(kSession).integer(5).list(1).integer(-8).nil().map(0);
  CHECK(says(local, "results are ids >= 0, not -8"));
}

}  // namespace gpu_node::service
