// From the trees of a model to values of a graph: names and arities are checked here. Private to this folder.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "chain/graph.h"
#include "chain/model.h"

namespace gpu_node::chain {

class Elaborator {
 public:
  Elaborator(Graph& graph, const Model& model) : graph_(graph), model_(model) {}

  // The value of the definition number |i| for a place of its own, to find its errors.
  Result<ValueId> definition(size_t i);
  // The value of the term number |i|, summed over its loop.
  Result<ValueId> term(size_t i);
  // Summed over the places of |variable|. REQUIRES another transform than the identity.
  ValueId log_jacobian(uint16_t variable);
  // Of all that was elaborated, whether it is a part of the density or not.
  std::vector<FixedPlace> places() const;

 private:
  // An index name and the place that it stands for.
  struct Bound {
    std::string name;
    ValueId place;
    uint16_t dimension;
  };
  // What an expression sees.
  struct Scope {
    std::vector<Bound> bound;
    IndexSet active = 0;     // indices that the places in |bound| vary over
    size_t definitions = 0;  // those before this one
  };
  struct Place {
    ValueId value;
    std::optional<uint16_t> dimension;  // unset: a whole number fits every dimension
  };

  Result<ValueId> evaluate(const Expression& expression, uint32_t id, const Scope& scope);
  // Of a node that is no operator of a line.
  Result<ValueId> single(const Expression& expression, uint32_t id, const Scope& scope);
  Result<ValueId> call(const Expression& expression, uint32_t id, const Scope& scope);
  Result<ValueId> sum(const Expression& expression, uint32_t id, const Scope& scope);
  Result<ValueId> reference(const Expression& expression, uint32_t id, const Scope& scope);
  Result<std::vector<ValueId>> places(const Expression& expression, uint32_t id, std::vector<uint16_t> dimensions,
                                      const Scope& scope);
  Result<Place> place(const Expression& expression, uint32_t id, const Scope& scope);
  Result<ValueId> defined(size_t i, ValueId place);
  // The whole number |place| stands in the brackets of the node |id|.
  void note_place(const Expression& expression, uint32_t id, uint16_t dimension, double place);

  // The dimension that |index| runs over, from the first place below |id| where it stands in brackets.
  std::optional<uint16_t> inferred_dimension(const Expression& expression, uint32_t id, const std::string& index,
                                             const Scope& scope) const;
  std::optional<std::vector<uint16_t>> dimensions_of(const std::string& name, const Scope& scope) const;
  // What an expression may call things by, for messages.
  std::vector<std::string> names_in(const Scope& scope) const;
  ValueId constrained(uint16_t variable, ValueId place);
  ValueId log_sum_exp(const std::vector<ValueId>& terms);

  Graph& graph_;
  const Model& model_;
  std::map<std::pair<size_t, ValueId>, ValueId> known_;  // definitions by their place
  std::map<uint16_t, FixedPlace> greatest_;              // by dimension
  size_t evaluated_ = 0;                                 // nodes
};

}  // namespace gpu_node::chain
