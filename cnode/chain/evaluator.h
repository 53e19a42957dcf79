// The oracle: a program in double, one value after the other, each for all places of its free indices at once.
#pragma once

#include <span>
#include <vector>

#include "chain/binding.h"

namespace gpu_node::chain {

inline constexpr int64_t kMaxElements = int64_t{1} << 26;  // of all values together

struct Density {
  double logp = 0;
  std::vector<double> gradient;  // with respect to the unconstrained coordinates
};

class Evaluator {
 public:
  // What does not vary with the coordinates is computed here, once. Keeps references to both. An error where the values
  // have more than |most| elements, or data is read outside of itself.
  static Result<Evaluator> make(const Program& program, const Binding& binding, int64_t most = kMaxElements);

  size_t coordinates() const { return static_cast<size_t>(offsets_.back()); }

  // REQUIRES: |position| has coordinates() numbers.
  Density evaluate(std::span<const double> position);
  // The two halves of the same: all values, then one that has no free indices.
  void compute(std::span<const double> position);
  double value(ValueId id) const { return numbers_[id][0]; }

 private:
  friend Result<std::vector<std::vector<double>>> fixed_values(const Program& program, const Binding& binding,
                                                               std::span<const ValueId> ids);
  Evaluator(const Program& program, const Binding& binding);
  // Makes room for the values in |wanted|, of |most| elements, and computes those that do not vary.
  Result<void> prepare(const std::vector<bool>& wanted, int64_t most);
  bool compute(ValueId id, std::span<const double> position);
  // False where there is no such place.
  bool read(ValueId id, std::span<const double> source, std::span<const int64_t> sizes);
  std::string outside(ValueId id) const;
  void apply(ValueId id);
  void sum(ValueId id);

  // Calls |visit| with the positions in the |operands| for each element over |indices|, in order.
  template <typename Visit>
  void for_each(const std::vector<IndexId>& indices, std::span<const ValueId> operands, Visit visit) const;
  int64_t size_of(IndexId index) const { return binding_->dimensions[program_->indices[index].dimension]; }
  std::vector<IndexId> free_indices(ValueId id) const;

  const Program* program_;
  const Binding* binding_;
  std::vector<int64_t> offsets_;
  std::vector<std::vector<double>> numbers_;
};

// The numbers of each of |ids|, none of which varies with the coordinates, in row-major order of its free indices.
// Checks too that coordinates are read at places that there are.
Result<std::vector<std::vector<double>>> fixed_values(const Program& program, const Binding& binding,
                                                      std::span<const ValueId> ids);

// The numbers of uniforms(program), in their order.
Result<std::vector<double>> uniform_values(const Program& program, const Binding& binding);

}  // namespace gpu_node::chain
