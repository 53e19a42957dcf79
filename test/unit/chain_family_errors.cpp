// What a family file must not say: the message names the file, the place in it, the stage and the reason.
#include <doctest/doctest.h>

#include <cmath>

#include "chain/family.h"

namespace gpu_node::chain {
namespace {

constexpr const char* kGood = R"({
  "name": "demo", "description": "",
  "parameters": [{"name": "mu", "support": "real", "default": 0}],
  "dimensions": [{"name": "n"}],
  "variables": [{"name": "x", "shape": ["n"], "support": "positive", "transform": "exp"}],
  "data": [{"name": "y", "shape": ["n"], "values": [1, 2]}],
  "definitions": [{"name": "r", "index": "i", "over": "n", "expression": "y[i] - mu"}],
  "terms": [{"index": "i", "over": "n", "expression": "r[i] * x[i]"}],
  "example": {"unconstrained": {"x": [0, 0]}, "logp": 3, "gradient": {"x": [2, 3]}}
})";

// The error of kGood with |from| replaced by |to|.
Error error_with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const auto family = parse_family(text, "demo.json");
  REQUIRE(!family.ok());
  CHECK(family.error().code == ErrorCode::kInvalidArgument);
  REQUIRE(family.error().details != nullptr);
  CHECK(family.error().details->file == "demo.json");
  return family.error();
}

std::string problem(const std::string& from, const std::string& to) { return error_with(from, to).message; }

// "STAGE LINE PATH" of the error's details.
std::string place(const std::string& from, const std::string& to) {
  const ErrorDetails details = *error_with(from, to).details;
  return details.stage + " " + std::to_string(details.line) + " " + details.path;
}

}  // namespace

TEST_CASE("family file: the good one") {
  const auto family = parse_family(kGood, "demo.json");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  CHECK(family->example.has_value());
}

TEST_CASE("family file: name, variables and terms suffice" * doctest::test_suite("truth")) {
  const auto family =
      parse_family(R"({"name": "least", "variables": [{"name": "x"}], "terms": [{"expression": "-x^2"}]})", "least");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  CHECK(!family->example);
  CHECK(family->description.empty());
  CHECK(bind(*family, {}).ok());
  for (const char* key : {"name", "variables", "terms"}) {
    std::string text = R"({"name": "least", "variables": [{"name": "x"}], "terms": [{"expression": "-x^2"}]})";
    text.replace(text.find(key), 1, "$");  // what begins so is not near
    const auto lacking = parse_family(text, "least");
    REQUIRE(!lacking.ok());
    CHECK(lacking.error().message.starts_with("least: /: check: unknown key '$"));
  }
  const auto none = parse_family("{}", "none");
  REQUIRE(!none.ok());
  CHECK(none.error().message == "none: /: check: the key 'name' is missing");
}

TEST_CASE("family file: mistakes are found in the order in which they are made" * doctest::test_suite("truth")) {
  // One of each sort; each is put right after it was found. None of them is that the example is missing.
  std::string text = R"({"name": "my model", "variables": [{"nam": "x", "shape": ["n"]}],
 "terms": [{"expression": "-(x[i] + zeta"}], "dimensions": [{"name": "m", "size": 3}]
)";
  const auto found = [&] {
    const auto family = parse_family(text, "f");
    return family.ok() ? "" : family.error().details->stage + " " + family.error().details->path;
  };
  const auto mend = [&](const std::string& from, const std::string& to) {
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
  };
  CHECK(found() == "parse /");
  text += "}";
  CHECK(found() == "check /variables/0");
  mend("\"nam\"", "\"name\"");
  CHECK(found() == "check /name");
  mend("my model", "my_model");
  CHECK(found() == "check /variables/0/shape/0");
  mend("[\"n\"]", "[\"m\"]");
  CHECK(found() == "parse /terms/0/expression");
  mend("-(x[i] + zeta", "-(x[i] + zeta)");
  CHECK(found() == "check /terms/0/expression");
  mend("x[i] + zeta", "x[0] + x[2]");
  CHECK(found().empty());
}

TEST_CASE("family file: an unknown key names those that there are" * doctest::test_suite("truth")) {
  CHECK(problem("\"definitions\"", "\"definition\"") ==
        "demo.json: /: check: unknown key 'definition'; there are name, variables, terms, description, parameters, "
        "dimensions, data, definitions, example, $schema; did you mean 'definitions'?");
  CHECK(problem("\"shape\": [\"n\"], \"support\"", "\"shape\": [\"n\"], \"suport\"") ==
        "demo.json: /variables/0: check: unknown key 'suport'; there are name, description, shape, support, transform; "
        "did you mean 'support'?");
  CHECK(problem("r[i] * x[i]", "R[i] * x[i] * exp_(x[i])") ==
        "demo.json: /terms/0/expression: check: column 1: nothing here is called 'R'; did you mean 'r'?");
  CHECK(problem("y[i] - mu", "y[i] - m_u") ==
        "demo.json: /definitions/0/expression: check: column 8: nothing here is called 'm_u'; did you mean 'mu'?");
  CHECK(problem("y[i] - mu", "expp(mu)") ==
        "demo.json: /definitions/0/expression: check: column 1: there is no function 'expp'; did you mean 'exp'?");
  const std::string key(100'000, 'k');
  CHECK(problem("\"name\": \"demo\"", "\"" + key + "\": 1").size() < 400);
}

TEST_CASE("family file: no JSON") {
  CHECK(problem("\"name\": \"demo\",", "\"name\": \"demo\"").starts_with("demo.json: /: parse: parse error at line "));
  CHECK(problem("\"logp\": 3", "\"logp\": 1e999").starts_with("demo.json: /: parse: "));
  CHECK(problem("\"logp\": 3", "\"logp\": 3, \"logp\": 4") ==
        "demo.json: /: parse: the key 'logp' stands twice in one object");
  CHECK(problem("[1, 2]", "[[[[[[[[[[1]]]]]]]]]]") == "demo.json: /: parse: deeper than 8 levels");
  CHECK(problem("demo", "\xff").starts_with("demo.json: /: parse: "));
  const auto large = parse_family(std::string(kMaxFamilyBytes + 1, ' '), "demo.json");
  REQUIRE(!large.ok());
  CHECK(large.error().message == "demo.json: /: parse: larger than 1048576 bytes");
  CHECK(!parse_family("", "demo.json").ok());
  CHECK(!parse_family("[]", "demo.json").ok());
}

TEST_CASE("family file: an error says on which line") {
  CHECK(place("\"name\": \"demo\",", "\"name\": \"demo\"") == "parse 2 /");
  CHECK(place("\"logp\": 3", "\"logp\": }") == "parse 9 /");
  CHECK(place("\"demo\"", "\"de mo\"") == "check 2 /name");
  CHECK(place("\"default\": 0", "\"default\": \"0\"") == "check 3 /parameters/0/default");
  CHECK(place("[1, 2]", "[1,\n\n [2]]") == "check 8 /data/0/values/1");
  CHECK(place("y[i] - mu", "y[i] - mu +") == "parse 7 /definitions/0/expression");
  CHECK(place("r[i] * x[i]", "r[i] * z[i]") == "check 8 /terms/0/expression");
  CHECK(place("\"name\": \"demo\", ", "") == "check 1 /");
  CHECK(place("\"logp\": 3", "\"logp\": 2") == "check 9 /example/logp");
  CHECK(place("\"x\": [2, 3]}", "\"x\":\n [2, 4]}") == "check 10 /example/gradient/x/1");
}

TEST_CASE("family file: what is wrong with the text itself is said with its line" * doctest::test_suite("truth")) {
  CHECK(place("\"logp\": 3", "\"logp\": 3, \"logp\": 4") == "parse 9 /");
  CHECK(place("\"logp\": 3,", "\"logp\": 3,\n\n \"logp\"\n: 4,") == "parse 11 /");
  CHECK(place("\"name\": \"mu\",", "\"name\": \"mu\", \"n\\u0061me\": \"nu\",") == "parse 3 /");
  CHECK(place("\"demo\",", "\"demo\",\n\"name\": 1,") == "parse 3 /");
  CHECK(place("\"terms\"", "\"definitions\"") == "parse 8 /");
  CHECK(place("[1, 2]", "[1,\n[[[[[[[[[1]]]]]]]]]]") == "parse 7 /");
  CHECK(place("\"logp\": 3,", "\"logp\": 1e999\n,") == "parse 9 /");
  // What is wrong first is said, whatever follows.
  CHECK(place("\"demo\", \"description\"", "\"demo\", \"name\": [}, \"description\"") == "parse 2 /");
  CHECK(problem("\"demo\", ", "\"demo\", \"name\": 1,\n\"logp\": 1, \"logp\": 1,") ==
        "demo.json: /: parse: the key 'name' stands twice in one object");
  CHECK(problem("\"demo\", ", "\"demo\", \"name\": [1, }, \n") ==
        "demo.json: /: parse: the key 'name' stands twice in one object");
  const std::string key(100'000, 'k');
  CHECK(problem("\"name\": \"demo\"", "\"" + key + "\": 1, \"" + key + "\": 1").size() < 200);
}

TEST_CASE("family file: keys and types") {
  CHECK(problem("\"name\": \"demo\", ", "") == "demo.json: /: check: the key 'name' is missing");
  CHECK(problem("\"default\": 0", "\"value\": 0") ==
        "demo.json: /parameters/0: check: unknown key 'value'; there are name, description, support, default");
  CHECK(problem("\"default\": 0", "\"default\": \"0\"") ==
        "demo.json: /parameters/0/default: check: expected a number, found string");
  CHECK(problem("[{\"name\": \"n\"}]", "{\"n\": 4}") == "demo.json: /dimensions: check: expected a list, found object");
  CHECK(problem("{\"name\": \"n\"}", "\"n\"") == "demo.json: /dimensions/0: check: expected an object, found string");
  CHECK(problem("\"index\": \"i\", ", "") == "demo.json: /definitions/0: check: 'index' and 'over' go together");
  CHECK(problem("[1, 2]", "[1, [2]]") ==
        "demo.json: /data/0/values/1: check: not of the shape of the entries before it");
  CHECK(problem("[1, 2]", "[]") == "demo.json: /data/0/values: check: an empty list");
  CHECK(problem("{\"x\": [2, 3]}", "[2, 3]") == "demo.json: /example/gradient: check: expected an object, found array");
  CHECK(problem("\"demo\"", "\"de mo\"") == "demo.json: /name: check: 'de mo' cannot be a name");
  std::string many = "{\"name\": \"n\"}";
  for (int i = 0; i < 64; ++i) many += ", {\"name\": \"n" + std::to_string(i) + "\"}";
  CHECK(problem("{\"name\": \"n\"}", many) == "demo.json: /dimensions: check: more than 64 entries");
}

TEST_CASE("family file: names, supports, expressions") {
  CHECK(problem("\"support\": \"real\"", "\"support\": \"integer\"") ==
        "demo.json: /parameters/0/support: check: there is no support 'integer'; there are real, positive, "
        "unit_interval");
  CHECK(problem("\"support\": \"real\"", "\"support\": \"positive\"") ==
        "demo.json: /parameters/0/default: check: 0 is not positive");
  CHECK(problem("\"transform\": \"exp\"", "\"transform\": \"cube\"") ==
        "demo.json: /variables/0/transform: check: there is no transform 'cube'; there are identity, exp, softplus, "
        "sigmoid");
  CHECK(problem("\"transform\": \"exp\"", "\"transform\": \"sigmoid\"") ==
        "demo.json: /variables/0/transform: check: sigmoid does not map onto positive");
  CHECK(problem("\"shape\": [\"n\"]", "\"shape\": [\"m\"]") ==
        "demo.json: /variables/0/shape/0: check: there is no dimension 'm'; there is n");
  CHECK(problem("\"shape\": [\"n\"]", "\"shape\": [\"n\", \"n\"]") ==
        "demo.json: /variables/0/shape: check: a variable has one dimension at most");
  CHECK(problem("\"name\": \"y\"", "\"name\": \"x\"") ==
        "demo.json: /data/0/name: check: 'x' names something else already");
  CHECK(problem("y[i] - mu", "y[i] - ") ==
        "demo.json: /definitions/0/expression: parse: column 8: expected a number, a name or '(', found the end");
  CHECK(problem("r[i] * x[i]", "r[i] * z[i]") ==
        "demo.json: /terms/0/expression: check: column 8: nothing here is called 'z'");
}

TEST_CASE("family file: the example must fit") {
  CHECK(problem("{\"unconstrained\": {\"x\": [0, 0]}", "{\"unconstrained\": {\"x\": [0]}") ==
        "demo.json: /example/unconstrained: check: variable 'x' has 1 numbers, not 2");
  CHECK(problem("\"gradient\": {\"x\": [2, 3]}", "\"gradient\": {}") ==
        "demo.json: /example/gradient: check: variable 'x' is missing");
  CHECK(problem("{\"unconstrained\"", "{\"parameters\": {\"nu\": 1}, \"unconstrained\"") ==
        "demo.json: /example: check: there is no parameter 'nu'; there is mu; did you mean 'mu'?");
  CHECK(problem("{\"unconstrained\"", "{\"dimensions\": {\"n\": 3}, \"unconstrained\"") ==
        "demo.json: /example: check: dimension 'n' is 2 long by the family's own data 'y', but 3 by the "
        "dimensions that are given");
  CHECK(problem(", \"values\": [1, 2]", "") == "demo.json: /example: check: data 'y' of shape {n} is missing");
  CHECK(problem("[1, 2]", "[[1, 2]]") == "demo.json: /data: check: data 'y' is of shape {1, 2}, not of {n}");
}

TEST_CASE("family file: an example that does not hold is an error with both values" * doctest::test_suite("truth")) {
  CHECK(problem("\"logp\": 3", "\"logp\": 4") ==
        "demo.json: /example/logp: check: the log density is 3, the example says 4");
  CHECK(problem("\"x\": [2, 3]}", "\"x\": [2, 3.001]}") ==
        "demo.json: /example/gradient/x/1: check: the derivative is 3, the example says 3.001");
  CHECK(problem("r[i] * x[i]", "r[i] * log(x[i] - 1)") ==
        "demo.json: /example/logp: check: the log density is -inf, the example says 3");
  std::string text = kGood;
  text.replace(text.find("\"logp\": 3"), 9, "\"logp\": 3.000000001");
  CHECK(parse_family(text, "demo.json").ok());
  // One that would take long to check is not checked in part, but refused.
  const auto large = parse_family(R"json({"name": "large", "dimensions": [{"name": "n", "size": 4000000}],
    "variables": [{"name": "x"}], "terms": [{"expression": "sum(i in n, sin(i * x))"}],
    "example": {"unconstrained": {"x": 0}, "logp": 0, "gradient": {"x": 0}}})json",
                                  "large");
  REQUIRE(!large.ok());
  CHECK(large.error().message.starts_with(
      "large: /example: check: it cannot be checked: the values have more than 4194304 elements together"));
}

TEST_CASE("family file: one that is not there") {
  const auto family = load_family("/nowhere/family.json");
  REQUIRE(!family.ok());
  CHECK(family.error().code == ErrorCode::kNotFound);
}

TEST_CASE("binding: supports, shapes and lengths are checked when a family is used") {
  const auto family = parse_family(kGood, "demo.json");
  REQUIRE(family.ok());
  const auto message = [&](const Inputs& inputs) {
    const auto binding = bind(*family, inputs);
    return binding.ok() ? "" : binding.error().message;
  };
  CHECK(message({}).empty());
  CHECK(message({.data = {{"y", {{3}, {1, 2, 3}}}}}).empty());
  CHECK(message({.data = {{"y", {{3}, {1, 2}}}}}) == "data 'y' has 2 numbers, its shape says 3");
  CHECK(message({.data = {{"y", {{0}, {}}}}}) == "data 'y' of shape {0} has a dimension that is empty or too long");
  CHECK(message({.parameters = {{"mu", NAN}}}).starts_with("parameter 'mu' is nan, not real"));
}

TEST_CASE("binding: what is given wrongly is named, with what there is" * doctest::test_suite("truth")) {
  constexpr const char* kModel = R"json({
    "name": "grouped",
    "parameters": [{"name": "scale", "support": "positive"}],
    "dimensions": [{"name": "n"}, {"name": "k"}],
    "variables": [{"name": "theta", "shape": ["k"]}],
    "data": [{"name": "observed", "shape": ["n"]}, {"name": "group", "shape": ["n"], "indexes_into": "k"},
             {"name": "X", "shape": ["n", "k"]}],
    "terms": [{"index": "i", "over": "n",
               "expression": "select(is_nan(observed[i]), 0, -(observed[i] - X[i, 1] * theta[group[i]])^2 / scale)"}]
  })json";
  const auto family = parse_family(kModel, "grouped");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  const Inputs good{
      .parameters = {{"scale", 2}},
      .data = {{"observed", {{3}, {1, 2, 3}}}, {"group", {{3}, {0, 1, 1}}}, {"X", {{3, 2}, {1, 2, 3, 4, 5, 6}}}}};
  const auto message = [&](const auto& change) {
    Inputs inputs = good;
    change(inputs);
    const auto binding = bind(*family, inputs);
    return binding.ok() ? "" : binding.error().message;
  };
  CHECK(message([](Inputs&) {}).empty());
  CHECK(message([](Inputs& with) { with.parameters.clear(); }) == "parameter 'scale' is missing, it has no default");
  CHECK(message([](Inputs& with) { with.parameters["scael"] = 1; }) ==
        "there is no parameter 'scael'; there is scale; did you mean 'scale'?");
  CHECK(message([](Inputs& with) { with.dimensions["rows"] = 1; }) == "there is no dimension 'rows'; there are n, k");
  CHECK(message([](Inputs& with) { with.data["x"] = with.data["X"]; }) ==
        "there is no data 'x'; there are observed, group, X; did you mean 'X'?");
  CHECK(message([](Inputs& with) { with.data["observd"] = {}; }) ==
        "there is no data 'observd'; there are observed, group, X; did you mean 'observed'?");
  CHECK(message([](Inputs& with) { with.data.erase("X"); }) == "data 'X' of shape {n, k} is missing");
  CHECK(message([](Inputs& with) { with.data["observed"] = {{4}, {1, 2, 3, 4}}; }) ==
        "dimension 'n' is 4 long by data 'observed', but 3 by data 'group'");
  CHECK(message([](Inputs& with) { with.dimensions["n"] = 2; }) ==
        "dimension 'n' is 3 long by data 'observed', but 2 by the dimensions that are given");
  CHECK(message([](Inputs& with) { with.data["X"] = {{2, 3}, {1, 2, 3, 4, 5, 6}}; }) ==
        "dimension 'n' is 3 long by data 'observed', but 2 by data 'X'");
  CHECK(message([](Inputs& with) { with.data["X"] = {{6}, {1, 2, 3, 4, 5, 6}}; }) ==
        "data 'X' is of shape {6}, not of {n, k}");
  CHECK(message([](Inputs& with) { with.data["group"].values[2] = 2; }) ==
        "data 'group' holds 2 at {2}, no place in 'k', which are 0 to 1");
  CHECK(message([](Inputs& with) { with.data["X"].values[3] = NAN; }) ==
        "data 'X' holds NaN at {1, 1}, of which the family does not ask is_nan");
  CHECK(message([](Inputs& with) { with.data["X"].values[4] = -INFINITY; }) ==
        "data 'X' holds an infinite number at {2, 0}, of which the family does not ask is_infinity");
  // A family that asks whether an observation is missing may be given missing ones.
  CHECK(message([](Inputs& with) { with.data["observed"].values[0] = NAN; }).empty());
  CHECK(message([](Inputs& with) { with.data["observed"].values[0] = INFINITY; }) ==
        "data 'observed' holds an infinite number at {0}, of which the family does not ask is_infinity");
}

TEST_CASE("binding: a place that is written and is none is refused" * doctest::test_suite("truth")) {
  constexpr const char* kModel = R"json({
    "name": "places",
    "dimensions": [{"name": "k", "size": 2}, {"name": "n"}],
    "variables": [{"name": "theta", "shape": ["k"]}],
    "data": [{"name": "y", "shape": ["n"]}, {"name": "group", "shape": ["n"], "indexes_into": "k"}],
    "definitions": [{"name": "e", "index": "i", "over": "k", "expression": "2 * i"},
                    {"name": "unused", "expression": "y[0]"}],
    "terms": [{"expression": "e[0] - theta[1]^2"},
              {"index": "i", "over": "n", "expression": "-(y[i] - theta[group[0]])^2"}]
  })json";
  struct Wrong {
    const char* from;
    const char* to;
    const char* message;
    const char* path;
    int64_t line;
  };
  constexpr Wrong kWrong[] = {
      {"e[0]", "e[9]", "column 1: 'e[9]' is read at place 9 of 'k', which are 0 to 1", "/terms/0/expression", 8},
      {"theta[1]", "theta[2]", "column 8: 'theta[2]' is read at place 2 of 'k', which are 0 to 1",
       "/terms/0/expression", 8},
      {"y[0]", "y[5]", "column 1: 'y[5]' is read at place 5 of 'n', which are 0 to 2", "/definitions/1/expression", 7},
      {"group[0]", "group[3]", "column 16: 'group[3]' is read at place 3 of 'n', which are 0 to 2",
       "/terms/1/expression", 9},
      {"2 * i", "2 * i + 0 * theta[7]", "column 13: 'theta[7]' is read at place 7 of 'k', which are 0 to 1",
       "/definitions/0/expression", 6}};
  const auto family_with = [&](const std::string& from, const std::string& to) {
    std::string text = kModel;
    text.replace(text.find(from), from.size(), to);
    return parse_family(text, "places");
  };
  const Inputs inputs{.data = {{"y", {{3}, {1, 2, 3}}}, {"group", {{3}, {0, 1, 1}}}}};
  const auto good = family_with("e[0]", "e[1] + y[2]");
  REQUIRE_MESSAGE(good.ok(), (good.ok() ? "" : good.error().message));
  CHECK(bind(*good, inputs).ok());
  for (const Wrong& wrong : kWrong) {
    const auto family = family_with(wrong.from, wrong.to);
    REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
    const auto binding = bind(*family, inputs);
    REQUIRE_MESSAGE(!binding.ok(), wrong.to);
    CHECK(binding.error().code == ErrorCode::kInvalidArgument);
    CHECK(binding.error().message == wrong.message);
    REQUIRE(binding.error().details != nullptr);
    CHECK(binding.error().details->path == wrong.path);
    CHECK(binding.error().details->line == wrong.line);
  }
  // Where the dimension is longer there is such a place.
  Inputs longer = inputs;
  longer.dimensions["k"] = 10;
  CHECK(bind(*family_with("e[0]", "e[9]"), longer).ok());
  CHECK(bind(*family_with("e[0]", "e[10]"), longer).error().message ==
        "column 1: 'e[10]' is read at place 10 of 'k', which are 0 to 9");
}

TEST_CASE("family file: a place that an example lacks is said where it is written" * doctest::test_suite("truth")) {
  CHECK(problem("r[i] * x[i]", "r[2] * x[i]") ==
        "demo.json: /terms/0/expression: check: column 1: 'r[2]' is read at place 2 of 'n', which are 0 to 1 in the "
        "example");
  CHECK(place("r[i] * x[i]", "r[2] * x[i]") == "check 8 /terms/0/expression");
  CHECK(problem("r[i] * x[i]", "r[-1] * x[i]") ==
        "demo.json: /terms/0/expression: parse: column 3: expected a whole number, an index or data that holds "
        "indices, found '-'");
}

}  // namespace gpu_node::chain
