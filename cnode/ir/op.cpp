// The rows of the op table.
#include "ir/op.h"

#include <array>
#include <unordered_map>

namespace gpu_node::ir {
namespace {

using enum Family;
using enum TypeRule;

constexpr auto kRows = [] {
  auto rows = std::to_array<Op>({
      {"exp", kUnary, kFloating, 1},
      {"expm1", kUnary, kFloating, 1},
      {"log", kUnary, kFloating, 1},
      {"log1p", kUnary, kFloating, 1},
      {"sigmoid", kUnary, kFloating, 1},
      {"cos", kUnary, kFloating, 1},
      {"sin", kUnary, kFloating, 1},
      {"tan", kUnary, kFloating, 1},
      {"cosh", kUnary, kFloating, 1},
      {"sinh", kUnary, kFloating, 1},
      {"tanh", kUnary, kFloating, 1},
      {"acos", kUnary, kFloating, 1},
      {"asin", kUnary, kFloating, 1},
      {"atan", kUnary, kFloating, 1},
      {"acosh", kUnary, kFloating, 1},
      {"asinh", kUnary, kFloating, 1},
      {"atanh", kUnary, kFloating, 1},
      {"sqrt", kUnary, kFloating, 1},
      {"rsqrt", kUnary, kFloating, 1},
      {"cbrt", kUnary, kFloating, 1},
      {"erf", kUnary, kFloating, 1},
      {"erfc", kUnary, kFloating, 1},
      {"erf_inv", kUnary, kFloating, 1},
      {"lgamma", kUnary, kFloating, 1},
      {"digamma", kUnary, kFloating, 1},
      {"softplus", kUnary, kFloating, 1},
      {"log_sigmoid", kUnary, kFloating, 1},
      {"abs", kUnary, kRealPart, 1},
      {"negate", kUnary, kSame, 1},
      {"sign", kUnary, kSame, 1},
      {"bitwise_not", kUnary, kSame, 1},
      {"count_leading_zeros", kUnary, kSame, 1},
      {"population_count", kUnary, kSame, 1},
      {"conjugate", kUnary, kDeclared, 1},
      {"ceil", kUnary, kSame, 1},
      {"floor", kUnary, kSame, 1},
      {"round", kUnary, kSame, 1},
      {"real", kUnary, kRealPart, 1},
      {"imag", kUnary, kRealPart, 1},
      {"is_nan", kUnary, kPredicate, 1},
      {"is_infinity", kUnary, kPredicate, 1},
      {"logical_not", kUnary, kPredicate, 1},
      {"add", kBinary, kMerge, 2},
      {"subtract", kBinary, kMerge, 2},
      {"multiply", kBinary, kMerge, 2},
      {"pow", kBinary, kMerge, 2},
      {"remainder", kBinary, kMerge, 2},
      {"min", kBinary, kMerge, 2},
      {"max", kBinary, kMerge, 2},
      {"quotient", kBinary, kMergeInt, 2},
      {"bitwise_and", kBinary, kMergeInt, 2},
      {"bitwise_or", kBinary, kMergeInt, 2},
      {"bitwise_xor", kBinary, kMergeInt, 2},
      {"left_shift", kBinary, kMergeInt, 2},
      {"right_shift", kBinary, kMergeInt, 2},
      {"divide", kBinary, kMergeFloat, 2},
      {"atan2", kBinary, kMergeFloat, 2},
      {"equal", kBinary, kPredicate, 2},
      {"not_equal", kBinary, kPredicate, 2},
      {"greater", kBinary, kPredicate, 2},
      {"less", kBinary, kPredicate, 2},
      {"greater_equal", kBinary, kPredicate, 2},
      {"less_equal", kBinary, kPredicate, 2},
      {"logical_and", kBinary, kPredicate, 2},
      {"logical_or", kBinary, kPredicate, 2},
      {"logical_xor", kBinary, kPredicate, 2},
      {"select", kTernary, kDeclared, 3},
      {"clip", kTernary, kDeclared, 3},
      {"as_type", kCast, kDeclared, 1},
      {"bitcast", kCast, kDeclared, 1},
      {"iota", kCreate, kDeclared, 0},
      {"eye", kCreate, kDeclared, 0},
      {"constant", kCreate, kDeclared, 0},
      {"reshape", kView, kSame, 1},
      {"squeeze", kView, kSame, 1},
      {"transpose", kView, kSame, 1},
      {"broadcast", kView, kSame, 1},
      {"sum", kReduce, kAggregate, 1},
      {"product", kReduce, kAggregate, 1},
      {"reduce_max", kReduce, kSame, 1},
      {"reduce_min", kReduce, kSame, 1},
      {"all", kReduce, kPredicate, 1},
      {"any", kReduce, kPredicate, 1},
      {"argmax", kArgReduce, kDeclared, 1},
      {"argmin", kArgReduce, kDeclared, 1},
      {"dot", kDot, kDeclared, 2},
  });
  for (size_t i = 0; i < rows.size(); ++i) rows[i].index = static_cast<uint16_t>(i);
  return rows;
}();

}  // namespace

std::span<const Op> ops() { return kRows; }

const Op* find_op(std::string_view name) {
  static const auto* const kByName = [] {
    auto* map = new std::unordered_map<std::string_view, const Op*>;
    for (const Op& op : kRows) map->emplace(op.name, &op);
    return map;
  }();
  const auto found = kByName->find(name);
  return found == kByName->end() ? nullptr : found->second;
}

}  // namespace gpu_node::ir
