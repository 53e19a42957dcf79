// The op table: one row per op, spelled as Nx spells it. The rows stand in specs/ops.json, from which this table, that
// of GpuNode.Op and the one in PROTOCOL.md are made; the same name stands on the wire, in Elixir, in GLSL and in the
// tests.
//
// What is true of an op is a column of its row. Code outside a family's own folder asks the columns, never the name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace gpu_node::ir {

// What turns shapes into a launch (kernels/<family>).
enum class Family : uint8_t {
  kUnary,      // element by element, one operand
  kBinary,     // element by element, two operands
  kTernary,    // select, clip: element by element, three operands
  kCast,       // as_type, bitcast
  kCreate,     // iota, eye, constant: no operands
  kView,       // reshape, squeeze, transpose, broadcast, reverse, slice: a view where strides allow, else a copy
  kReduce,     // sum, product, reduce_max, reduce_min, all, any, logsumexp
  kArgReduce,  // argmax, argmin
  kFold,       // reduce, window_reduce: with a function that the instruction has
  kDot,
  kConcatenate,    // concatenate, stack
  kMove,           // pad, put_slice, gather, take, take_along_axis, indexed_put
  kIndexedAdd,     // indexed_add
  kWindow,         // window_sum, window_product, window_max, window_min
  kWindowScatter,  // window_scatter_max, window_scatter_min
  kConv,
  kFourier,     // fft, ifft, rfft, irfft, fft2, ifft2
  kOrder,       // top_k, sort, argsort
  kCumulative,  // cumulative_sum, cumulative_product, cumulative_max, cumulative_min
  kLinalg,      // triangular_solve, cholesky, lu, qr, eigh, svd
  kLoop,        // while: repeats bodies of the program that it stands in
};

// Gives elements of its operands, and computes nothing where they are of the result's type.
constexpr bool is_move(Family family) {
  return family == Family::kView || family == Family::kConcatenate || family == Family::kMove;
}

// Element by element: planned alike, whatever the number of operands.
constexpr bool is_elementwise(Family family) { return family <= Family::kCast; }

// What an op is to its family's planner and emitter.
enum class Code : uint8_t {
  // Elementwise: how the expression is spelled (kernels/glsl/op_expression).
  kCommon,     // op_<name> in op_common.glsl
  kModulus,    // the same; of complex numbers m_<name> of the math library
  kInteger,    // op_<name> in op_integer.glsl
  kWidth,      // the same, with the type's width as last argument
  kMath,       // m_<name> of the math library; always floating
  kPower,      // op_pow of integers, m_pow of floats
  kRemainder,  // op_remainder of integers, m_fmod of floats
  kDivide,     // op_divide.glsl
  kCompare,
  kLogical,
  kTest,  // is_nan, is_infinity
  kSelect,
  kConvert,    // as_type, real, bitcast of integers
  kImaginary,  // imag
  // The ops of the other families.
  kIota,
  kEye,
  kConstant,
  kReshape,
  kSqueeze,
  kTranspose,
  kBroadcast,
  kReverse,
  kSlice,
  kSum,
  kProduct,
  kReduceMax,
  kReduceMin,
  kAll,
  kAny,
  kLogsumexp,
  kArgmax,
  kArgmin,
  kFold,
  kWindowFold,
  kDot,
  kConcatenate,
  kStack,
  kPad,
  kPutSlice,
  kGather,
  kTake,
  kTakeAlongAxis,
  kIndexedPut,
  kIndexedAdd,
  kWindowSum,
  kWindowProduct,
  kWindowMax,
  kWindowMin,
  kWindowScatterMax,
  kWindowScatterMin,
  kConv,
  kFft,
  kIfft,
  kRfft,
  kIrfft,
  kFft2,
  kIfft2,
  kTopK,
  kSort,
  kArgsort,
  kCumulativeSum,
  kCumulativeProduct,
  kCumulativeMax,
  kCumulativeMin,
  kTriangularSolve,
  kCholesky,
  kLu,
  kQr,
  kEigh,
  kSvd,
  kWhile,
};

// Which operands an op takes.
enum class Takes : uint8_t {
  kAny,
  kInteger,
  kOrdered,  // no complex numbers
};

// How the result's element type follows from the operands' (Nx's rules; its names in parentheses). Literals and
// operands of shape {} do not widen a merged type: Nx's numbers take the type of what they meet.
enum class TypeRule : uint8_t {
  kSame,             // the operand's type
  kFloating,         // integers become f32, floats stay (to_floating)
  kComponent,        // complex becomes its component's type, others stay
  kReal,             // kComponent, then kFloating (to_real)
  kComplex,          // floats become complex (to_complex)
  kPredicate,        // u8
  kMerge,            // the merged type of all operands (merge), or a wider one that is declared
  kMergeFloating,    // kMerge, then kFloating
  kMergeValues,      // kMerge of all operands but the first
  kMergeUpdates,     // kMerge of the first and the third operand
  kAggregate,        // integers widen (to_aggregate), or become the integer type that is declared
  kDeclared,         // the declared type
  kSameWidth,        // the declared type, real and as wide as the operand's
  kIndex,            // the declared integer type
  kSameAndIndex,     // the operand's type; of the second result the declared integer type
  kSameAndFloating,  // the operand's type; of the other results kFloating
  kFunction,         // the declared type, which is that of the attribute `function`
  kState,            // of each result that of the operand of the same number
};

// How the result's shape follows from the operands', the attributes and the declared shape.
enum class ShapeRule : uint8_t {
  kElementwise,  // Nx.broadcast_shape over all operands: aligned at the last axis, 1 stretches
  kClip,         // the first operand's; the others are scalars
  kDeclared,
  kMatrix,           // declared, of two axes or more
  kReshape,          // declared, of as many elements
  kSqueeze,          // without the axes `axes`, or without all of one element
  kTranspose,        // the axes in the order `axes`, or reversed
  kBroadcast,        // declared; `axes` has the result's axis of each of the operand's
  kReduce,           // without the axes `axes`, or all of them; with `keep_axes` they become 1
  kArgReduce,        // the same with `axis` and `keep_axis`
  kFold,             // kReduce of the first operand; the second is a scalar
  kDot,              // batch axes, what is left of the left operand's, then of the right's
  kConcatenate,      // the first operand's, along `axis` the sum of all
  kStack,            // the first operand's, as all others', with a new axis `axis` of as many as there are operands
  kReverse,          // the operand's, which has the axes `axes`
  kSlice,            // `lengths` over `strides`, from `starts` on
  kPutSlice,         // the first operand's, into which the second fits
  kPad,              // each axis with its `padding`
  kGather,           // the outer axes of the indices, whose last one goes over `axes`, then the operand's other axes
  kTake,             // the operand's, with the indices' in the place of `axis`
  kTakeAlongAxis,    // the indices', which is the operand's but for `axis`
  kIndexed,          // the first operand's; the third lies in it where the indices say
  kWindow,           // how many places `window` has in the operand with `padding`
  kWindowFold,       // kWindow of the first operand; the second is a scalar
  kWindowScatter,    // the first operand's; the second has one element for each place of `window` in it
  kConv,             // the batch over its groups, the filters, how many places the kernel has
  kFourier,          // the operand's, along `axis` `length`
  kFourierHalf,      // the same, of which along `axis` length / 2 + 1
  kFourierWhole,     // the operand's, along `axis` `length`, or 2 (n - 1) of n
  kFourier2,         // the operand's, along `axes` `lengths`
  kTopK,             // the operand's, along the last axis `k`
  kAlongAxis,        // the operand's, which has the axis `axis`
  kTriangularSolve,  // the second operand's: matrices or vectors that fit the first's square matrices
  kSquare,           // the operand's, square matrices
  kQr,               // of matrices {M, N}: {M, K} and {K, N}, K the less of both; by `mode` {M, M} and {M, N}
  kEigh,             // of square matrices a row of each, then the operand's
  kSvd,              // of matrices {M, N}: {M, K}, {K}, {K, N}; by `full_matrices?` {M, M}, {K}, {N, N}
  kState,            // of each result that of the operand of the same number
};

enum class AttributeKind : uint8_t {
  kAxes,      // a list of axes
  kAxis,      // an axis
  kCount,     // how many, at least 1
  kNumber,    // a finite number
  kIntegers,  // a list of integers, one for each axis
  kStarts,    // a list of integers and, for what an operand behind the others has, the atom operand
  kPadding,   // a list of {Low, High} or {Low, High, Interior}, one for each axis
  kBoolean,   // true, false
  kChoice,    // one of some atoms
  kLiteral,   // {Type, Number}
  kFunction,  // a list of steps {Op, Type, Operands}
  kBody,      // the number of one of the program's bodies
};

struct AttributeRow {
  std::string_view name;
  AttributeKind kind;
  std::span<const std::string_view> choices;  // of kChoice
  std::string_view default_value;             // as Erlang has it; empty: it must be given
};

struct Op {
  std::string_view name;
  std::span<const std::string_view> operand_names;
  std::span<const AttributeRow> attributes;
  std::string_view doc;
  Family family;
  Code code;
  Takes takes;
  TypeRule type_rule;
  ShapeRule shape_rule;
  bool takes_list;  // the last of operand_names stands for any number of operands, at least one
  uint8_t results;  // 0: as many as an instruction declares, at most as many as it has operands
  bool density;     // log densities may use it
  bool modular;     // of integers: the operands modulo 2^n give the result modulo 2^n, so they need not be held
  uint16_t index;   // position in the table; never leaves the process

  size_t operands() const { return operand_names.size(); }
  // Whether it names bodies, which only a compiled program has.
  bool has_bodies() const { return family == Family::kLoop; }
  bool takes_results(size_t count, size_t of_operands) const {
    return results != 0 ? count == results : count > 0 && count <= of_operands;
  }
  // Whether operands behind the others are starts.
  bool takes_starts() const {
    return std::any_of(attributes.begin(), attributes.end(),
                       [](const AttributeRow& row) { return row.kind == AttributeKind::kStarts; });
  }
  bool takes_operands(size_t count) const {
    return takes_list || takes_starts() ? count >= operands() : count == operands();
  }
};

// How specs/ops.json spells them.
std::string_view word(Family family);
std::string_view word(Takes takes);
std::string_view word(TypeRule rule);
std::string_view word(ShapeRule rule);
std::string_view word(AttributeKind kind);

// Every op of this build, in table order.
std::span<const Op> ops();

// The op called |name|, or nullptr.
const Op* find_op(std::string_view name);

// The row of an op that this build itself uses. REQUIRES that the table has it.
const Op& op_called(std::string_view name);

}  // namespace gpu_node::ir
