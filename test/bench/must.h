// The value of a result, or the end of the program with its message: for benchmarks.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/result.h"

namespace gpu_node {

inline void must(const Result<void>& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) must(Result<void>(result.error()));
  return std::move(result).value();
}

}  // namespace gpu_node
