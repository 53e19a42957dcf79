// Words of the expression language. Private to this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gpu_node::chain {

struct Token {
  enum class Kind : uint8_t { kNumber, kName, kSymbol, kEnd };
  Kind kind = Kind::kEnd;
  std::string_view text;
  double number = 0;
  uint32_t column = 1;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Result<Token> next();

 private:
  std::string_view text_;
  size_t position_ = 0;
};

// "column 7: <what>", as a parse error.
Error parse_error(uint32_t column, const std::string& what);

}  // namespace gpu_node::chain
