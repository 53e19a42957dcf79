#include "ir/attributes.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/concat.h"

namespace gpu_node::ir {
namespace {

AttributeKind kind_of(const Axes&) { return AttributeKind::kAxes; }
AttributeKind kind_of(const std::optional<Axes>&) { return AttributeKind::kAxes; }
AttributeKind kind_of(const std::optional<int64_t>&) { return AttributeKind::kAxis; }
AttributeKind kind_of(int64_t) { return AttributeKind::kAxis; }
AttributeKind kind_of(Count) { return AttributeKind::kCount; }
AttributeKind kind_of(const std::optional<Count>&) { return AttributeKind::kCount; }
AttributeKind kind_of(double) { return AttributeKind::kNumber; }
AttributeKind kind_of(const Starts&) { return AttributeKind::kStarts; }
AttributeKind kind_of(const Dims&) { return AttributeKind::kIntegers; }
AttributeKind kind_of(const std::optional<Dims>&) { return AttributeKind::kIntegers; }
AttributeKind kind_of(const Padding&) { return AttributeKind::kPadding; }
AttributeKind kind_of(bool) { return AttributeKind::kBoolean; }
AttributeKind kind_of(TieBreak) { return AttributeKind::kChoice; }
AttributeKind kind_of(Direction) { return AttributeKind::kChoice; }
AttributeKind kind_of(TransformA) { return AttributeKind::kChoice; }
AttributeKind kind_of(QrMode) { return AttributeKind::kChoice; }
AttributeKind kind_of(const Scalar&) { return AttributeKind::kLiteral; }
AttributeKind kind_of(const Function&) { return AttributeKind::kFunction; }
AttributeKind kind_of(BodyNumber) { return AttributeKind::kBody; }

template <typename T>
bool is_optional(const T&) {
  return false;
}
template <typename T>
bool is_optional(const std::optional<T>&) {
  return true;
}

// Whether |variant|'s fields are the attributes of |op|'s row, whatever their order there; those that may be nil are
// optional.
bool matches(const AttributeVariant& variant, const Op& op) {
  size_t fields = 0, found = 0;
  std::visit(
      [&](const auto& all) {
        std::remove_cvref_t<decltype(all)>::visit(all, [&](std::string_view name, const auto& field) {
          ++fields;
          for (const AttributeRow& row : op.attributes)
            if (row.name == name && row.kind == kind_of(field) && (row.default_value == "nil") == is_optional(field))
              ++found;
        });
      },
      variant);
  return fields == op.attributes.size() && found == fields;
}

template <size_t Index = 0>
void append_defaults(std::vector<AttributeVariant>& all) {
  all.emplace_back(std::in_place_index<Index>);
  if constexpr (Index + 1 < std::variant_size_v<AttributeVariant>) append_defaults<Index + 1>(all);
}

// The default attributes of every op, by its index.
const std::vector<AttributeVariant>& defaults() {
  static const std::vector<AttributeVariant> kDefaults = [] {
    std::vector<AttributeVariant> kinds, made;
    append_defaults(kinds);
    for (const Op& op : ops()) {
      const auto kind =
          std::find_if(kinds.begin(), kinds.end(), [&](const AttributeVariant& one) { return matches(one, op); });
      if (kind == kinds.end()) {
        std::fprintf(stderr, "no structure in ir/attributes.h has the attributes of %s\n",
                     std::string(op.name).c_str());
        std::abort();
      }
      made.push_back(*kind);
    }
    return made;
  }();
  return kDefaults;
}

// The values of |list| as |element| has each, between |brackets|.
template <typename List, typename Element>
std::string list_text(const List& list, const Element& element, std::string_view brackets = "[]") {
  std::string text(1, brackets[0]);
  for (const auto& one : list) text += concat(text.size() > 1 ? ", " : "", element(one));
  return text + brackets[1];
}

// Whether rows say of the boolean |name| that it is true where it is not given.
bool is_true_by_default(std::string_view name) {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const Op& op : ops())
      for (const AttributeRow& row : op.attributes)
        if (row.kind == AttributeKind::kBoolean && row.default_value == "true") names.push_back(row.name);
    return names;
  }();
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

struct Texts {
  std::string text;

  void operator()(std::string_view name, const Starts& starts) {
    if (starts.values.empty()) return;
    text += concat(", ", name, " ", list_text(starts.values, [](int64_t start) {
                     return start == Starts::kOperand ? std::string("operand") : std::to_string(start);
                   }));
  }
  void operator()(std::string_view name, const Dims& values) {
    if (!values.empty()) text += concat(", ", name, " ", list_text(values, [](int64_t value) { return value; }));
  }
  void operator()(std::string_view name, const std::optional<Dims>& values) {
    if (values) (*this)(name, *values);
  }
  void operator()(std::string_view name, const Padding& padding) {
    if (!padding.empty()) text += concat(", ", name, " ", padding_text(padding));
  }

  void operator()(std::string_view name, const Axes& axes) {
    if (!axes.empty()) text += concat(", ", name, " ", axes_text(axes));
  }
  void operator()(std::string_view name, const std::optional<Axes>& axes) {
    if (axes) text += concat(", ", name, " ", axes_text(*axes));
  }
  void operator()(std::string_view name, const std::optional<int64_t>& axis) {
    if (axis) text += concat(", ", name, " ", *axis);
  }
  void operator()(std::string_view name, int64_t axis) {
    if (axis != 0) text += concat(", ", name, " ", axis);
  }
  void operator()(std::string_view name, Count count) {
    if (count.value != 1) text += concat(", ", name, " ", count.value);
  }
  void operator()(std::string_view name, const std::optional<Count>& count) {
    if (count) text += concat(", ", name, " ", count->value);
  }
  void operator()(std::string_view name, double number) {
    if (number != kEps) text += concat(", ", name, " ", number);
  }
  void operator()(std::string_view name, bool set) {
    if (set != is_true_by_default(name)) text += concat(", ", name, set ? "" : " false");
  }
  void operator()(std::string_view name, TieBreak tie) {
    if (tie == TieBreak::kHigh) text += concat(", ", name, " high");
  }
  void operator()(std::string_view name, Direction direction) {
    if (direction == Direction::kDescending) text += concat(", ", name, " desc");
  }
  void operator()(std::string_view name, TransformA transform) {
    if (transform != TransformA::kNone)
      text += concat(", ", name, transform == TransformA::kTranspose ? " transpose" : " conjugate");
  }
  void operator()(std::string_view name, QrMode mode) {
    if (mode == QrMode::kComplete) text += concat(", ", name, " complete");
  }
  void operator()(std::string_view name, const Scalar& value) {
    text += concat(", ", name, " of ", dtype_name(value.dtype));
  }
  void operator()(std::string_view name, BodyNumber body) {
    if (body.value != 0) text += concat(", ", name, " ", body.value);
  }
  void operator()(std::string_view name, const Function& function) {
    if (!function.steps.empty()) text += concat(", ", name, " of ", counted(function.steps.size(), "step"));
  }
};

}  // namespace

bool Attributes::fit(const Op& op) const { return !given_ || given_->index() == defaults()[op.index].index(); }

AttributeVariant* Attributes::reset(const Op& op) {
  if (op.attributes.empty()) {
    given_.reset();
    return nullptr;
  }
  const AttributeVariant& start = defaults()[op.index];
  if (given_)
    *given_ = start;
  else
    given_ = std::make_unique<AttributeVariant>(start);
  return given_.get();
}

std::string axes_text(const Axes& axes, std::string_view brackets) {
  return list_text(axes, [](int axis) { return axis; }, brackets);
}

std::string padding_text(const Padding& padding) {
  return list_text(padding, [](const Edges& edges) {
    return concat("{", edges.low, ", ", edges.high, edges.interior != 0 ? concat(", ", edges.interior) : "", "}");
  });
}

std::string attributes_text(const Attributes& attributes) {
  Texts texts;
  attributes.visit(texts);
  return std::move(texts.text);
}

}  // namespace gpu_node::ir
