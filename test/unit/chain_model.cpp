// Models with loops, places and data, against loops written out here; what makes no model; programs from elsewhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/concat.h"
#include "chain/evaluator.h"
#include "chain/model.h"

namespace gpu_node::chain {
namespace {

Expression parsed(const std::string& text) {
  auto expression = parse_expression(text);
  REQUIRE_MESSAGE(expression.ok(), (expression.ok() ? "" : expression.error().message));
  return std::move(expression).value();
}

// Dimensions n (0) and k (1); variables theta[n], b[k], a, scale > 0; data X[n, k], y[n], g[n] with places of k.
Model model_of(const std::string& term, std::optional<Loop> loop = std::nullopt) {
  Model model;
  model.symbols.dimensions = {{"n"}, {"k"}};
  model.symbols.parameters = {{"p", Support::kPositive, 2.0}};
  model.symbols.variables = {
      {"theta", uint16_t{0}}, {"b", uint16_t{1}}, {"a"}, {"scale", std::nullopt, Support::kPositive, Transform::kExp}};
  model.symbols.data = {{"X", {0, 1}}, {"y", {0}}, {"g", {0}, uint16_t{1}}};
  model.terms.push_back({std::move(loop), parsed(term)});
  return model;
}

const Inputs kInputs{
    .data = {{"X", {{3, 2}, {1, 2, -0.5, 0.25, 3, -1}}}, {"y", {{3}, {0.5, -1, 2}}}, {"g", {{3}, {1, 0, 1}}}}};

// theta, b, a, log scale.
const std::vector<double> kAt = {0.3, -0.7, 1.1, 0.4, -0.2, 0.9, 0.25};

struct Checked {
  Program program;
  Density density;
};

// The value at kAt, its gradient checked against differences, without the log-Jacobian of |scale|.
Checked checked(const Model& model) {
  auto compiled = compile(model);
  REQUIRE_MESSAGE(std::holds_alternative<Program>(compiled),
                  (compiled.index() == 1 ? std::get<ModelError>(compiled).error.message : ""));
  Checked result{std::get<Program>(std::move(compiled)), {}};
  const auto valid = validate(result.program);
  CHECK_MESSAGE(valid.ok(), (valid.ok() ? "" : valid.error().message));
  const auto binding = bind(result.program, kInputs);
  REQUIRE_MESSAGE(binding.ok(), (binding.ok() ? "" : binding.error().message));
  auto evaluator = Evaluator::make(result.program, *binding);
  REQUIRE(evaluator.ok());
  result.density = evaluator->evaluate(kAt);
  for (size_t i = 0; i < kAt.size(); ++i) {
    const auto shifted = [&](double step) {
      std::vector<double> moved = kAt;
      moved[i] += step;
      return evaluator->evaluate(moved).logp;
    };
    const double expected = (8 * (shifted(1e-4) - shifted(-1e-4)) - (shifted(2e-4) - shifted(-2e-4))) / 12e-4;
    CHECK(result.density.gradient[i] == doctest::Approx(expected).epsilon(1e-8).scale(1));
  }
  result.density.logp -= kAt[6];
  return result;
}

double logp_of(const std::string& term, std::optional<Loop> loop = std::nullopt) {
  return checked(model_of(term, std::move(loop))).density.logp;
}

std::string problem_of(const Model& model) {
  const auto compiled = compile(model);
  REQUIRE(std::holds_alternative<ModelError>(compiled));
  const auto& problem = std::get<ModelError>(compiled);
  return problem.path + ": " + problem.error.message;
}

}  // namespace

TEST_CASE("model: sums, places and data") {
  const auto close = [](double found, double wanted) { CHECK(found == doctest::Approx(wanted).epsilon(1e-13)); };
  const Loop over_n{"i", 0};
  close(logp_of("theta[i]^2", over_n), 0.09 + 0.49 + 1.21);
  close(logp_of("sum(i, theta[i]^2)"), 0.09 + 0.49 + 1.21);
  close(logp_of("sum(i, theta[i])^2"), 0.49);
  close(logp_of("a * scale"), 0.9 * std::exp(0.25));
  close(logp_of("a", over_n), 2.7);
  close(logp_of("a * i", over_n), 2.7);
  close(logp_of("p * 1"), 2);
  close(logp_of("theta[1] * b[0] + theta[1]"), -0.7 * 0.4 - 0.7);
  // X b = {0, -0.25, 1.4}
  close(logp_of("(y[i] - sum(j, X[i, j] * b[j]))^2", over_n), 0.25 + 0.5625 + 0.36);
  close(logp_of("b[g[i]] * theta[i]", over_n), -0.2 * 0.3 + 0.4 * -0.7 - 0.2 * 1.1);
  close(logp_of("X[i, g[i]] * theta[i]", over_n), 2 * 0.3 - 0.5 * -0.7 - 1.1);
  // Two indices over one dimension, the same twice in a row, and one inside of a place that data says.
  close(logp_of("sum(i, sum(j, theta[i] * theta[j]^2))"), 0.7 * 1.79);
  close(logp_of("sum(i, theta[i] * sum(j, (theta[i] - theta[j])^2 * y[j]))"),
        0.3 * (-1.0 + 2 * 0.64) - 0.7 * (0.5 + 2 * 3.24) + 1.1 * (0.5 * 0.64 - 3.24));
  close(logp_of("sum(i, theta[i]) * sum(i, y[i] * theta[i])"), 0.7 * (0.15 + 0.7 + 2.2));
  close(logp_of("sum(j, b[j] * sum(i, X[i, j] * b[g[i]]))"), 0.4 * (-0.2 - 0.2 - 0.6) - 0.2 * (-0.4 + 0.1 + 0.2));
  close(logp_of("sum(j in n, 2 * a)"), 5.4);
  close(logp_of("select(theta[i] < 0, exp(theta[i]), 2 * theta[i])", over_n), 0.6 + std::exp(-0.7) + 2.2);
  close(logp_of("logsumexp(theta[0], a, 1000 * a)"), 900);
  close(logp_of("logsumexp(theta[0], a)"), std::log(std::exp(0.3) + std::exp(0.9)));
  close(logp_of("logit(1 / (1 + exp(-a))) + square(a) + logsigmoid(a)"), 0.9 + 0.81 - std::log1p(std::exp(-0.9)));
}

TEST_CASE("model: places that data says of the variable's own dimension") {
  Model model = model_of("(theta[q[i]] - 2 * theta[i])^2 * y[i]", Loop{"i", 0});
  model.symbols.data[2] = {"q", {0}, uint16_t{0}};
  Inputs inputs = kInputs;
  inputs.data.erase("g");
  inputs.data["q"] = {{3}, {2, 2, 0}};
  auto compiled = compile(model);
  REQUIRE(std::holds_alternative<Program>(compiled));
  const auto& program = std::get<Program>(compiled);
  CHECK(validate(program).ok());
  const auto binding = bind(program, inputs);
  REQUIRE(binding.ok());
  auto evaluator = Evaluator::make(program, *binding);
  REQUIRE(evaluator.ok());
  const Density density = evaluator->evaluate(kAt);
  const double r[] = {1.1 - 0.6, 1.1 + 1.4, 0.3 - 2.2};
  CHECK(density.gradient[0] == doctest::Approx(-4 * r[0] * 0.5 + 2 * r[2] * 2));
  CHECK(density.gradient[1] == doctest::Approx(-4 * r[1] * -1));
  CHECK(density.gradient[2] == doctest::Approx(2 * r[0] * 0.5 + 2 * r[1] * -1 - 4 * r[2] * 2));
}

TEST_CASE("model: a definition has a place of its own") {
  Model model = model_of("sum(i, r[i] * sum(j in n, r[j] * y[i]))");
  model.definitions = {{"m", std::nullopt, parsed("a + p")}, {"r", Loop{"j", 0}, parsed("theta[j] * m")}};
  CHECK(checked(model).density.logp == doctest::Approx(0.7 * 2.9 * 2.9 * 3.05));
}

TEST_CASE("model: what makes none, by path and column") {
  const Loop over_n{"i", 0};
  const auto problem = [](const std::string& term, std::optional<Loop> loop = std::nullopt) {
    return problem_of(model_of(term, std::move(loop)));
  };
  CHECK(problem("1 + zeta") == "/terms/0/expression: column 5: nothing here is called 'zeta'; did you mean 'theta'?");
  CHECK(problem("f(a)") == "/terms/0/expression: column 1: there is no function 'f'");
  CHECK(problem("exp(a, a)") == "/terms/0/expression: column 1: exp takes 1 argument, here it has 2");
  CHECK(problem("theta") == "/terms/0/expression: column 1: 'theta' has 1 dimension, here it has 0 places");
  CHECK(problem("a[0]") == "/terms/0/expression: column 1: 'a' has 0 dimensions, here it has 1 place");
  CHECK(problem("b[i]", over_n) == "/terms/0/expression: column 3: a place in 'n' where 'b' has 'k'");
  CHECK(problem("b[i]") ==
        "/terms/0/expression: column 3: 'i' is neither an index in use here nor data that holds indices");
  CHECK(problem("theta[y[i]]", over_n) ==
        "/terms/0/expression: column 7: 'y' is neither an index in use here nor data that holds indices");
  CHECK(problem("theta[g[i]]", over_n) == "/terms/0/expression: column 7: a place in 'k' where 'theta' has 'n'");
  CHECK(problem("sum(i, y[i])", over_n) == "/terms/0/expression: column 1: the index 'i' is in use already");
  CHECK(problem("sum(a, y[a])") == "/terms/0/expression: column 1: 'a' names something else");
  CHECK(problem("sum(j, a)").find("nothing says what 'j' runs over") != std::string::npos);
  CHECK(problem("sum(j in m, a)") == "/terms/0/expression: column 1: there is no dimension 'm'; there are n, k");
  CHECK(problem("i[0]", over_n) == "/terms/0/expression: column 1: the index 'i' takes no brackets");
  CHECK(problem("digamma(a)") == "/terms: digamma has no derivative here");
  CHECK(problem("a", Loop{"theta", 0}) == "/terms/0/index: 'theta' names something else already");
  CHECK(problem("a", Loop{"sum", 0}) == "/terms/0/index: 'sum' cannot be a name");
  Model model = model_of("a");
  model.definitions = {{"later", std::nullopt, parsed("earlier")}, {"earlier", std::nullopt, parsed("a")}};
  CHECK(problem_of(model) == "/definitions/0/expression: column 1: nothing here is called 'earlier'");
  model.definitions = {{"a", std::nullopt, parsed("1")}};
  CHECK(problem_of(model) == "/definitions/0/name: 'a' names something else already");
  model = model_of("a");
  model.symbols.parameters[0].name = "pi";
  CHECK(problem_of(model) == "/parameters/0/name: 'pi' cannot be a name");
  model = model_of("a");
  model.terms.clear();
  CHECK(problem_of(model).starts_with("/terms: between 1 and"));
}

TEST_CASE("model: one that grows without bound is refused") {
  Model model = model_of("d39");
  model.definitions.push_back({"d0", std::nullopt, parsed("a")});
  for (int i = 1; i < 40; ++i) {
    const std::string before = "d" + std::to_string(i - 1);
    std::string sum = before;
    for (int k = 1; k < 20; ++k) sum += " + exp(" + std::to_string(k) + " * " + before + ")";
    model.definitions.push_back({"d" + std::to_string(i), std::nullopt, parsed(sum)});
  }
  const auto compiled = compile(model);
  if (const auto* program = std::get_if<Program>(&compiled)) CHECK(program->values.size() <= kMaxValues);
  // Nested sums need an index each.
  std::string nested = "a * theta[j0]";
  for (int i = 70; i-- > 0;) nested = "sum(j" + std::to_string(i) + " in n, " + nested + ")";
  CHECK(problem_of(model_of(nested)).find("more values or indices than the limit") != std::string::npos);
}

TEST_CASE("model: the program of independent normal coordinates") {
  const Model model{
      .symbols = {.dimensions = {{"d"}}, .parameters = {{"mu"}, {"sigma"}}, .variables = {{"x", uint16_t{0}}}},
      .terms = {{Loop{"i", 0}, parsed("-0.5 * ((x[i] - mu) / sigma)^2 - log(sigma)")}}};
  const auto compiled = compile(model);
  REQUIRE(std::holds_alternative<Program>(compiled));
  CHECK(text_of(std::get<Program>(compiled)) == R"(%0 = index d.0
%1 = -0.5
%2 = coordinate x %0
%3 = parameter mu
%4 = subtract %2 %3
%5 = parameter sigma
%6 = divide %4 %5
%7 = multiply %6 %6
%8 = multiply %1 %7
%9 = log %5
%10 = subtract %8 %9
%11 = sum d.0 %10
%12 = divide %6 %5
%13 = negate %12
logp %11
gradient x %13
)");
}

TEST_CASE("model: what does not vary is found, and computed once") {
  const Model model = model_of("-0.5 * (a / p)^2 - log(p) + a * (lgamma(p + 1) * sum(i, y[i]^2))");
  const Program program = checked(model).program;
  const std::vector<ValueId> ids = uniforms(program);
  for (const ValueId id : ids) CHECK((!program.values[id].varies && program.values[id].free == 0));
  const auto binding = bind(program, kInputs);
  REQUIRE(binding.ok());
  const auto values = uniform_values(program, *binding);
  REQUIRE(values.ok());
  REQUIRE(values->size() == ids.size());
  // The parameter itself, its logarithm, and the product with what the data sums to.
  for (const double wanted : {2.0, std::log(2.0), std::lgamma(3.0) * 5.25})
    CHECK(std::any_of(values->begin(), values->end(), [&](double found) { return std::fabs(found - wanted) < 1e-14; }));
  // The square of the observations is a part of the product, and no value of its own.
  CHECK(std::find(values->begin(), values->end(), 5.25) == values->end());
}

TEST_CASE("model: a sum of thousands of terms in one expression" * doctest::test_suite("truth")) {
  std::string text = "0 - a^2";
  double wanted = -kAt[5] * kAt[5], slope = -2 * kAt[5];
  for (int i = 1; i <= 2000; ++i) {
    text += concat(" + ", i, "e-5 * a");
    wanted += i * 1e-5 * kAt[5];
    slope += i * 1e-5;
  }
  Model model = model_of(text);
  // An index is found at the end of such a line too.
  model.definitions.push_back({"wide", std::nullopt, parsed("sum(i, " + text + " + y[i])")});
  const Checked found = checked(model);
  CHECK(found.density.logp == doctest::Approx(wanted).epsilon(1e-12));
  CHECK(found.density.gradient[5] == doctest::Approx(slope).epsilon(1e-12));
  REQUIRE(found.program.terms != nullptr);
  CHECK(found.program.terms->names[0].size() < 300);
}

TEST_CASE("model: the work that expressions make is bounded, however they use each other") {
  Model model = model_of("a");
  std::string body = "p", places = "a";
  for (int i = 0; i < 2000; ++i) body += " + p";
  for (int i = 0; i < 4000; ++i) places += concat(" + e[", i, "]");
  model.definitions.push_back({"e", Loop{"i", 0}, parsed(body)});
  model.terms[0].expression = parsed(places);
  CHECK(problem_of(model) ==
        "/terms/0/expression: more than 4194304 numbers, names and calls, those of a definition for each place");
}

TEST_CASE("model: the oracle's memory is bounded") {
  const Program program = checked(model_of("sum(i, sum(j, theta[i] * theta[j]))")).program;
  const int64_t n = 20000;
  const Inputs inputs{.data = {{"X", {{n, 2}, std::vector<double>(2 * n)}},
                               {"y", {{n}, std::vector<double>(n)}},
                               {"g", {{n}, std::vector<double>(n)}}}};
  const auto binding = bind(program, inputs);
  REQUIRE(binding.ok());
  const auto evaluator = Evaluator::make(program, *binding);
  REQUIRE(!evaluator.ok());
  CHECK(evaluator.error().code == ErrorCode::kUnsupported);
}

TEST_CASE("program: from elsewhere, changed at random, is refused or harmless") {
  const Program good = checked(model_of("b[g[i]] * sum(j, X[i, j] * b[j]) + p * theta[i]", Loop{"i", 0})).program;
  const auto binding = bind(good, kInputs);
  REQUIRE(binding.ok());
  std::mt19937 random(2);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    Program program = good;
    Value& value = program.values[random() % program.values.size()];
    switch (random() % 7) {
      case 0:
        value.operands[random() % 2] = static_cast<ValueId>(random() % (program.values.size() + 3));
        break;
      case 1:
        value.symbol = static_cast<uint16_t>(random() % 6);
        break;
      case 2:
        value.kind = static_cast<ValueKind>(random() % 9);
        break;
      case 3:
        value.free = random() % 8;
        break;
      case 4:
        value.operand_count = static_cast<uint8_t>(random() % 4);
        break;
      case 5:
        program.logp = static_cast<ValueId>(random() % (program.values.size() + 3));
        break;
      default:
        program.gradient[random() % 4] = static_cast<ValueId>(random() % (program.values.size() + 3));
        break;
    }
    if (!validate(program).ok()) {
      ++refused;
      continue;
    }
    auto evaluator = Evaluator::make(program, *binding);
    if (evaluator.ok()) CHECK(evaluator->evaluate(kAt).gradient.size() == kAt.size());
  }
  CHECK(refused > 1000);
}

}  // namespace gpu_node::chain
