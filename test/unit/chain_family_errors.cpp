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
  const auto checked = check_example(*family);
  CHECK_MESSAGE(checked.ok(), (checked.ok() ? "" : checked.error().message));
}

TEST_CASE("family file: no JSON") {
  CHECK(problem("\"name\": \"demo\",", "\"name\": \"demo\"")
            .starts_with("demo.json: /: parse: [json.exception.parse_error"));
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
  CHECK(place("\"description\": \"\",", "") == "check 1 /");
}

TEST_CASE("family file: keys and types") {
  CHECK(problem("\"description\": \"\",", "") == "demo.json: /: check: the key 'description' is missing");
  CHECK(problem("\"description\": \"\"", "\"description\": \"\", \"density\": 1") ==
        "demo.json: /: check: unknown key 'density'");
  CHECK(problem("\"default\": 0", "\"value\": 0") == "demo.json: /parameters/0: check: unknown key 'value'");
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
        "demo.json: /parameters/0/support: check: there is no support 'integer'");
  CHECK(problem("\"support\": \"real\"", "\"support\": \"positive\"") ==
        "demo.json: /parameters/0/default: check: not positive");
  CHECK(problem("\"transform\": \"exp\"", "\"transform\": \"cube\"") ==
        "demo.json: /variables/0/transform: check: there is no transform 'cube'");
  CHECK(problem("\"transform\": \"exp\"", "\"transform\": \"sigmoid\"") ==
        "demo.json: /variables/0/transform: check: sigmoid does not map onto positive");
  CHECK(problem("\"shape\": [\"n\"]", "\"shape\": [\"m\"]") ==
        "demo.json: /variables/0/shape/0: check: there is no dimension 'm'");
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
        "demo.json: /example: check: there is no parameter 'nu'; there are 'mu'");
  CHECK(problem("{\"unconstrained\"", "{\"dimensions\": {\"n\": 3}, \"unconstrained\"") ==
        "demo.json: /example: check: dimension 'n' is 2 long, but 3 by what is given");
  CHECK(problem(", \"values\": [1, 2]", "") == "demo.json: /example: check: data 'y' is not given");
  CHECK(problem("[1, 2]", "[[1, 2]]") == "demo.json: /example: check: data 'y' has rank 2, declared is 1");
  // A wrong number is no error of the file: it is for the test of the example to find.
  std::string text = kGood;
  text.replace(text.find("\"logp\": 3"), 9, "\"logp\": 4");
  const auto family = parse_family(text, "demo.json");
  REQUIRE(family.ok());
  const auto checked = check_example(*family);
  REQUIRE(!checked.ok());
  CHECK(checked.error().message == "demo: /example: check: logp is 3.000000, the file says 4.000000");
}

TEST_CASE("family file: one that is not there") {
  const auto family = load_family("/nowhere/family.json");
  REQUIRE(!family.ok());
  CHECK(family.error().code == ErrorCode::kNotFound);
}

TEST_CASE("binding: supports and places are checked when a family is used") {
  const auto family = parse_family(kGood, "demo.json");
  REQUIRE(family.ok());
  const auto message = [&](const Inputs& inputs) {
    const auto binding = bind(*family, inputs);
    return binding.ok() ? "" : binding.error().message;
  };
  CHECK(message({}).empty());
  CHECK(message({.data = {{"y", {{3}, {1, 2, 3}}}}}).empty());
  CHECK(message({.data = {{"y", {{3}, {1, 2}}}}}) == "data 'y' has 2 numbers, its shape says 3");
  CHECK(message({.data = {{"z", {{1}, {1}}}}}) == "there is no data 'z'; there are 'y'");
  CHECK(message({.dimensions = {{"m", 2}}}) == "there is no dimension 'm'; there are 'n'");
  CHECK(message({.data = {{"y", {{0}, {}}}}}) == "data 'y' has a dimension that is empty or too long");
  CHECK(message({.data = {{"y", {{1}, {INFINITY}}}}}) == "data 'y' holds a number that is not finite");
  CHECK(message({.parameters = {{"mu", NAN}}}).starts_with("parameter 'mu' is nan, not real"));
}

}  // namespace gpu_node::chain
