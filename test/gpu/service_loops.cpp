// Loops of the node among others: one that never ends holds up nobody else, is given up when nobody has its results any
// more, and what comes of its session goes on.
#include <doctest/doctest.h>

#include "gpu/service_client.h"

namespace gpu_node::test {
namespace {

using etf::Writer;

constexpr Dimensions kScalar = {}, kVector = {4};

void write_type(Writer& writer, const char* type, Dimensions dims) {
  writer.tuple(2).atom(type);
  write_shape(writer, dims);
}

// {Op, [{Result, f32 or |type|, Dims}], Operands, #{}}
void write_instruction(Writer& writer, const char* op, int64_t result, const char* type, Dimensions dims,
                       std::initializer_list<int64_t> operands) {
  writer.tuple(4).atom(op).list(1).tuple(3).integer(result).atom(type);
  write_shape(writer, dims);
  writer.nil().list(static_cast<uint32_t>(operands.size()));
  for (const int64_t operand : operands) writer.integer(operand);
  writer.nil().map(0);
}

// Program |id|: while |condition|(x, y): x = x + y, of vectors; by a sum of x, so that no kernel is all of it, or where
// |scalar| of numbers.
Writer loop_program(int64_t id, bool scalar, const char* condition) {
  const Dimensions dims = scalar ? kScalar : kVector;
  Writer writer;
  const auto inputs = [&] {
    writer.list(2);
    for (int i = 0; i < 2; ++i) write_type(writer, "f32", dims);
    writer.nil();
  };
  writer.tuple(6).atom("compile_program").integer(id);
  inputs();
  writer.list(1).tuple(4).atom("while").list(1).tuple(3).integer(-1).atom("f32");
  write_shape(writer, dims);
  writer.nil().list(2).integer(0).integer(1).nil();
  writer.map(2).atom("condition").integer(0).atom("body").integer(1);
  writer.nil().list(1).integer(-1).nil();
  writer.list(2);
  writer.tuple(4);
  inputs();
  writer.list(scalar ? 1 : 3);
  if (!scalar) {
    write_instruction(writer, "sum", -2, "f32", {}, {0});
    write_instruction(writer, "sum", -3, "f32", {}, {1});
  }
  write_instruction(writer, condition, -1, "u8", {}, {scalar ? 0 : -2, scalar ? 1 : -3});
  writer.nil().list(1).integer(-1).nil().nil();
  writer.tuple(4);
  inputs();
  writer.list(1);
  write_instruction(writer, "add", -1, "f32", dims, {0, 1});
  writer.nil().list(1).integer(-1).nil().nil();
  writer.nil();
  return writer;
}

// {run_program, Program, Inputs, [Result]}
Writer run(int64_t program, std::initializer_list<int64_t> inputs, int64_t result) {
  Writer writer;
  writer.tuple(4).atom("run_program").integer(program).list(static_cast<uint32_t>(inputs.size()));
  for (const int64_t input : inputs) writer.integer(input);
  writer.nil().list(1).integer(result).nil();
  return writer;
}

// With two tensors: 1 of zeros, 2 of ones.
struct Fixture : Connected {
  explicit Fixture(bool scalar) : dims(scalar ? kScalar : kVector) {
    static const std::vector<float> kOnes(4, 1);
    client.run(
        Commands().alloc(1, "f32", dims).alloc(2, "f32", dims, std::as_bytes(std::span(kOnes).first(scalar ? 1 : 4))));
  }
  Dimensions dims;
};

}  // namespace

TEST_CASE("service loops: one that never ends holds up no other session, and ends when its results are freed") {
  for (const bool scalar : {true, false}) {
    CAPTURE(scalar);
    Fixture f(scalar);
    Client other{*f.service, std::make_shared<Peer>("b@test")};
    REQUIRE(other.open().ok());
    // 0, 1, 2 ... is never below what it began with, and its sum stops growing at 2^24.
    f.client.run(Commands().raw(loop_program(10, scalar, "greater_equal")).raw(run(10, {1, 1}, 20)));
    const Reply late = f.client.call(f.client.download_request(20, 0, -1, 300));
    CHECK(late.code == "deadline");
    for (int i = 0; i < 20; ++i) {
      other.run(Commands().alloc(1 + i, "f32", {3}));
      CHECK(other.floats(1 + i) == std::vector<float>{0, 0, 0});
    }
    // Somebody needs it: it goes on. Nobody does: what comes behind it has its turn.
    f.client.run(Commands().op("add", 21, "f32", f.dims, {20, 20}).free({20}));
    CHECK(f.client.call(f.client.download_request(2, 0, -1, 300)).code == "deadline");
    f.client.run(Commands().free({21}));
    CHECK(f.client.call(f.client.download_request(2, 0, -1, 300)).code == "deadline");
    CHECK(f.client
              .call(
                  [&] {
                    Writer close;
                    close.tuple(2).atom("close").unsigned_integer(f.client.session);
                    return close;
                  }(),
                  2000)
              .ok());
  }
}

TEST_CASE("service loops: how many rounds one has had is seen while it goes on, and no more when it is over") {
  for (const bool scalar : {true, false}) {
    CAPTURE(scalar);
    Fixture f(scalar);
    Client other{*f.service, std::make_shared<Peer>("b@test")};
    REQUIRE(other.open().ok());
    const auto rounds = [&] {
      const Reply stats = other.stats();
      const auto found = stats.numbers.find("activity.jobs.0.done");
      return found == stats.numbers.end() ? int64_t{-1} : found->second;
    };
    f.client.run(Commands().raw(loop_program(10, scalar, "greater_equal")).raw(run(10, {1, 1}, 20)));
    CHECK(eventually([&] { return rounds() > 0; }));
    const int64_t before = rounds();
    CHECK(eventually([&] { return rounds() > before; }));
    CHECK(static_cast<uint64_t>(other.stats().numbers["activity.jobs.0.session"]) == f.client.session);
    CHECK(other.stats().numbers["activity.jobs.0.of"] == 0);
    f.client.run(Commands().free({20}));
    CHECK(f.client.floats(2).size() == (scalar ? 1 : 4));
    CHECK(eventually([&] { return rounds() == -1; }));
  }
}

TEST_CASE("service loops: freed results give a loop up, and its session goes on") {
  for (const bool scalar : {true, false}) {
    CAPTURE(scalar);
    Fixture f(scalar);
    f.client.run(Commands().raw(loop_program(10, scalar, "greater_equal")).raw(run(10, {1, 1}, 20)));
    CHECK(f.client.call(f.client.download_request(2, 0, -1, 200)).code == "deadline");
    f.client.run(Commands().free({20}));
    const std::vector<float> ones = f.client.floats(2);
    CHECK(ones == std::vector<float>(scalar ? 1 : 4, 1));
    CHECK(f.client.download(20).code == "not_found");
    // In one message with what frees it, too.
    f.client.run(Commands().raw(run(10, {1, 1}, 22)).free({22}));
    CHECK(f.client.floats(2) == ones);
  }
}

TEST_CASE("service loops: one that ends gives its state, and programs are counted as they were") {
  for (const bool scalar : {true, false}) {
    CAPTURE(scalar);
    Fixture f(scalar);
    f.client.run(Commands().raw(loop_program(10, scalar, "less")).raw(run(10, {1, 2}, 20)));
    CHECK(f.client.floats(20) == std::vector<float>(scalar ? 1 : 4, 1));
    const Reply stats = f.client.stats();
    CHECK(stats.ok());
    // As an instruction of a message it has no bodies.
    Writer alone;
    alone.tuple(4).atom("while").list(1).tuple(3).integer(30).atom("f32");
    write_shape(alone, f.dims);
    alone.nil().list(1).integer(1).nil().map(2).atom("condition").integer(0).atom("body").integer(1);
    f.client.run(Commands().raw(alone));
    CHECK(f.client.sync({30}).message.find(": is of compiled programs alone, whose bodies it names") !=
          std::string::npos);
  }
}

}  // namespace gpu_node::test
