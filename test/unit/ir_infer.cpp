// The op table, and what inference gives and says.
#include <doctest/doctest.h>

#include <set>

#include "ir/infer.h"

namespace gpu_node::ir {
namespace {

using enum Dtype;

struct Case {
  std::string op;
  std::vector<TensorType> operands;
  TensorType result;
  Attributes attributes = {};
  std::vector<size_t> literals = {};
};

Result<void> check(const Case& test) {
  Instruction instruction;
  instruction.op = find_op(test.op);
  REQUIRE(instruction.op != nullptr);
  for (size_t i = 0; i < test.operands.size(); ++i) instruction.operands.emplace_back(static_cast<ValueName>(i));
  for (size_t i : test.literals) instruction.operands[i] = Scalar{test.operands[i].dtype, 1.0};
  instruction.results.emplace_back(9, test.result);
  instruction.attributes = test.attributes;
  std::vector<OperandType> operands;
  for (const TensorType& type : test.operands) operands.push_back(OperandType::of(type));
  TensorTypes results;
  Result<void> inferred = infer(instruction, operands, results);
  if (inferred.ok()) CHECK(results[0] == test.result);
  return inferred;
}

void accepts(const Case& test) {
  const auto result = check(test);
  CHECK_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
}

void refuses(const Case& test, const std::string& message) {
  const auto result = check(test);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::kInvalidArgument);
  CHECK(result.error().message == message);
}

Axes list(const Dims& axes) { return {axes.begin(), axes.end()}; }
Attributes with_axes(const Dims& axes) { return AxesAttributes{list(axes)}; }
Attributes over(const Dims& axes, bool keep = false) { return ReduceAttributes{list(axes), keep}; }
Attributes along(int64_t axis) { return ArgReduceAttributes{.axis = axis}; }

}  // namespace

TEST_CASE("ops: the table has every op of the protocol, once") {
  std::set<std::string_view> names;
  for (const Op& op : ops()) {
    CHECK(names.insert(op.name).second);
    CHECK(find_op(op.name) == &op);
    CHECK(&ops()[op.index] == &op);
  }
  CHECK(names.contains("add"));
  CHECK(find_op("convolve") == nullptr);
  CHECK(find_op("") == nullptr);
}

TEST_CASE("infer: arity and results") {
  refuses({"add", {{f32, {}}}, {f32, {}}}, "add: takes 2 operands, not 1");
  refuses({"iota", {{f32, {}}}, {f32, {}}}, "iota: takes 0 operands, not 1");
  Instruction none;
  TensorTypes results;
  CHECK_FALSE(infer(none, {}, results).ok());
  none.op = find_op("iota");
  CHECK(infer(none, {}, results).error().message == "iota: has 1 result, not 0");
  refuses({"iota", {}, {f32, {int64_t{1} << 40, int64_t{1} << 40}}},
          "iota: result: shape {1099511627776, 1099511627776} has more than 2^62 elements");
}

TEST_CASE("infer: broadcasting") {
  accepts({"add", {{f32, {2, 3}}, {f32, {3}}}, {f32, {2, 3}}});
  accepts({"add", {{f32, {2, 1}}, {f32, {1, 3}}}, {f32, {2, 3}}});
  accepts({"add", {{f32, {0, 1}}, {f32, {3}}}, {f32, {0, 3}}});
  refuses({"add", {{f32, {2, 3}}, {f32, {4}}}, {f32, {2, 3}}},
          "add: shapes f32{2, 3} and f32{4} do not broadcast: axis 1 is 3 and 4");
  refuses({"add", {{f32, {0}}, {f32, {2}}}, {f32, {2}}},
          "add: shapes f32{0} and f32{2} do not broadcast: axis 0 is 0 and 2");
  refuses({"add", {{f32, {2, 3}}, {f32, {3}}}, {f32, {3, 2}}},
          "add: the result is declared f32{3, 2}, but is f32{2, 3}");
  accepts({"select", {{u8, {2, 1}}, {f32, {}}, {f32, {3}}}, {f32, {2, 3}}});
  refuses({"select", {{u8, {2}}, {f32, {3}}, {f32, {4}}}, {f32, {3}}},
          "select: shapes u8{2}, f32{3} and f32{4} do not broadcast: axis 0 is 2 and 3");
  accepts({"clip", {{f32, {5}}, {f32, {}}, {s32, {}}}, {f32, {5}}});
  refuses({"clip", {{f32, {5}}, {f32, {1}}, {f32, {}}}, {f32, {5}}}, "clip: min must be a scalar, not f32{1}");
  refuses({"exp", {{f32, {5}}}, {f32, {6}}}, "exp: the result is declared f32{6}, but is f32{5}");
}

TEST_CASE("infer: result types") {
  accepts({"exp", {{s64, {2}}}, {f32, {2}}});
  accepts({"exp", {{bf16, {2}}}, {bf16, {2}}});
  refuses({"exp", {{s64, {2}}}, {f64, {2}}}, "exp: the result is declared f64{2}, but is f32{2}");
  refuses({"equal", {{f32, {}}, {f32, {}}}, {s32, {}}}, "equal: the result is declared s32{}, but is u8{}");
  accepts({"add", {{u8, {2}}, {s8, {2}}}, {s16, {2}}});
  accepts({"add", {{u64, {2}}, {s64, {2}}}, {s64, {2}}});
  accepts({"add", {{bf16, {2}}, {f8, {2}}}, {f8, {2}}});
  accepts({"add", {{u8, {2}}, {f32, {2}}}, {f64, {2}}});
  refuses({"add", {{f32, {2}}, {u8, {2}}}, {s32, {2}}},
          "add: the result is declared s32{2}, which cannot hold operand 0, f32{2}");
  refuses({"add", {{u8, {2}}, {s8, {2}}}, {s8, {2}}},
          "add: the result is declared s8{2}, which cannot hold operand 0, u8{2}");
  // Numbers take the type of what they meet.
  accepts({"add", {{u8, {2}}, {s32, {}}}, {u8, {2}}, {}, {1}});
  accepts({"add", {{u8, {2}}, {s32, {}}}, {u8, {2}}});
  refuses({"divide", {{s32, {2}}, {s32, {2}}}, {s32, {2}}},
          "divide: the result is declared s32{2}, but is of a float type");
  refuses({"bitwise_and", {{s32, {2}}, {f32, {2}}}, {s32, {2}}},
          "bitwise_and: takes integers, but operand 1 is f32{2}");
  refuses({"population_count", {{f32, {}}}, {f32, {}}}, "population_count: takes integers, but operand 0 is f32{}");
  accepts({"real", {{c64, {2}}}, {f32, {2}}});
  accepts({"abs", {{s8, {2}}}, {s8, {2}}});
  refuses({"real", {{s8, {2}}}, {s8, {2}}}, "real: the result is declared s8{2}, but is f32{2}");
  accepts({"bitcast", {{f32, {2}}}, {u32, {2}}});
  refuses({"bitcast", {{f32, {2}}}, {u64, {2}}}, "bitcast: from f32 to u64: both must be real and of the same width");
  refuses({"bitcast", {{c64, {2}}}, {u64, {2}}}, "bitcast: from c64 to u64: both must be real and of the same width");
}

TEST_CASE("infer: creation and views") {
  accepts({"iota", {}, {u8, {3, 4}}, IotaAttributes{1}});
  refuses({"iota", {}, {u8, {3, 4}}, IotaAttributes{2}}, "iota: axis 2 is not an axis of u8{3, 4}");
  refuses({"eye", {}, {u8, {3}}}, "eye: needs at least 2 dimensions, not u8{3}");
  accepts({"reshape", {{f32, {2, 3}}}, {f32, {6}}});
  refuses({"reshape", {{f32, {2, 3}}}, {f32, {7}}}, "reshape: from f32{2, 3} (6 elements) to f32{7} (7 elements)");
  accepts({"squeeze", {{f32, {1, 3, 1}}}, {f32, {3, 1}}, with_axes({0})});
  accepts({"squeeze", {{f32, {1, 3, 1}}}, {f32, {3}}});
  refuses({"squeeze", {{f32, {1, 3}}}, {f32, {1}}, with_axes({1})}, "squeeze: axis 1 of f32{1, 3} is 3, not 1");
  accepts({"transpose", {{f32, {2, 3}}}, {f32, {3, 2}}});
  accepts({"transpose", {{f32, {2, 3, 4}}}, {f32, {4, 2, 3}}, with_axes({2, 0, 1})});
  refuses({"transpose", {{f32, {2, 3}}}, {f32, {2, 2}}, with_axes({0, 0})}, "transpose: axes: axis 0 stands twice");
  refuses({"transpose", {{f32, {2, 3}}}, {f32, {2}}, with_axes({0})},
          "transpose: axes {0} are not a permutation of the axes of f32{2, 3}");
  refuses({"transpose", {{f32, {2, 3}}}, {f32, {2, 3}}, with_axes({0, 5})},
          "transpose: axes: 5 is not an axis of f32{2, 3}");
  accepts({"broadcast", {{f32, {3}}}, {f32, {2, 3}}, with_axes({1})});
  accepts({"broadcast", {{f32, {3}}}, {f32, {3, 2}}, with_axes({0})});
  refuses({"broadcast", {{f32, {3}}}, {f32, {3, 2}}},
          "broadcast: f32{3} does not broadcast to f32{3, 2}: axis 0 is 3, axis 1 of the result is 2");
  refuses({"broadcast", {{f32, {3, 2}}}, {f32, {2, 3}}, with_axes({1, 0})}, "broadcast: axes {1, 0} must ascend");
}

TEST_CASE("infer: reductions") {
  accepts({"sum", {{u8, {2, 3}}}, {u32, {}}});
  accepts({"sum", {{f16, {2, 3}}}, {f16, {2}}, over({1})});
  accepts({"reduce_max", {{f32, {2, 3}}}, {f32, {2, 1}}, over({1}, true)});
  accepts({"all", {{f32, {2, 3}}}, {u8, {}}});
  refuses({"sum", {{f16, {2}}}, {f32, {}}}, "sum: the result is declared f32{}, but is f16{}");
  refuses({"sum", {{u8, {2}}}, {f32, {}}},
          "sum: the result is declared f32{}, but is of an integer type, as its operand u8");
  refuses({"sum", {{f32, {2, 3}}}, {f32, {3}}, over({1})}, "sum: the result is declared f32{3}, but is f32{2}");
  refuses({"sum", {{f32, {2, 3}}}, {f32, {2}}, over({2})}, "sum: axes: 2 is not an axis of f32{2, 3}");
  accepts({"argmax", {{f32, {2, 3}}}, {s32, {2}}, along(1)});
  accepts({"argmin", {{f32, {2, 3}}}, {s64, {}}, ArgReduceAttributes{}});
  refuses({"argmin", {{f32, {2, 3}}}, {f32, {}}}, "argmin: the result is declared f32{}, but is of an integer type");
  refuses({"argmax", {{f32, {2, 0}}}, {s32, {2}}, along(1)}, "argmax: no elements to choose from in f32{2, 0}");
}

TEST_CASE("infer: dot") {
  DotAttributes attributes;
  attributes.contract_left = {1};
  attributes.contract_right = {0};
  accepts({"dot", {{f32, {2, 3}}, {f32, {3, 4}}}, {f32, {2, 4}}, attributes});
  refuses({"dot", {{f32, {2, 3}}, {f32, {5, 4}}}, {f32, {2, 4}}, attributes},
          "dot: contracting axis 1 of f32{2, 3} is 3, but axis 0 of f32{5, 4} is 5");
  attributes.batch_left = {0};
  refuses({"dot", {{f32, {2, 3}}, {f32, {3, 4}}}, {f32, {2, 4}}, attributes},
          "dot: batch axes must be as many on both sides, not {0} and {}");
  attributes.batch_right = {2};
  accepts({"dot", {{f32, {2, 3}}, {f32, {3, 4, 2}}}, {f32, {2, 4}}, attributes});
  attributes.batch_right = {0};
  refuses({"dot", {{f32, {2, 3}}, {f32, {3, 4}}}, {f32, {2, 4}}, attributes},
          "dot: right axis 0 is both contracted and a batch");
  Shape many;
  for (int i = 0; i < 20; ++i) many.push_back(1);
  refuses({"dot", {{f32, many}, {f32, many}}, {f32, {}}}, "dot: the result of " + type_text(f32, many) + " and " +
                                                              type_text(f32, many) +
                                                              " would have 40 dimensions; the limit is 32");
}

TEST_CASE("instruction_text names op, operands and result") {
  Instruction instruction;
  instruction.op = find_op("add");
  instruction.operands = {ValueName{1}, Scalar{s64, int64_t{4}}};
  instruction.results.emplace_back(2, TensorType{f32, {2, 3}});
  const TensorType types[] = {{f32, {2, 3}}, {s64, {}}};
  const OperandType operands[] = {OperandType::of(types[0]), OperandType::of(types[1])};
  CHECK(instruction_text(instruction, operands) == "add f32{2, 3}, s64 literal -> f32{2, 3}");
  instruction.op = find_op("sum");
  instruction.operands = {ValueName{1}};
  instruction.attributes = over({1}, true);
  CHECK(instruction_text(instruction, std::span(operands).first(1)) ==
        "sum f32{2, 3}, axes [1], keep_axes -> f32{2, 3}");
  // What an error says of its op it says once.
  const Error own =
      with_instruction({ErrorCode::kUnsupported, "sum: needs f64"}, instruction, std::span(operands).first(1));
  CHECK(own.message == "sum f32{2, 3}, axes [1], keep_axes -> f32{2, 3}: needs f64");
}

TEST_CASE("attributes: those of a row are the fields of its structure, with the same defaults") {
  for (const Op& op : ops()) {
    CAPTURE(std::string(op.name));
    Attributes attributes;
    CHECK(attributes.fit(op));
    AttributeVariant* given = attributes.reset(op);
    CHECK((given == nullptr) == op.attributes.empty());
    CHECK(attributes.fit(op));
    size_t fields = 0;
    attributes.visit([&](std::string_view name, const auto&) {
      ++fields;
      CHECK(std::any_of(op.attributes.begin(), op.attributes.end(),
                        [&](const AttributeRow& row) { return row.name == name; }));
    });
    CHECK(fields == op.attributes.size());
    if (op.code != Code::kConstant) CHECK(attributes_text(attributes).empty());
  }
}

TEST_CASE("attributes: another op's are refused") {
  refuses({"sum", {{f32, {2, 3}}}, {f32, {}}, with_axes({1})}, "sum: has attributes of another op");
  refuses({"add", {{f32, {}}, {f32, {}}}, {f32, {}}, over({})}, "add: has attributes of another op");
}

TEST_CASE("infer: orders and complex numbers") {
  refuses({"max", {{c64, {2}}, {c64, {2}}}, {c64, {2}}}, "max: complex numbers have no order, but operand 0 is c64{2}");
  refuses({"max", {{f32, {2}}, {f32, {2}}}, {c64, {2}}},
          "max: the result is declared c64{2}, but is of a type that has an order");
  refuses({"subtract", {{c64, {}}, {f32, {2}}}, {f32, {2}}},
          "subtract: the result is declared f32{2}, which cannot hold operand 0, c64{}");
  accepts({"conjugate", {{f32, {2}}}, {c64, {2}}});
  accepts({"select", {{f64, {}}, {u8, {2}}, {s8, {2}}}, {s16, {2}}});
  refuses({"select", {{f64, {}}, {u8, {2}}, {s8, {2}}}, {u8, {2}}},
          "select: the result is declared u8{2}, which cannot hold operand 2, s8{2}");
}

TEST_CASE("infer: a message names the first of many operands, and how many there are") {
  Instruction join;
  join.op = &op_called("concatenate");
  join.results = {{-1, {Dtype::f32, {3000}}}};
  const TensorType type{Dtype::f32, {1}};
  std::vector<OperandType> operands(1000, OperandType::of(type));
  for (int i = 0; i < 1000; ++i) join.operands.emplace_back(ValueName{1});
  const std::string text = instruction_text(join, operands);
  CHECK(text.size() < 200);
  CHECK(text.ends_with("f32{1}, ... 1000 operands -> f32{3000}"));
}

}  // namespace gpu_node::ir
