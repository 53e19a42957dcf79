#include "vulkan/text_check.h"

#include <algorithm>
#include <bit>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

std::string_view line_at(std::string_view text, size_t begin) {
  return begin >= text.size() ? "(the end)" : text.substr(begin, text.find('\n', begin) - begin);
}

Error differs(std::string_view key, std::string_view made, std::string_view now) {
  const auto [in_made, in_now] = std::mismatch(made.begin(), made.end(), now.begin(), now.end());
  const auto same = static_cast<size_t>(in_made - made.begin());
  const size_t newline = same == 0 ? std::string_view::npos : made.rfind('\n', same - 1);
  const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  const auto number = 1 + std::count(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
  return {ErrorCode::kInternal, concat("kernel ", key, " has two texts; line ", number, " was \"", line_at(made, begin),
                                       "\", now \"", line_at(now, begin), "\"")};
}

}  // namespace

void TextCheck::keep(const std::string& key, std::string glsl) {
  const MutexLock lock(mutex_);
  kept_[key] = {std::move(glsl)};
}

Result<void> TextCheck::check(std::string_view key, const KernelCache::Emit& emit) {
  std::string made;
  {
    const MutexLock lock(mutex_);
    const auto found = kept_.find(std::string(key));
    if (found == kept_.end() || !std::has_single_bit(++found->second.hits)) return {};
    if (found->second.hits < kLastCompared) {
      made = found->second.glsl;
    } else {
      made = std::move(found->second.glsl);
      kept_.erase(found);
    }
  }
  const Result<KernelSource> now = emit();
  if (!now.ok()) return Error{ErrorCode::kInternal, concat("kernel ", key, " has no text now: ", now.error().message)};
  if (now->glsl == made) return {};
  return differs(key, made, now->glsl);
}

}  // namespace gpu_node::vulkan
