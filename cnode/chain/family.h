// A family of log densities, or a model with its data, as specs/README.md describes it: a JSON file that became a
// program.
//
// Errors of what is read here are "FILE: PATH: STAGE: reason": the path is a JSON pointer, the stage "parse" (the text
// is no JSON, or an expression no expression) or "check" (it says something that cannot be). Their details say the same
// and the line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chain/binding.h"

namespace gpu_node::chain {

inline constexpr size_t kMaxFamilyBytes = size_t{1} << 20;

// A point at which the log density and its gradient are known.
struct Example {
  Inputs inputs;                                     // beside the family's own
  std::map<std::string, std::vector<double>> point;  // unconstrained, by variable
  double logp = 0;
  std::map<std::string, std::vector<double>> gradient;
};

struct Family {
  std::string name;
  std::string description;
  Program program;
  Inputs defaults;  // data that comes with a model, lengths of dimensions
  std::optional<Example> example;
};

// An example computes so many numbers at most.
inline constexpr int64_t kMaxExampleElements = int64_t{1} << 22;

// |file| is what messages call the text. Mistakes are found in the order in which they are made: no JSON, keys and
// types, names, expressions, and an example that does not hold: its log density and gradient must be what the program
// gives, to 1e-9 of the greater of 1 and their size.
Result<Family> parse_family(std::string_view text, const std::string& file);
Result<Family> load_family(const std::string& path);

// |inputs| over the family's defaults.
Result<Binding> bind(const Family& family, const Inputs& inputs);

// |point| in the order of the program's coordinates.
Result<std::vector<double>> coordinates(const Program& program, const Binding& binding,
                                        const std::map<std::string, std::vector<double>>& point);

}  // namespace gpu_node::chain
