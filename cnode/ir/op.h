// The op table: one row per op, spelled as Nx spells it. The same name stands on the wire, in Elixir, in GLSL and in
// the tests. Adding an op of a present family is a row here, its GLSL function, and the Elixir row; its tests follow.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gpu_node::ir {

// What turns shapes into a launch (kernels/<family>.cpp).
enum class Family : uint8_t {
  kUnary,      // element by element, one operand
  kBinary,     // element by element, two operands, broadcasting as Nx.add/2
  kTernary,    // select, clip: element by element, three operands
  kCast,       // as_type, bitcast
  kCreate,     // iota, eye, constant: no operands
  kView,       // reshape, squeeze, transpose, broadcast: a view where strides allow, else a copy
  kReduce,     // sum, product, reduce_max, reduce_min, all, any
  kArgReduce,  // argmax, argmin
  kDot,
};

// How the output's element type follows from the operands' (Nx's rules; NX_SEMANTICS names in parentheses).
enum class TypeRule : uint8_t {
  kSame,        // the operand's type
  kFloating,    // integers become f32, floats stay (to_floating)
  kMerge,       // the merged type of all operands (merge), or whatever wider type the caller declares
  kMergeFloat,  // kMerge, then kFloating
  kMergeInt,    // kMerge of integer operands only
  kPredicate,   // u8
  kAggregate,   // sum, product: integers widen (to_aggregate)
  kDeclared,    // the caller's declared type (as_type, bitcast, iota, argmax, dot, ...)
  kRealPart,    // abs, real, imag: complex becomes its component type; real/imag of integers f32
};

struct Op {
  std::string_view name;
  Family family;
  TypeRule type_rule;
  uint8_t operands;
  uint16_t index;  // position in the table; never leaves the process
};

// Every op of this build, in table order.
std::span<const Op> ops();

// The op called |name|, or nullptr.
const Op* find_op(std::string_view name);

}  // namespace gpu_node::ir
