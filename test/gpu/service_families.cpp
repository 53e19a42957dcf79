// Families of long texts: who sends them waits for the driver himself, and what would compile for minutes is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/concat.h"
#include "gpu/bystander.h"

namespace gpu_node::test {
namespace {

constexpr int kSines = 25;  // of an expression

// A density of one coordinate x: -x^2 / 2 and |expressions| times |kSines| sines of |function|.
std::string family_text(int number, int expressions, const std::string& function) {
  std::string terms;
  for (int e = 0; e < expressions; ++e) {
    std::string sum;
    for (int i = 1; i <= kSines; ++i)
      sum += concat(i == 1 ? "" : " + ", function, "(", number, " + ", e * kSines + i, " * x)");
    terms += ", {\"expression\": \"0.001 * (" + sum + ")\"}";
  }
  return concat(R"({"name": "slow)", number, R"(", "description": "many sines", "variables": [{"name": "x"}], )",
                R"("terms": [{"expression": "-0.5 * x^2"})", terms, "]}");
}

double density(int number, int expressions, double x) {
  double sum = -0.5 * x * x;
  for (int i = 1; i <= expressions * kSines; ++i) sum += 0.001 * std::sin(number + i * x);
  return sum;
}

etf::Writer compile_request(const Client& client, int64_t id, const std::string& text) {
  etf::Writer writer;
  writer.tuple(6).atom("compile_family").unsigned_integer(client.session).integer(id);
  writer.binary(std::string_view(text)).map(0).map(1).atom("type").atom("f64");
  return writer;
}

// The density of model |id| where one step from |x| leads.
double density_of(Client& client, int64_t id, double x, double& reached) {
  const auto bytes = [](const double& number) { return std::as_bytes(std::span(&number, 1)); };
  etf::Writer writer;
  writer.tuple(6).atom("chain").unsigned_integer(client.session).integer(id).map(4);
  writer.atom("position").binary(bytes(x)).atom("momentum").binary(bytes(0.0));
  writer.atom("inverse_mass").binary(bytes(1.0)).atom("step_size").binary(bytes(0.01));
  const int64_t results = id * 100;
  writer.list(4);
  for (int64_t i = 0; i < 4; ++i) writer.integer(results + i);
  writer.nil().map(0);
  REQUIRE(client.call(writer).ok());
  const auto number = [&](int64_t result) {
    const Reply reply = client.download(result);
    REQUIRE(reply.bytes.size() == sizeof(double));
    double read = 0;
    std::memcpy(&read, reply.bytes.data(), sizeof read);
    return read;
  };
  reached = number(results);
  return number(results + 3);
}

}  // namespace

TEST_CASE("service families: three that compile for seconds hold up nobody else") {
  Two two(5000);
  std::vector<uint64_t> tags;
  for (int i = 1; i <= 3; ++i)
    tags.push_back(two.busy.send_call(compile_request(two.busy, i, family_text(i, 1, "sin"))));
  for (int i = 1; i <= 3; ++i) {
    Reply reply;
    check_served(waits_beside(two, tags[static_cast<size_t>(i) - 1], reply));
    REQUIRE_MESSAGE(reply.ok(), reply.message);
  }
  for (int i = 1; i <= 3; ++i) {
    double reached = 0;
    const double found = density_of(two.busy, i, 0.25, reached);
    CHECK(found == doctest::Approx(density(i, 1, reached)).epsilon(1e-12));
  }
}

TEST_CASE("service families: one whose shader would compile for minutes is refused with its length") {
  Two two(5000);
  Reply reply;
  const uint64_t tag = two.busy.send_call(compile_request(two.busy, 1, family_text(1, 3, "lgamma")));
  check_served(waits_beside(two, tag, reply));
  CHECK(reply.code == "compile_failed");
  for (const char* part : {"instructions", "at most 500000"})
    CHECK_MESSAGE(reply.message.find(part) != std::string::npos, reply.message);
  // It was not the node's end, nor the text's: a shorter one compiles.
  REQUIRE(two.busy.call(compile_request(two.busy, 2, family_text(2, 0, "sin"))).ok());
  double reached = 0;
  const double found = density_of(two.busy, 2, 0.25, reached);
  CHECK(found == doctest::Approx(-0.5 * reached * reached).epsilon(1e-12));
}

TEST_CASE("service families: an expression of two thousand terms is computed" * doctest::test_suite("truth")) {
  Two two(5000);
  std::string sum = "-0.5 * x^2";
  double slope = 0;
  for (int i = 1; i <= 2000; ++i) {
    sum += concat(" + ", i, "e-6 * x");
    slope += i * 1e-6;
  }
  REQUIRE(two.busy
              .call(compile_request(two.busy, 1,
                                    R"({"name": "long_sum", "variables": [{"name": "x"}], )"
                                    R"("terms": [{"expression": ")" +
                                        sum + "\"}]}"))
              .ok());
  double reached = 0;
  const double found = density_of(two.busy, 1, 0.25, reached);
  CHECK(found == doctest::Approx(slope * reached - 0.5 * reached * reached).epsilon(1e-12));
}

}  // namespace gpu_node::test
