#include "chain/lexer.h"

#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include "base/concat.h"

namespace gpu_node::chain {
namespace {

// The classes of ASCII, whatever the locale.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Error parse_error(uint32_t column, const std::string& what) {
  return {ErrorCode::kInvalidArgument, concat("column ", column, ": ", what)};
}

Result<Token> Lexer::next() {
  while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t' || text_[position_] == '\n'))
    ++position_;
  Token token;
  token.column = static_cast<uint32_t>(position_ + 1);
  if (position_ == text_.size()) return token;
  const size_t begin = position_;
  const char c = text_[begin];
  if (is_letter(c)) {
    while (position_ < text_.size() && (is_letter(text_[position_]) || is_digit(text_[position_]))) ++position_;
    token.kind = Token::Kind::kName;
  } else if (is_digit(c) || c == '.') {
    const auto [end, status] = std::from_chars(text_.data() + begin, text_.data() + text_.size(), token.number);
    if (status == std::errc::result_out_of_range)
      return parse_error(token.column, "the number leaves the range of double");
    if (status != std::errc()) return parse_error(token.column, "not a number");
    position_ = static_cast<size_t>(end - text_.data());
    if (position_ < text_.size() &&
        (is_letter(text_[position_]) || is_digit(text_[position_]) || text_[position_] == '.'))
      return parse_error(token.column, "not a number");
    token.kind = Token::Kind::kNumber;
  } else {
    const std::string_view two = text_.substr(begin, 2);
    const bool pair = two == "<=" || two == ">=" || two == "==" || two == "!=";
    if (!pair && std::string_view("+-*/^()[],<>").find(c) == std::string_view::npos) {
      const std::string shown =
          c > ' ' && c < 127 ? "'" + std::string(1, c) + "'" : concat("byte ", static_cast<unsigned char>(c));
      return parse_error(token.column, shown + " is no part of the language");
    }
    position_ += pair ? 2 : 1;
    token.kind = Token::Kind::kSymbol;
  }
  token.text = text_.substr(begin, position_ - begin);
  return token;
}

}  // namespace gpu_node::chain
