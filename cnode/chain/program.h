// A log density and its gradient as one scalar program: what the leapfrog skeleton runs and what the evaluator here
// computes in double. A family file becomes one, and so may anything else that can build a Graph.
//
// Values stand in an order in which operands come first. The program is a function of the unconstrained coordinates:
// variables in order, each as many numbers as its dimension is long. The log density contains the logarithm of the
// Jacobian of the transforms.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "chain/graph.h"

namespace gpu_node::chain {

enum class Support : uint8_t { kReal, kPositive, kUnitInterval };
enum class Transform : uint8_t { kIdentity, kExp, kSoftplus, kSigmoid };

// The wire and file spellings: "real", "positive", "unit_interval"; "identity", "exp", "softplus", "sigmoid".
std::string_view name_of(Support support);
std::string_view name_of(Transform transform);
std::optional<Support> find_support(std::string_view name);
std::optional<Transform> find_transform(std::string_view name);

std::vector<std::string> support_names();
std::vector<std::string> transform_names();

// Whether |transform| maps the real line onto |support|, and the one that a variable has where nothing is said.
bool maps_onto(Transform transform, Support support);
Transform default_transform(Support support);
bool contains(Support support, double value);

struct Dimension {
  std::string name;
};

// A hyper-parameter: one number, given for each run.
struct Parameter {
  std::string name;
  Support support = Support::kReal;
  std::optional<double> default_value;
};

// What is sampled.
struct Variable {
  std::string name;
  std::optional<uint16_t> dimension;
  Support support = Support::kReal;
  Transform transform = Transform::kIdentity;
};

// What was observed, in row-major order.
struct Data {
  std::string name;
  std::vector<uint16_t> dimensions;      // none: one number
  std::optional<uint16_t> indexes_into;  // holds places of this dimension, counted from 0
};

struct Symbols {
  std::vector<Dimension> dimensions;
  std::vector<Parameter> parameters;
  std::vector<Variable> variables;
  std::vector<Data> data;
};

// The greatest whole number that stands in brackets for a place of |dimension|. Whether there is such a place is seen
// when the dimension has its length.
struct FixedPlace {
  uint16_t dimension = 0;
  int64_t place = 0;
  std::string text;  // what is read there: "e[9]"
  std::string path;  // of the expression, a JSON pointer into the family
  int64_t line = 0;  // of the family's text, where that is known
  uint32_t column = 1;
};

struct Terms;

struct Program {
  Symbols symbols;
  std::vector<Index> indices;
  std::vector<Value> values;
  ValueId logp = 0;
  // Per variable the derivative of the log density; varies over index number 0 of the variable's dimension, or nothing.
  std::vector<ValueId> gradient;
  std::vector<FixedPlace> places;      // one for a dimension at most; of a family, as the terms
  std::shared_ptr<const Terms> terms;  // of a family's log density; nothing where it has none
};

// The summands of a log density by themselves, for people who ask which of them is not finite.
struct Terms {
  Program program;  // of all of them; its log density is none
  std::vector<std::string> names;
  std::vector<ValueId> values;
};

// |values|, which are of |graph|, called |names|. They are as the graph has them before it is differentiated.
std::shared_ptr<const Terms> make_terms(const Symbols& symbols, const Graph& graph, std::vector<std::string> names,
                                        std::vector<ValueId> values);

// The program for |logp|, a value of |graph| without free indices: differentiates it and keeps what is needed.
// kUnsupported where a derivative does not exist here (of digamma).
Result<Program> make_program(Symbols symbols, Graph graph, ValueId logp);

// Whether a program is well formed: order, operand counts, symbols, places, free indices, results. compile() asserts it
// in debug builds; programs from elsewhere are for tests.
Result<void> validate(const Program& program);

// The values, constants apart, that neither vary with the coordinates nor over an index and are needed by one that
// does, or are results: a skeleton computes them once on the host, in double, and passes them in.
std::vector<ValueId> uniforms(const Program& program);

// One line per value, "%3 = multiply %1 %2", for people and tests.
std::string text_of(const Program& program);

}  // namespace gpu_node::chain
