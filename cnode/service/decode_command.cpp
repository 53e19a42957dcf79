// The commands of a run message. This is the hot path: an eager op costs one of these.
#include <limits>
#include <string>
#include <string_view>

#include "ir/op.h"
#include "service/atom_table.h"
#include "service/decode_parts.h"

namespace gpu_node::service {
namespace {

using etf::Reader;

constexpr uint32_t kMaxResults = 16;
constexpr uint32_t kMaxOperands = 64;
constexpr uint32_t kMaxFreed = 1u << 20;

Error bad(std::string_view what, std::string_view expected, const Reader& reader) {
  return {ErrorCode::kInvalidArgument,
          std::string(what) + ": expected " + std::string(expected) + ", got " + term_kind_text(reader)};
}

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

Result<void> read_type(Reader& reader, Dtype& dtype) {
  std::string_view name;
  if (!reader.read_atom(name)) return bad("type", "an atom such as f32", reader);
  const Dtype* found = find_type(name);
  if (!found) return Error{ErrorCode::kInvalidArgument, "unknown type " + std::string(name)};
  dtype = *found;
  return {};
}

Result<void> read_shape(Reader& reader, Shape& shape) {
  uint32_t rank = 0;
  if (!reader.read_tuple(rank)) return bad("shape", "a tuple", reader);
  if (rank > kMaxRank)
    return Error{ErrorCode::kInvalidArgument,
                 "a shape of " + std::to_string(rank) + " dimensions, the limit is " + std::to_string(kMaxRank)};
  shape.clear();
  for (uint32_t i = 0; i < rank; ++i) {
    int64_t dimension = 0;
    if (!reader.read_int64(dimension)) return bad("shape", "a dimension >= 0", reader);
    shape.push_back(dimension);
  }
  GPU_TRY(checked_element_count(shape));
  return {};
}

Result<void> read_results(Reader& reader, ir::Instruction& instruction) {
  uint32_t count = 0;
  if (!reader.read_list(count) || count == 0 || count > kMaxResults)
    return bad(instruction.op->name, "a list of 1 to 16 results", reader);
  instruction.results.resize(count);
  for (auto& [name, type] : instruction.results) {
    uint32_t arity = 0;
    if (!reader.read_tuple(arity) || arity != 3 || !reader.read_int64(name))
      return bad(instruction.op->name, "a result {Id, Type, Shape}", reader);
    GPU_TRY(read_type(reader, type.dtype));
    GPU_TRY(read_shape(reader, type.shape));
  }
  if (!reader.read_nil()) return bad(instruction.op->name, "a proper list of results", reader);
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
    return bad("literal", "an integer of 64 bits for " + std::string(dtype_name(scalar.dtype)), reader);
  } else if (reader.read_double(real)) {
    scalar.value = real;
  } else if (!reader.read_atom(name)) {
    return bad("literal", "a number, nan, infinity or neg_infinity", reader);
  } else if (name == "nan") {
    scalar.value = std::numeric_limits<double>::quiet_NaN();
  } else if (name == "infinity") {
    scalar.value = std::numeric_limits<double>::infinity();
  } else if (name == "neg_infinity") {
    scalar.value = -std::numeric_limits<double>::infinity();
  } else {
    return Error{ErrorCode::kInvalidArgument, "literal: unknown value " + std::string(name)};
  }
  return {};
}

Result<void> read_literal(Reader& reader, Scalar& scalar) {
  uint32_t arity = 0;
  if (!reader.read_tuple(arity) || arity != 2) return bad("literal", "{Type, Number}", reader);
  GPU_TRY(read_type(reader, scalar.dtype));
  return read_number(reader, scalar);
}

Result<void> read_operands(Reader& reader, ir::Instruction& instruction) {
  std::vector<ir::Operand>& operands = instruction.operands;
  uint32_t count = 0;
  if (!reader.read_list(count) || count > kMaxOperands)
    return bad(instruction.op->name, "a list of at most 64 operands", reader);
  operands.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    ir::ValueName name = 0;
    if (reader.read_int64(name)) {
      operands.emplace_back(name);
    } else {
      GPU_TRY(read_literal(reader, operands.emplace_back(Scalar{}).emplace<Scalar>()));
    }
  }
  if (count > 0 && !reader.read_nil()) return bad(instruction.op->name, "a proper list of operands", reader);
  return {};
}

Result<void> read_dims(Reader& reader, std::string_view key, Dims& dims) {
  GPU_ASSIGN(const auto values, decode_integers(reader, kMaxRank));
  dims.clear();
  for (const int64_t value : values) {
    if (value < 0 || value >= kMaxRank)
      return Error{ErrorCode::kInvalidArgument, std::string(key) + ": axis " + std::to_string(value) +
                                                    " is outside 0 to " + std::to_string(kMaxRank - 1)};
    dims.push_back(value);
  }
  return {};
}

bool read_null(Reader& reader) {
  Reader ahead = reader;
  std::string_view name;
  if (!ahead.read_atom(name) || name != "nil") return false;
  reader = ahead;
  return true;
}

Result<void> read_attribute(Reader& reader, std::string_view key, ir::Attributes& attributes) {
  if (key == "axes") {
    if (read_null(reader)) return {};
    attributes.has_axes = true;
    return read_dims(reader, key, attributes.axes);
  }
  if (key == "keep_axes" || key == "keep_axis")
    return reader.read_boolean(attributes.keep_axes) ? Result<void>() : bad(key, "a boolean", reader);
  if (key == "axis") {
    if (read_null(reader)) return {};
    if (!reader.read_int64(attributes.axis) || attributes.axis < 0 || attributes.axis >= kMaxRank)
      return bad(key, "an axis of 0 to 31, or nil", reader);
    return {};
  }
  if (key == "tie_break") {
    std::string_view value;
    if (!reader.read_atom(value) || (value != "low" && value != "high")) return bad(key, "low or high", reader);
    attributes.tie_high = value == "high";
    return {};
  }
  if (key == "value") return read_literal(reader, attributes.value);
  if (key == "contract_left") return read_dims(reader, key, attributes.contract_left);
  if (key == "batch_left") return read_dims(reader, key, attributes.batch_left);
  if (key == "contract_right") return read_dims(reader, key, attributes.contract_right);
  if (key == "batch_right") return read_dims(reader, key, attributes.batch_right);
  return Error{ErrorCode::kInvalidArgument, "unknown attribute " + std::string(key)};
}

Result<void> read_instruction(Reader& reader, ir::Instruction& instruction) {
  GPU_TRY(read_results(reader, instruction));
  GPU_TRY(read_operands(reader, instruction));
  return read_options(reader, instruction.op->name, [&](std::string_view key) -> Result<void> {
    Result<void> read = read_attribute(reader, key, instruction.attributes);
    return read.ok() ? Result<void>() : with_context(std::move(read).error(), instruction.op->name);
  });
}

Result<void> read_alloc(Reader& reader, bool with_bytes, AllocCommand& alloc) {
  const Reader before = reader;
  if (!reader.read_int64(alloc.id) || alloc.id < 0) return bad("alloc", "a tensor id >= 0", before);
  GPU_TRY(read_type(reader, alloc.type.dtype));
  GPU_TRY(read_shape(reader, alloc.type.shape));
  if (!with_bytes) return {};
  std::span<const std::byte> bytes;
  if (!reader.read_binary(bytes)) return bad("alloc", "a binary", reader);
  if (bytes.size() > kInlineBytes)
    return Error{ErrorCode::kInvalidArgument, "alloc: a binary of " + std::to_string(bytes.size()) +
                                                  " bytes, the limit is " + std::to_string(kInlineBytes) +
                                                  "; upload larger ones"};
  alloc.bytes = bytes;
  return {};
}

Result<void> read_command(Reader& reader, Command& command) {
  uint32_t arity = 0;
  std::string_view name;
  if (!reader.read_tuple(arity) || arity == 0 || !reader.read_atom(name))
    return bad("command", "a tuple that begins with an atom", reader);
  if (name == "free" && arity == 2) {
    GPU_ASSIGN(command.emplace<FreeCommand>().ids, decode_integers(reader, kMaxFreed));
    return {};
  }
  if (name == "release" && arity == 2) {
    GPU_ASSIGN(command.emplace<ReleaseCommand>().ids, decode_integers(reader, kMaxFreed));
    return {};
  }
  if (name == "alloc" && (arity == 4 || arity == 5))
    return read_alloc(reader, arity == 5, command.emplace<AllocCommand>());
  const ir::Op* op = find_op(name);
  if (!op) return Error{ErrorCode::kUnsupported, "this node has no op " + std::string(name)};
  if (arity != 4)
    return Error{ErrorCode::kInvalidArgument, std::string(name) +
                                                  ": expected {Op, Results, Operands, Attributes}, got a tuple of " +
                                                  std::to_string(arity) + " elements"};
  ir::Instruction* used = std::get_if<ir::Instruction>(&command);
  ir::Instruction& instruction = used ? *used : command.emplace<ir::Instruction>();
  instruction.op = op;
  instruction.results.clear();
  instruction.operands.clear();
  if (used) instruction.attributes = ir::Attributes();
  return read_instruction(reader, instruction);
}

// Whatever of |reader|'s command, which did not decode, can be read as the id of a result.
std::vector<int64_t> result_ids(Reader reader) {
  std::vector<int64_t> ids;
  uint32_t arity = 0, count = 0;
  std::string_view name;
  int64_t id = 0;
  if (!reader.read_tuple(arity) || arity < 2 || !reader.read_atom(name) || name == "free" || name == "release")
    return ids;
  if (name == "alloc") {
    if (reader.read_int64(id)) ids.push_back(id);
    return ids;
  }
  if (!reader.read_list(count)) return ids;
  for (uint32_t i = 0; i < std::min(count, kMaxResults); ++i) {
    Reader result = reader;
    if (result.read_tuple(arity) && arity > 0 && result.read_int64(id)) ids.push_back(id);
    if (!reader.skip()) break;
  }
  return ids;
}

}  // namespace

Result<void> decode_command(Reader& reader, Command& command) {
  const Reader start = reader;
  Result<void> read = read_command(reader, command);
  if (read.ok()) return {};
  reader = start;
  if (!reader.skip()) return with_context(std::move(read).error(), "a command that is no term");
  command = MalformedCommand{result_ids(start), std::move(read).error()};
  return {};
}

Result<Dtype> decode_dtype(Reader& reader) {
  Dtype dtype = Dtype::f32;
  GPU_TRY(read_type(reader, dtype));
  return dtype;
}

Result<Shape> decode_shape(Reader& reader) {
  Shape shape;
  GPU_TRY(read_shape(reader, shape));
  return shape;
}

}  // namespace gpu_node::service
