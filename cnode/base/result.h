// Result<T>: a value or an Error. Nothing of ours throws; what can fail returns one of these.
#pragma once

#include <cassert>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.h"

namespace gpu_node {

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: converts on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: converts on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: converts on purpose

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }

  // REQUIRES: !ok().
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

#define GPU_NODE_CONCAT_(a, b) a##b
#define GPU_NODE_CONCAT(a, b) GPU_NODE_CONCAT_(a, b)

// Returns the error of |expr| from the enclosing function, if it has one. A Result<bool> says something beside that.
#define GPU_TRY(expr)                                                                                 \
  do {                                                                                                \
    static_assert(!std::is_same_v<decltype(expr), Result<bool>>, "GPU_ASSIGN it");                    \
    if (auto gpu_try_result = (expr); !gpu_try_result.ok()) return std::move(gpu_try_result).error(); \
  } while (false)

// |declaration| = the value of |expr|, or returns its error: GPU_ASSIGN(auto buffer, pool.allocate(n)).
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration takes none.
#define GPU_ASSIGN(declaration, expr) GPU_ASSIGN_IMPL(GPU_NODE_CONCAT(gpu_assign_, __LINE__), declaration, expr)
#define GPU_ASSIGN_IMPL(result, declaration, expr)    \
  auto result = (expr);                               \
  if (!result.ok()) return std::move(result).error(); \
  declaration = std::move(result).value()
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace gpu_node
