// The expression language of log densities: text to a tree, and back. What names mean is not looked at here.
//
//   comparison := sum (('<' | '<=' | '>' | '>=' | '==' | '!=') sum)?
//   sum        := product (('+' | '-') product)*
//   product    := negation (('*' | '/') negation)*
//   negation   := '-' negation | power
//   power      := primary ('^' negation)?               -x^2 is -(x^2), 2^3^2 is 2^(3^2)
//   primary    := number | '(' comparison ')' | name | name '[' place (',' place)? ']'
//               | name '(' comparison (',' comparison)* ')' | 'sum' '(' name ('in' name)? ',' comparison ')'
//   place      := whole number | name | name '[' place ']'
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpu_node::chain {

inline constexpr size_t kMaxExpressionBytes = size_t{1} << 16;
inline constexpr uint32_t kMaxExpressionDepth = 128;
inline constexpr size_t kMaxArguments = 16;
inline constexpr size_t kMaxNameBytes = 64;

struct Expression {
  enum class Kind : uint8_t {
    kNumber,     // |number|
    kReference,  // |name|, children: the places in brackets
    kCall,       // |name| of the children; operators are calls of the ops add, subtract, ..., negate, pow, less, ...
    kSum,        // of child 0 over the index |name|, which runs over |over| ("" where the text does not say)
  };
  struct Node {
    Kind kind = Kind::kNumber;
    double number = 0;
    std::string name;
    std::string over;
    std::vector<uint32_t> children;  // places in |nodes|, each before its parent
    uint32_t depth = 1;              // of what lies in it; a line of + and -, or of * and /, is one level
    uint32_t column = 1;             // where it stands in the text, from 1
  };
  std::vector<Node> nodes;  // the last one is the root
};

// Errors say the column and what was expected there.
Result<Expression> parse_expression(std::string_view text);

// A line of operators (a + b * c - d) lies in the left operands of its last one, as deep as it is long, so it is gone
// through without recursion: the nodes + - * / from |id| down along their left operands, then what is none of these.
std::vector<uint32_t> line_down(const Expression& expression, uint32_t id);

// Text that parses to |expression|, with no more parentheses than needed.
std::string text_of(const Expression& expression);
// Of the node |id| and what is below it.
std::string text_of(const Expression& expression, uint32_t id);

// Whether |text| can be the name of something: a letter, then letters, digits and underscores; no word of the language.
bool is_name(std::string_view text);

}  // namespace gpu_node::chain
