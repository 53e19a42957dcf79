// The instructions of run messages and programs. This is the hot path: an eager op costs one of these.
#include <limits>
#include <string>
#include <string_view>

#include "base/concat.h"
#include "service/atom_table.h"
#include "service/option_map.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr uint32_t kMaxResults = 64;
constexpr uint32_t kMaxStepOperands = 3;

const ir::Op* find_op(std::string_view name) {
  static const AtomTable<const ir::Op*> kOps = [] {
    AtomTable<const ir::Op*> table(ir::ops().size() + 1);
    for (const ir::Op& op : ir::ops()) table.add(op.name, &op);
    return table;
  }();
  const ir::Op* const* found = kOps.find(name);
  return found ? *found : nullptr;
}

const Dtype* find_type(std::string_view name) {
  static const AtomTable<Dtype> kTypes = [] {
    AtomTable<Dtype> table(kDtypeCount);
    for (int i = 0; i < kDtypeCount; ++i) table.add(dtype_name(static_cast<Dtype>(i)), static_cast<Dtype>(i));
    return table;
  }();
  return kTypes.find(name);
}

Result<void> read_results(Reader& reader, ir::Instruction& instruction) {
  uint32_t count = 0;
  const Reader before = reader;
  if (!reader.read_list(count, kMaxResults) || count == 0)
    return malformed(instruction.op->name, concat("a list of 1 to ", kMaxResults, " results"), before);
  instruction.results.resize(count);
  for (auto& [name, type] : instruction.results) {
    if (!reader.read_tuple_of(3) || !reader.read_int64(name))
      return malformed(instruction.op->name, "a result {Id, Type, Shape}", reader);
    GPU_TRY(read_dtype(reader, type.dtype));
    GPU_TRY(read_shape(reader, type.shape));
  }
  if (!reader.read_nil()) return malformed(instruction.op->name, "a proper list of results", reader);
  for (uint32_t i = 1; i < count; ++i)
    for (uint32_t k = 0; k < i; ++k)
      if (instruction.results[i].name == instruction.results[k].name)
        return Error{ErrorCode::kInvalidArgument,
                     concat(instruction.op->name, ": result ", instruction.results[i].name, " is given twice")};
  return {};
}

Result<void> read_number(Reader& reader, Scalar& scalar) {
  const bool integer = is_integer(scalar.dtype);
  int64_t signed_value = 0;
  uint64_t unsigned_value = 0;
  double real = 0;
  std::string_view name;
  if (reader.read_int64(signed_value)) {
    scalar.value = signed_value;
  } else if (reader.read_uint64(unsigned_value)) {
    scalar.value = unsigned_value;
  } else if (integer) {
    return malformed("literal", concat("an integer of 64 bits for ", dtype_name(scalar.dtype)), reader);
  } else if (reader.read_double(real)) {
    scalar.value = real;
  } else if (!reader.read_atom(name)) {
    return malformed("literal", "a number, nan, infinity or neg_infinity", reader);
  } else if (name == "nan") {
    scalar.value = std::numeric_limits<double>::quiet_NaN();
  } else if (name == "infinity") {
    scalar.value = std::numeric_limits<double>::infinity();
  } else if (name == "neg_infinity") {
    scalar.value = -std::numeric_limits<double>::infinity();
  } else {
    return Error{ErrorCode::kInvalidArgument, concat("literal: unknown value ", name)};
  }
  return {};
}

// A number, or {Real, Imaginary}.
Result<void> read_complex(Reader& reader, Scalar& scalar) {
  Reader ahead = reader;
  if (!ahead.read_tuple_of(2)) return read_number(reader, scalar);
  reader = ahead;
  double parts[2];
  for (double& part : parts) {
    Scalar read{component_type(scalar.dtype)};
    GPU_TRY(read_number(reader, read));
    part = std::get<double>(converted(read, read.dtype).value);
  }
  scalar.value = std::complex<double>(parts[0], parts[1]);
  return {};
}

Result<void> read_literal(Reader& reader, Scalar& scalar) {
  if (!reader.read_tuple_of(2)) return malformed("literal", "{Type, Number}", reader);
  GPU_TRY(read_dtype(reader, scalar.dtype));
  return is_complex(scalar.dtype) ? read_complex(reader, scalar) : read_number(reader, scalar);
}

Result<void> read_operands(Reader& reader, ir::Instruction& instruction) {
  SmallList<ir::Operand, 2>& operands = instruction.operands;
  uint32_t count = 0;
  if (!reader.read_list(count)) return malformed(instruction.op->name, "a list of operands", reader);
  if (count > kMaxOperands)
    return Error{ErrorCode::kInvalidArgument,
                 concat(instruction.op->name, ": ", count, " operands, the limit is ", kMaxOperands)};
  operands.reserve(count);
  for (uint32_t i = 0; i < count; ++i) GPU_TRY(read_operand(reader, operands.emplace_back()));
  if (count > 0 && !reader.read_nil()) return malformed(instruction.op->name, "a proper list of operands", reader);
  return {};
}

bool read_null(Reader& reader) {
  Reader ahead = reader;
  std::string_view name;
  if (!ahead.read_atom(name) || name != "nil") return false;
  reader = ahead;
  return true;
}

Result<void> read_value(const KeyedValue& value, ir::Axes& axes) {
  std::vector<int64_t> read;
  if (!value.reader.read_int64_list(read, kMaxRank))
    return value.wrong(concat("a list of at most ", kMaxRank, " axes, integers"));
  axes.clear();
  for (const int64_t axis : read) {
    if (axis < 0 || axis >= kMaxRank)
      return Error{ErrorCode::kInvalidArgument,
                   concat(value.what, ": ", value.key, ": axis ", axis, " is outside 0 to ", kMaxRank - 1)};
    axes.push_back(static_cast<uint8_t>(axis));
  }
  return {};
}

Result<void> read_value(const KeyedValue& value, int64_t& axis) { return value.integer(axis, 0, kMaxRank - 1); }

Result<void> read_value(const KeyedValue& value, ir::BodyNumber& body) { return value.integer(body.value, 0); }

Result<void> read_value(const KeyedValue& value, ir::Count& count) { return value.integer(count.value, 1); }

Result<void> read_value(const KeyedValue& value, double& number) { return value.real(number); }

Result<void> read_value(const KeyedValue& value, Dims& integers) {
  std::vector<int64_t> read;
  if (!value.reader.read_int64_list(read, kMaxRank))
    return value.wrong(concat("a list of at most ", kMaxRank, " integers"));
  integers.clear();
  for (const int64_t one : read) integers.push_back(one);
  return {};
}

// A list of at most kMaxRank elements, each of which |element| reads; |expected| is what the list is to be.
template <typename Element>
Result<void> read_list_value(const KeyedValue& value, std::string_view expected, const Element& element) {
  Reader ahead = value.reader;
  uint32_t count = 0;
  bool good = ahead.read_list(count, kMaxRank);
  for (uint32_t i = 0; good && i < count; ++i) good = element(ahead);
  if (!good || (count > 0 && !ahead.read_nil())) return value.wrong(expected);
  value.reader = ahead;
  return {};
}

Result<void> read_value(const KeyedValue& value, ir::Starts& starts) {
  starts.values.clear();
  const auto element = [&starts](Reader& reader) {
    int64_t start = 0;
    std::string_view name;
    const bool is_number = reader.read_int64(start);
    if (!is_number && (!reader.read_atom(name) || name != "operand")) return false;
    starts.values.push_back(is_number ? std::max(start, ir::Starts::kOperand + 1) : ir::Starts::kOperand);
    return true;
  };
  return read_list_value(value, concat("a list of at most ", kMaxRank, " integers or the atom operand"), element);
}

Result<void> read_value(const KeyedValue& value, ir::Padding& padding) {
  padding.clear();
  const auto element = [&padding](Reader& reader) {
    ir::Edges& edges = padding.emplace_back();
    uint32_t arity = 0;
    return reader.read_tuple(arity) && (arity == 2 || arity == 3) && reader.read_int64(edges.low) &&
           reader.read_int64(edges.high) && (arity == 2 || reader.read_int64(edges.interior));
  };
  return read_list_value(value, concat("a list of at most ", kMaxRank, " tuples {Low, High} or {Low, High, Interior}"),
                         element);
}

Result<void> read_value(const KeyedValue& value, bool& set) { return value.boolean(set); }

Result<void> read_value(const KeyedValue& value, ir::TieBreak& tie) {
  size_t place = 0;
  GPU_TRY(value.choice({"low", "high"}, place));
  tie = place == 1 ? ir::TieBreak::kHigh : ir::TieBreak::kLow;
  return {};
}

Result<void> read_value(const KeyedValue& value, ir::Direction& direction) {
  size_t place = 0;
  GPU_TRY(value.choice({"asc", "desc"}, place));
  direction = place == 1 ? ir::Direction::kDescending : ir::Direction::kAscending;
  return {};
}

Result<void> read_value(const KeyedValue& value, ir::TransformA& transform) {
  size_t place = 0;
  GPU_TRY(value.choice({"none", "transpose", "conjugate"}, place));
  transform = static_cast<ir::TransformA>(place);
  return {};
}

Result<void> read_value(const KeyedValue& value, ir::QrMode& mode) {
  size_t place = 0;
  GPU_TRY(value.choice({"reduced", "complete"}, place));
  mode = static_cast<ir::QrMode>(place);
  return {};
}

Result<void> read_value(const KeyedValue& value, Scalar& scalar) {
  Result<void> read = read_literal(value.reader, scalar);
  return read.ok() ? Result<void>() : with_context(std::move(read).error(), value.what);
}

// A step {Op, Type, Operands}.
Result<void> read_step(const KeyedValue& value, uint32_t number, ir::FunctionStep& step) {
  const auto within = [&](Error error) {
    return with_context(std::move(error), concat(value.what, ": step ", number));
  };
  Reader& reader = value.reader;
  std::string_view name;
  if (!reader.read_tuple_of(3) || !reader.read_atom(name))
    return within(malformed(value.key, "a step {Op, Type, Operands}", reader));
  step.op = find_op(name);
  if (step.op == nullptr) return within({ErrorCode::kUnsupported, concat("this node has no op ", name)});
  if (Result<void> read = read_dtype(reader, step.type); !read.ok()) return within(std::move(read).error());
  uint32_t count = 0;
  if (!reader.read_list(count, kMaxStepOperands))
    return within(malformed(value.key, concat("a list of at most ", kMaxStepOperands, " operands"), reader));
  for (uint32_t i = 0; i < count; ++i)
    if (Result<void> read = read_operand(reader, step.operands.emplace_back()); !read.ok())
      return within(std::move(read).error());
  if (count > 0 && !reader.read_nil()) return within(malformed(value.key, "a proper list of operands", reader));
  return {};
}

Result<void> read_value(const KeyedValue& value, ir::Function& function) {
  uint32_t count = 0;
  function.steps.clear();
  Reader ahead = value.reader;
  if (!ahead.read_list(count, ir::kMaxFunctionSteps) || count == 0)
    return value.wrong(concat("a list of 1 to ", ir::kMaxFunctionSteps, " steps {Op, Type, Operands}"));
  value.reader = ahead;
  for (uint32_t i = 0; i < count; ++i) GPU_TRY(read_step(value, i + 1, function.steps.emplace_back()));
  return value.reader.read_nil() ? Result<void>() : Result<void>(value.wrong("a proper list of steps"));
}

template <typename T>
Result<void> read_value(const KeyedValue& value, std::optional<T>& to) {
  if (read_null(value.reader)) {
    to.reset();
    return {};
  }
  return read_value(value, to.emplace());
}

Error unknown_attribute(const ir::Op& op, std::string_view key) {
  std::string known;
  for (const ir::AttributeRow& row : op.attributes) known += concat(known.empty() ? "" : ", ", row.name);
  return {ErrorCode::kInvalidArgument,
          concat(op.name, ": unknown attribute ", key, known.empty() ? "; it takes none" : "; it takes ", known)};
}

// What the row says must be given.
Result<void> check_given(const ir::Op& op, std::span<const std::string_view> given) {
  for (const ir::AttributeRow& row : op.attributes)
    if (row.default_value.empty() && std::find(given.begin(), given.end(), row.name) == given.end())
      return Error{ErrorCode::kInvalidArgument, concat(op.name, ": the attribute ", row.name, " is missing")};
  return {};
}

Result<void> read_attributes(Reader& reader, ir::Instruction& instruction) {
  const ir::Op& op = *instruction.op;
  ir::AttributeVariant* attributes = instruction.attributes.reset(op);
  SmallList<std::string_view, 8> given;
  GPU_TRY(read_each_key(reader, op.name, "attribute", [&](const KeyedValue& value) -> Result<void> {
    given.push_back(value.key);
    bool known = false;
    Result<void> read;
    const auto field = [&](std::string_view name, auto& to) {
      if (name != value.key) return;
      known = true;
      read = read_value(value, to);
    };
    if (attributes)
      std::visit([&](auto& fields) { std::remove_cvref_t<decltype(fields)>::visit(fields, field); }, *attributes);
    return known ? std::move(read) : unknown_attribute(op, value.key);
  }));
  return check_given(op, given.span());
}

}  // namespace

Result<void> read_dtype(Reader& reader, Dtype& dtype) {
  std::string_view name;
  if (!reader.read_atom(name)) return malformed("type", "an atom such as f32", reader);
  const Dtype* found = find_type(name);
  if (!found) return Error{ErrorCode::kInvalidArgument, concat("unknown type ", name)};
  dtype = *found;
  return {};
}

Result<void> read_shape(Reader& reader, Shape& shape) {
  uint32_t rank = 0;
  if (!reader.read_tuple(rank)) return malformed("shape", "a tuple", reader);
  if (rank > kMaxRank)
    return Error{ErrorCode::kInvalidArgument, concat("a shape of ", rank, " dimensions, the limit is ", kMaxRank)};
  shape.clear();
  for (uint32_t i = 0; i < rank; ++i) {
    int64_t dimension = 0;
    if (!reader.read_int64(dimension)) return malformed("shape", "a dimension of at least 0", reader);
    shape.push_back(dimension);
  }
  GPU_TRY(checked_element_count(shape));
  return {};
}

Result<void> read_operand(Reader& reader, ir::Operand& operand) {
  ir::ValueName name = 0;
  if (reader.read_int64(name)) {
    operand = name;
    return {};
  }
  return read_literal(reader, operand.emplace<Scalar>());
}

Result<void> read_instruction(Reader& reader, std::string_view name, uint32_t arity, ir::Instruction& instruction) {
  const ir::Op* op = find_op(name);
  if (!op) return Error{ErrorCode::kUnsupported, concat("this node has no op ", name)};
  if (arity != 4)
    return Error{
        ErrorCode::kInvalidArgument,
        concat(name, ": expected {Op, Results, Operands, Attributes}, got a tuple of ", counted(arity, "element"))};
  instruction.op = op;
  instruction.results.clear();
  instruction.operands.clear();
  GPU_TRY(read_results(reader, instruction));
  GPU_TRY(read_operands(reader, instruction));
  return read_attributes(reader, instruction);
}

Result<Dtype> decode_dtype(Reader& reader) {
  Dtype dtype = Dtype::f32;
  GPU_TRY(read_dtype(reader, dtype));
  return dtype;
}

Result<Shape> decode_shape(Reader& reader) {
  Shape shape;
  GPU_TRY(read_shape(reader, shape));
  return shape;
}

}  // namespace gpu_node::service
