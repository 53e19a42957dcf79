#include "base/near_names.h"

#include <algorithm>

namespace gpu_node {
namespace {

constexpr size_t kNear = 2;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return lower;
}

// How many letters to add, drop, replace or exchange with the next one make |b| of |a|; kNear + 1 for all that is more.
size_t distance(std::string_view a, std::string_view b) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > kNear) return kNear + 1;
  // Rows of the table: what the first letters of a and of b are apart.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return std::min(last[b.size()], kNear + 1);
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& names) {
  const std::string wanted = lower_case(name);
  const std::string* nearest = nullptr;
  size_t least = kNear + 1;
  for (const std::string& each : names) {
    const size_t apart = distance(wanted, lower_case(each));
    if (apart >= least || apart >= std::min(name.size(), each.size())) continue;
    least = apart;
    nearest = &each;
  }
  return nearest == nullptr ? std::nullopt : std::optional(*nearest);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const auto nearest = nearest_name(name, names);
  return nearest ? "; did you mean '" + *nearest + "'?" : "";
}

std::string there_are(std::string_view name, const std::vector<std::string>& names) {
  if (names.empty()) return "; there are none";
  std::string all = names.size() == 1 ? "; there is " : "; there are ";
  for (const std::string& each : names) all += (&each == names.data() ? "" : ", ") + each;
  return all + did_you_mean(name, names);
}

}  // namespace gpu_node
