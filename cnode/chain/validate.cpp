// What every finished program keeps to, so that an evaluator or a kernel need not look.
#include <cmath>

#include "base/concat.h"
#include "chain/program.h"

namespace gpu_node::chain {
namespace {

class Validator {
 public:
  explicit Validator(const Program& program) : program_(program), symbols_(program.symbols) {}

  Result<void> run() {
    GPU_TRY(check_symbols());
    if (program_.values.size() > kMaxValues) return wrong(concat("more than ", kMaxValues, " values"));
    for (ValueId id = 0; id < program_.values.size(); ++id) {
      auto checked = check_value(id);
      if (!checked.ok()) return with_context(std::move(checked).error(), concat("value ", id));
    }
    return check_results();
  }

 private:
  static Error wrong(const std::string& what) { return {ErrorCode::kInvalidArgument, what}; }

  bool is_dimension(size_t id) const { return id < symbols_.dimensions.size(); }

  Result<void> check_symbols() const {
    for (const Variable& variable : symbols_.variables) {
      if (variable.dimension && !is_dimension(*variable.dimension))
        return wrong("variable '" + variable.name + "' has a dimension that is none");
      if (!maps_onto(variable.transform, variable.support))
        return wrong("variable '" + variable.name + "' has a transform that does not map onto its support");
    }
    for (const Data& data : symbols_.data) {
      if (data.dimensions.size() > kMaxOperands) return wrong("data '" + data.name + "' has too many dimensions");
      for (const uint16_t dimension : data.dimensions)
        if (!is_dimension(dimension)) return wrong("data '" + data.name + "' has a dimension that is none");
      if (data.indexes_into && !is_dimension(*data.indexes_into))
        return wrong("data '" + data.name + "' holds places of a dimension that is none");
    }
    if (program_.indices.size() > kMaxIndices) return wrong(concat("more than ", kMaxIndices, " indices"));
    for (size_t i = 0; i < program_.indices.size(); ++i) {
      const Index& index = program_.indices[i];
      if (!is_dimension(index.dimension)) return wrong("an index runs over a dimension that is none");
      for (size_t k = 0; k < i; ++k)
        if (program_.indices[k].dimension == index.dimension && program_.indices[k].number == index.number)
          return wrong("two indices are the same");
    }
    return {};
  }

  // How many operands, and below what the symbol must be.
  Result<void> check_form(const Value& value) const {
    size_t operands = 0;
    size_t limit = 1;
    switch (value.kind) {
      case ValueKind::kConstant:
        break;
      case ValueKind::kParameter:
        limit = symbols_.parameters.size();
        break;
      case ValueKind::kCoordinate:
        limit = symbols_.variables.size();
        if (value.symbol < limit) operands = symbols_.variables[value.symbol].dimension ? 1 : 0;
        break;
      case ValueKind::kData:
        limit = symbols_.data.size();
        if (value.symbol < limit) operands = symbols_.data[value.symbol].dimensions.size();
        break;
      case ValueKind::kIndex:
        limit = program_.indices.size();
        break;
      case ValueKind::kSize:
        limit = symbols_.dimensions.size();
        break;
      case ValueKind::kApply:
        if (static_cast<size_t>(value.op) >= scalar_ops().size()) return wrong("an op that is none");
        operands = static_cast<size_t>(operand_count(value.op));
        break;
      case ValueKind::kSum:
        limit = program_.indices.size();
        operands = 1;
        break;
      default:
        return wrong("a kind that finished programs do not have");
    }
    if (value.symbol >= limit) return wrong(concat("symbol ", value.symbol, " is none"));
    if (value.operand_count != operands)
      return wrong(concat("has ", counted(value.operand_count, "operand"), ", not ", operands));
    return {};
  }

  // That |place| is one of |dimension|: an index over it, a whole number, or data that holds such places.
  Result<void> check_place(ValueId place, uint16_t dimension) const {
    const Value& value = program_.values[place];
    const bool fits =
        (value.kind == ValueKind::kIndex && program_.indices[value.symbol].dimension == dimension) ||
        (value.kind == ValueKind::kConstant && value.number >= 0 && value.number == std::floor(value.number)) ||
        (value.kind == ValueKind::kData && symbols_.data[value.symbol].indexes_into == dimension);
    if (!fits) return wrong(concat("value ", place, " is no place in '", symbols_.dimensions[dimension].name, "'"));
    return {};
  }

  Result<void> check_value(ValueId id) const {
    const Value& value = program_.values[id];
    GPU_TRY(check_form(value));
    IndexSet free = value.kind == ValueKind::kIndex ? index_bit(value.symbol) : 0;
    bool varies = value.kind == ValueKind::kCoordinate;
    for (const ValueId operand : value.operand_list()) {
      if (operand >= id) return wrong(concat("operand ", operand, " does not come before it"));
      free |= program_.values[operand].free;
      varies = varies || program_.values[operand].varies;
    }
    if (value.kind == ValueKind::kSum) free &= ~index_bit(value.symbol);
    if (value.free != free) return wrong("its free indices are not those of its operands");
    if (value.varies != varies) return wrong("says wrongly whether it varies with the coordinates");
    if (value.kind == ValueKind::kCoordinate && value.operand_count == 1)
      return check_place(value.operands[0], *symbols_.variables[value.symbol].dimension);
    for (size_t k = 0; value.kind == ValueKind::kData && k < value.operand_count; ++k)
      GPU_TRY(check_place(value.operands[k], symbols_.data[value.symbol].dimensions[k]));
    return {};
  }

  Result<void> check_results() const {
    if (symbols_.variables.empty()) return wrong("no variables");
    if (program_.logp >= program_.values.size()) return wrong("the log density is no value");
    if (program_.values[program_.logp].free != 0) return wrong("the log density varies over an index");
    if (program_.gradient.size() != symbols_.variables.size()) return wrong("not one derivative for each variable");
    for (size_t i = 0; i < program_.gradient.size(); ++i) {
      const std::string name = "the derivative to '" + symbols_.variables[i].name + "' ";
      if (program_.gradient[i] >= program_.values.size()) return wrong(name + "is no value");
      IndexSet own = 0;
      for (size_t k = 0; k < program_.indices.size(); ++k)
        if (program_.indices[k].number == 0 && symbols_.variables[i].dimension == program_.indices[k].dimension)
          own = index_bit(k);
      if ((program_.values[program_.gradient[i]].free & ~own) != 0) return wrong(name + "varies over a foreign index");
    }
    return {};
  }

  const Program& program_;
  const Symbols& symbols_;
};

}  // namespace

Result<void> validate(const Program& program) { return Validator(program).run(); }

}  // namespace gpu_node::chain
