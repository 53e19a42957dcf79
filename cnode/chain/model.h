// A log density as it is written: named symbols, definitions and terms. The step between a file and a Program.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chain/expression.h"
#include "chain/program.h"

namespace gpu_node::chain {

inline constexpr size_t kMaxSymbols = 64;  // of each sort, and of definitions and terms

// An index that stands for every place of a dimension.
struct Loop {
  std::string index;
  uint16_t dimension = 0;
};

// A name for an expression over parameters, variables, data and earlier definitions; name[i] where it has a loop.
struct Definition {
  std::string name;
  std::optional<Loop> loop;
  Expression expression;
};

// A summand of the log density; with a loop, one for every place.
struct Term {
  std::optional<Loop> loop;
  Expression expression;
};

struct Model {
  Symbols symbols;
  std::vector<Definition> definitions;
  std::vector<Term> terms;
};

// Where in a model an error lies: "/definitions/2/expression", in the manner of JSON pointers.
struct ModelError {
  std::string path;
  Error error;
};
std::string expression_path(const char* folder, size_t i);

// Whether names differ, are names, and hide nothing that the language means by them. Expressions are not looked at.
std::optional<ModelError> check_names(const Model& model);

// The unconstrained log density of |model|: its terms at the transformed coordinates, and the logarithm of the
// Jacobian of each transform.
std::variant<Program, ModelError> compile(const Model& model, Graph::Simplify simplify = Graph::Simplify::kYes);

}  // namespace gpu_node::chain
