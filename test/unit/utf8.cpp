#include "base/utf8.h"

#include <doctest/doctest.h>

namespace gpu_node {

TEST_CASE("utf8: what is no character is replaced, a byte at a time") {
  CHECK(valid_utf8("") == "");
  CHECK(valid_utf8("plain") == "plain");
  for (const char* text : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF"})
    CHECK(valid_utf8(text) == text);
  CHECK(valid_utf8("a\xE9z") == "a\xEF\xBF\xBDz");
  // Cut short, too long a form, a surrogate, beyond the last.
  CHECK(valid_utf8("\xE2\x82") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(valid_utf8("\xC0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(valid_utf8("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(valid_utf8("\xF4\x90\x80\x80").size() == 12);
}

}  // namespace gpu_node
