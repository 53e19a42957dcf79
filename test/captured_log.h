// What is logged while one of these lives. Standard error goes to a file meanwhile, as log lines are written whole.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace gpu_node::test {

class CapturedLog {
 public:
  CapturedLog() : file_(std::tmpfile()), standard_error_(::dup(STDERR_FILENO)) {
    REQUIRE(file_ != nullptr);
    REQUIRE(standard_error_ >= 0);
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  ~CapturedLog() {
    ::dup2(standard_error_, STDERR_FILENO);
    ::close(standard_error_);
    std::fclose(file_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  std::string text() const {
    std::string text;
    char block[4096];
    for (off_t at = 0;;) {
      const ssize_t n = ::pread(::fileno(file_), block, sizeof block, at);
      if (n <= 0) return text;
      text.append(block, static_cast<size_t>(n));
      at += n;
    }
  }
  // How many lines say |part|.
  int lines_with(std::string_view part) const {
    const std::string all = text();
    int count = 0;
    for (size_t at = 0; at < all.size();) {
      const size_t end = all.find('\n', at);
      count += all.substr(at, end - at).find(part) != std::string::npos ? 1 : 0;
      if (end == std::string::npos) break;
      at = end + 1;
    }
    return count;
  }

 private:
  std::FILE* file_;
  int standard_error_;
};

}  // namespace gpu_node::test
