#include "chain/evaluator.h"

#include <array>
#include <cmath>

#include "base/concat.h"

namespace gpu_node::chain {
namespace {

// Neumaier's sum: the oracle's error must not grow with the number of observations.
class Accumulator {
 public:
  void add(double x) {
    const double next = sum_ + x;
    if (std::isfinite(next)) lost_ += std::fabs(sum_) >= std::fabs(x) ? (sum_ - next) + x : (x - next) + sum_;
    sum_ = next;
  }
  double total() const { return std::isfinite(sum_) ? sum_ + lost_ : sum_; }

 private:
  double sum_ = 0;
  double lost_ = 0;
};

}  // namespace

Evaluator::Evaluator(const Program& program, const Binding& binding)
    : program_(&program),
      binding_(&binding),
      offsets_(coordinate_offsets(program, binding)),
      numbers_(program.values.size()) {}

Result<Evaluator> Evaluator::make(const Program& program, const Binding& binding, int64_t most) {
  Evaluator evaluator(program, binding);
  GPU_TRY(evaluator.prepare(std::vector<bool>(program.values.size(), true), most));
  return evaluator;
}

std::vector<IndexId> Evaluator::free_indices(ValueId id) const {
  std::vector<IndexId> list;
  for (size_t i = 0; i < program_->indices.size(); ++i)
    if ((program_->values[id].free & index_bit(i)) != 0) list.push_back(static_cast<IndexId>(i));
  return list;
}

Result<void> Evaluator::prepare(const std::vector<bool>& wanted, int64_t most) {
  int64_t total = 0;
  for (ValueId id = 0; id < numbers_.size(); ++id) {
    if (!wanted[id]) continue;
    const Value& value = program_->values[id];
    int64_t count = 1;
    for (const IndexId index : free_indices(id)) {
      count *= size_of(index);
      if (count > most) break;
    }
    total += count;
    if (total > most)
      return Error{ErrorCode::kUnsupported,
                   concat("the values have more than ", most, " elements together, ", count, " the last one")};
    numbers_[id].resize(static_cast<size_t>(count));
    // Coordinates are read once here as well, at zero, because only data decides at which places.
    const std::vector<double> zeros(value.kind == ValueKind::kCoordinate ? offsets_.back() : 0);
    if ((!value.varies || value.kind == ValueKind::kCoordinate) && !compute(id, zeros))
      return Error{ErrorCode::kInvalidArgument, outside(id)};
  }
  return {};
}

Result<std::vector<std::vector<double>>> fixed_values(const Program& program, const Binding& binding,
                                                      std::span<const ValueId> ids) {
  std::vector<bool> wanted(program.values.size());
  for (const ValueId id : ids) wanted[id] = true;
  for (ValueId id = 0; id < wanted.size(); ++id)
    if (program.values[id].kind == ValueKind::kCoordinate && program.values[id].operand_count > 0 &&
        program.values[program.values[id].operands[0]].kind != ValueKind::kIndex)
      wanted[id] = true;
  for (size_t id = wanted.size(); id-- > 0;)
    if (wanted[id])
      for (const ValueId operand : program.values[id].operand_list()) wanted[operand] = true;
  Evaluator evaluator(program, binding);
  GPU_TRY(evaluator.prepare(wanted, kMaxElements));
  std::vector<std::vector<double>> values;
  values.reserve(ids.size());
  for (const ValueId id : ids) values.push_back(evaluator.numbers_[id]);
  return values;
}

Result<std::vector<double>> uniform_values(const Program& program, const Binding& binding) {
  GPU_ASSIGN(const auto numbers, fixed_values(program, binding, uniforms(program)));
  std::vector<double> values;
  values.reserve(numbers.size());
  for (const std::vector<double>& one : numbers) values.push_back(one[0]);
  return values;
}

void Evaluator::compute(std::span<const double> position) {
  for (ValueId id = 0; id < numbers_.size(); ++id)
    if (program_->values[id].varies) compute(id, position);
}

Density Evaluator::evaluate(std::span<const double> position) {
  compute(position);
  Density density{.logp = numbers_[program_->logp][0]};
  for (size_t i = 0; i < program_->gradient.size(); ++i) {
    const std::vector<double>& derivative = numbers_[program_->gradient[i]];
    const bool each = program_->values[program_->gradient[i]].free != 0;
    for (int64_t k = 0; k < offsets_[i + 1] - offsets_[i]; ++k) density.gradient.push_back(derivative[each ? k : 0]);
  }
  return density;
}

bool Evaluator::compute(ValueId id, std::span<const double> position) {
  const Value& value = program_->values[id];
  switch (value.kind) {
    case ValueKind::kConstant:
      numbers_[id][0] = value.number;
      return true;
    case ValueKind::kParameter:
      numbers_[id][0] = binding_->parameters[value.symbol];
      return true;
    case ValueKind::kSize:
      numbers_[id][0] = static_cast<double>(binding_->dimensions[value.symbol]);
      return true;
    case ValueKind::kIndex:
      for (size_t i = 0; i < numbers_[id].size(); ++i) numbers_[id][i] = static_cast<double>(i);
      return true;
    case ValueKind::kCoordinate: {
      const auto length = offsets_[value.symbol + 1] - offsets_[value.symbol];
      return read(id, position.subspan(offsets_[value.symbol], length), std::array{length});
    }
    case ValueKind::kData: {
      std::vector<int64_t> sizes;
      for (const uint16_t dimension : program_->symbols.data[value.symbol].dimensions)
        sizes.push_back(binding_->dimensions[dimension]);
      return read(id, binding_->data[value.symbol], sizes);
    }
    case ValueKind::kSum:
      sum(id);
      return true;
    default:
      apply(id);
      return true;
  }
}

template <typename Visit>
void Evaluator::for_each(const std::vector<IndexId>& indices, std::span<const ValueId> operands, Visit visit) const {
  const size_t rank = indices.size();
  std::vector<std::array<int64_t, kMaxOperands>> strides(rank);
  for (size_t k = 0; k < operands.size(); ++k) {
    int64_t stride = 1;
    for (size_t axis = rank; axis-- > 0;)
      if ((program_->values[operands[k]].free & index_bit(indices[axis])) != 0) {
        strides[axis][k] = stride;
        stride *= size_of(indices[axis]);
      }
  }
  std::vector<int64_t> at(rank, 0);
  std::array<int64_t, kMaxOperands> positions{};
  for (;;) {
    visit(positions);
    size_t axis = rank;
    while (axis > 0) {
      --axis;
      for (size_t k = 0; k < operands.size(); ++k) positions[k] += strides[axis][k];
      if (++at[axis] < size_of(indices[axis])) break;
      for (size_t k = 0; k < operands.size(); ++k) positions[k] -= at[axis] * strides[axis][k];
      at[axis] = 0;
      if (axis == 0) return;
    }
    if (rank == 0) return;
  }
}

bool Evaluator::read(ValueId id, std::span<const double> source, std::span<const int64_t> sizes) {
  const Value& value = program_->values[id];
  size_t element = 0;
  bool inside = true;
  for_each(free_indices(id), value.operand_list(), [&](const auto& positions) {
    int64_t place = 0;
    for (size_t k = 0; k < value.operand_count; ++k) {
      const double at = numbers_[value.operands[k]][positions[k]];
      inside = inside && at >= 0 && at < static_cast<double>(sizes[k]) && at == std::floor(at);
      place = place * sizes[k] + (inside ? static_cast<int64_t>(at) : 0);
    }
    numbers_[id][element++] = inside ? source[place] : 0;
  });
  return inside;
}

// A family's places are checked when it is bound, so this is about programs from elsewhere.
std::string Evaluator::outside(ValueId id) const {
  const Value& value = program_->values[id];
  const Symbols& symbols = program_->symbols;
  if (value.kind == ValueKind::kCoordinate)
    return "variable '" + symbols.variables[value.symbol].name + "' is read outside of its dimension";
  return "data '" + symbols.data[value.symbol].name + "' is read outside of its dimensions";
}

void Evaluator::apply(ValueId id) {
  const Value& value = program_->values[id];
  size_t element = 0;
  for_each(free_indices(id), value.operand_list(), [&](const auto& positions) {
    double operands[kMaxOperands] = {};
    for (size_t k = 0; k < value.operand_count; ++k) operands[k] = numbers_[value.operands[k]][positions[k]];
    numbers_[id][element++] = chain::evaluate(value.op, operands);
  });
}

void Evaluator::sum(ValueId id) {
  const Value& value = program_->values[id];
  const ValueId body = value.operands[0];
  std::vector<IndexId> indices;
  for (size_t i = 0; i < program_->indices.size(); ++i)
    if (((program_->values[body].free | index_bit(value.symbol)) & index_bit(i)) != 0)
      indices.push_back(static_cast<IndexId>(i));
  std::vector<Accumulator> totals(numbers_[id].size());
  for_each(indices, std::array{body, id},
           [&](const auto& positions) { totals[positions[1]].add(numbers_[body][positions[0]]); });
  for (size_t i = 0; i < totals.size(); ++i) numbers_[id][i] = totals[i].total();
}

}  // namespace gpu_node::chain
