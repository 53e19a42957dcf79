// What an op takes beside its operands: a structure by kind of op, whose fields are those that the op's row in
// specs/ops.json names, under the same names and in the same order.
//
// A structure lists its fields once, in visit(). The decoder, the check, the key of the plan cache and the text of
// messages all go through it, so that a field cannot be read and forgotten elsewhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/small_list.h"
#include "ir/matrix_attributes.h"
#include "ir/op.h"
#include "tensor/scalar.h"
#include "tensor/shape.h"

namespace gpu_node::ir {

// Axes of a tensor, 0 to kMaxRank - 1 once they are checked.
using Axes = SmallList<uint8_t, 8>;

enum class TieBreak : uint8_t { kLow, kHigh };
enum class Direction : uint8_t { kAscending, kDescending };

struct Count {
  int64_t value = 1;
};

// Where a window begins along each axis: a number, or kOperand for one that is read from the next of the operands
// behind the others.
struct Starts {
  static constexpr int64_t kOperand = std::numeric_limits<int64_t>::min();
  Dims values;

  int operands() const { return static_cast<int>(std::count(values.begin(), values.end(), kOperand)); }
};

// What is put before and behind an axis (less than 0: cut off), and between its elements.
struct Edges {
  int64_t low = 0, high = 0, interior = 0;

  bool operator==(const Edges&) const = default;
};
using Padding = SmallList<Edges, 4>;  // by axis

// A function of two numbers, an element and what came of those before it, as steps in a line: elementwise ops without
// attributes, of numbers alone. Its value is that of the last step.
struct FunctionStep {
  // 0: the element; 1: what came of those before; -k: what the k-th step gave.
  using Operand = std::variant<int64_t, Scalar>;
  const Op* op = nullptr;
  Dtype type = Dtype::f32;
  SmallList<Operand, 2> operands;
};
struct Function {
  std::vector<FunctionStep> steps;
};
inline constexpr uint32_t kMaxFunctionSteps = 1024;

// One of the bodies of the program that the instruction stands in.
struct BodyNumber {
  int64_t value = 0;
};

// Visit: called as visit(name, field) for each field. Self: the structure, const or not.
struct NoAttributes {
  template <typename Self, typename Visit>
  static void visit(Self& /*self*/, Visit&& /*visit*/) {}
};

struct AxesAttributes {  // squeeze, transpose, broadcast, reverse, gather, indexed_put, indexed_add
  std::optional<Axes> axes;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axes", self.axes);
  }
};

struct ReduceAttributes {
  std::optional<Axes> axes;  // nothing: all
  bool keep_axes = false;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axes", self.axes);
    visit("keep_axes", self.keep_axes);
  }
};

struct FoldAttributes {      // reduce
  std::optional<Axes> axes;  // nothing: all
  bool keep_axes = false;
  Function function;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axes", self.axes);
    visit("keep_axes", self.keep_axes);
    visit("function", self.function);
  }
};

struct ArgReduceAttributes {
  std::optional<int64_t> axis;  // nothing: the flat index
  TieBreak tie_break = TieBreak::kLow;
  bool keep_axis = false;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axis", self.axis);
    visit("tie_break", self.tie_break);
    visit("keep_axis", self.keep_axis);
  }
};

struct IotaAttributes {
  std::optional<int64_t> axis;  // nothing: the flat index

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axis", self.axis);
  }
};

struct ConstantAttributes {
  Scalar value;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("value", self.value);
  }
};

struct DotAttributes {
  Axes contract_left, batch_left, contract_right, batch_right;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("contract_left", self.contract_left);
    visit("batch_left", self.batch_left);
    visit("contract_right", self.contract_right);
    visit("batch_right", self.batch_right);
  }
};

struct AxisAttributes {  // concatenate, stack, take, take_along_axis
  int64_t axis = 0;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axis", self.axis);
  }
};

struct CumulativeAttributes {
  int64_t axis = 0;
  bool reverse = false;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axis", self.axis);
    visit("reverse", self.reverse);
  }
};

struct OrderAttributes {  // sort, argsort
  int64_t axis = 0;
  Direction direction = Direction::kAscending;
  bool stable = false;  // it always is

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axis", self.axis);
    visit("direction", self.direction);
    visit("stable", self.stable);
  }
};

struct TopKAttributes {
  Count k;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("k", self.k);
  }
};

struct SliceAttributes {
  Starts starts;
  Dims lengths;                 // of the operand's elements from the start on, before strides
  std::optional<Dims> strides;  // nothing: 1

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("starts", self.starts);
    visit("lengths", self.lengths);
    visit("strides", self.strides);
  }
};

struct PutSliceAttributes {
  Starts starts;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("starts", self.starts);
  }
};

struct PadAttributes {
  Padding padding;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("padding", self.padding);
  }
};

struct WindowAttributes {
  Dims window;
  Padding padding;
  std::optional<Dims> strides, window_dilations;  // nothing: 1

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("window", self.window);
    visit("padding", self.padding);
    visit("strides", self.strides);
    visit("window_dilations", self.window_dilations);
  }
};

struct WindowFoldAttributes {  // window_reduce
  Dims window;
  Padding padding;
  std::optional<Dims> strides, window_dilations;  // nothing: 1
  Function function;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("window", self.window);
    visit("padding", self.padding);
    visit("strides", self.strides);
    visit("window_dilations", self.window_dilations);
    visit("function", self.function);
  }
};

struct WindowScatterAttributes {
  Dims window;
  Padding padding;
  std::optional<Dims> strides;  // nothing: 1

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("window", self.window);
    visit("padding", self.padding);
    visit("strides", self.strides);
  }
};

// Of the spatial axes in their order after the permutations, each of which names the axis that is the batch (of the
// kernel the filters), the channels and the spatial ones.
struct ConvAttributes {
  std::optional<Dims> strides;  // nothing: 1
  Padding padding;
  std::optional<Dims> input_dilation, kernel_dilation;
  Count feature_group_size, batch_group_size;
  std::optional<Axes> input_permutation, kernel_permutation, output_permutation;  // nothing: as they are

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("strides", self.strides);
    visit("padding", self.padding);
    visit("input_dilation", self.input_dilation);
    visit("kernel_dilation", self.kernel_dilation);
    visit("feature_group_size", self.feature_group_size);
    visit("batch_group_size", self.batch_group_size);
    visit("input_permutation", self.input_permutation);
    visit("kernel_permutation", self.kernel_permutation);
    visit("output_permutation", self.output_permutation);
  }
};

// What parts of a Fourier transform are cleared up to.
inline constexpr double kEps = 1e-10;

struct FourierAttributes {      // fft, ifft, rfft, irfft
  std::optional<int64_t> axis;  // nothing: the last
  std::optional<Count> length;  // nothing: the axis's; of irfft what that is half of
  double eps = kEps;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("axis", self.axis);
    visit("length", self.length);
    visit("eps", self.eps);
  }
};

struct Fourier2Attributes {     // fft2, ifft2
  std::optional<Dims> lengths;  // nothing: the axes'
  std::optional<Axes> axes;     // nothing: the last two
  double eps = kEps;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("lengths", self.lengths);
    visit("axes", self.axes);
    visit("eps", self.eps);
  }
};

struct WhileAttributes {  // while
  BodyNumber condition, body;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("condition", self.condition);
    visit("body", self.body);
  }
};

using AttributeVariant =
    std::variant<NoAttributes, AxesAttributes, ReduceAttributes, ArgReduceAttributes, IotaAttributes,
                 ConstantAttributes, DotAttributes, AxisAttributes, TopKAttributes, SliceAttributes, PutSliceAttributes,
                 PadAttributes, WindowAttributes, WindowScatterAttributes, ConvAttributes, CumulativeAttributes,
                 OrderAttributes, FoldAttributes, WindowFoldAttributes, FourierAttributes, Fourier2Attributes,
                 TriangularSolveAttributes, QrAttributes, SvdAttributes, WhileAttributes>;

// The attributes of an instruction. On the heap, since most instructions have none; the default ones of any op are
// nothing at all.
class Attributes {
 public:
  Attributes() = default;
  template <typename T>
    requires std::constructible_from<AttributeVariant, T>
  Attributes(T value)  // NOLINT: converts on purpose
      : given_(std::make_unique<AttributeVariant>(std::move(value))) {}
  Attributes(const Attributes& other)
      : given_(other.given_ ? std::make_unique<AttributeVariant>(*other.given_) : nullptr) {}
  Attributes& operator=(const Attributes& other) { return *this = Attributes(other); }
  Attributes(Attributes&&) noexcept = default;
  Attributes& operator=(Attributes&&) noexcept = default;

  // The attributes as those of kind T: T's defaults where none were given. REQUIRES that the op's are of that kind.
  template <typename T>
  const T& as() const {
    static const T kDefaults;
    const T* given = given_ ? std::get_if<T>(given_.get()) : nullptr;
    return given ? *given : kDefaults;
  }

  // Whether they can be those of |op|.
  bool fit(const Op& op) const;

  // Makes them the default ones of |op| and returns them to be filled in; nullptr where |op| takes none.
  AttributeVariant* reset(const Op& op);

  // Calls |visit| with name and value of every field, of those that were given.
  template <typename Visit>
  void visit(Visit&& visit) const {
    if (given_)
      std::visit([&](const auto& fields) { std::remove_cvref_t<decltype(fields)>::visit(fields, visit); }, *given_);
  }

 private:
  std::unique_ptr<AttributeVariant> given_;
};

// "[0, 2]", or between other brackets.
std::string axes_text(const Axes& axes, std::string_view brackets = "[]");

// "[{1, 0}, {0, 0, 2}]": interiors of 0 are left out.
std::string padding_text(const Padding& padding);

// Their differences from the defaults, as messages have them: ", axes [0, 2], keep_axes".
std::string attributes_text(const Attributes& attributes);

}  // namespace gpu_node::ir
