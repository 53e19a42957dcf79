#include "chain/json_lines.h"

#include <algorithm>
#include <charconv>

namespace gpu_node::chain {
namespace {

// Steps over the values of a text that a parser has accepted; ends quietly where it is not what was expected.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) { blanks(); }

  int64_t line() const { return line_at_end(text_.substr(0, at_)); }

  // Goes to the member |part| of the object or list that begins here; false, and stays, where there is none.
  bool enter(std::string_view part) {
    const size_t start = at_;
    const char opening = here();
    size_t wanted = 0;
    const bool number = std::from_chars(part.data(), part.data() + part.size(), wanted).ec == std::errc();
    if (opening != '{' && opening != '[') return false;
    ++at_;
    blanks();
    for (size_t index = 0; here() != '}' && here() != ']' && here() != 0; ++index) {
      std::string_view key;
      if (opening == '{') {
        key = string();
        blanks();
        if (here() == ':') ++at_;
        blanks();
      }
      if (opening == '{' ? key == part : number && index == wanted) return true;
      skip();
      blanks();
      if (here() == ',') ++at_;
      blanks();
    }
    at_ = start;
    return false;
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : 0; }
  void blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  std::string_view string() {
    const size_t begin = at_ + 1;
    for (++at_; here() != '"' && here() != 0; ++at_)
      if (here() == '\\') ++at_;
    const std::string_view found = text_.substr(std::min(begin, text_.size()), at_ - begin);
    if (here() == '"') ++at_;
    return found;
  }

  void skip() {
    int depth = 0;
    do {
      const char next = here();
      if (next == 0) return;
      if (next == '"') {
        string();
      } else {
        depth += (next == '{' || next == '[') - (next == '}' || next == ']');
        ++at_;
        // A number or a word ends where a delimiter begins.
        if (depth == 0 && next != '}' && next != ']')
          while (std::string_view(",]} \t\r\n").find(here()) == std::string_view::npos && here() != 0) ++at_;
      }
    } while (depth > 0);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

int64_t line_at_end(std::string_view text) { return 1 + std::count(text.begin(), text.end(), '\n'); }

int64_t line_of(std::string_view text, std::string_view path) {
  Walker walker(text);
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    if (!part.empty() && !walker.enter(part)) break;
  }
  return walker.line();
}

}  // namespace gpu_node::chain
