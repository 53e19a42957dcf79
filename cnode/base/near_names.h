// What a message says to somebody who asked for a name that there is not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gpu_node {

// The one of |names| that differs from |name| in a letter or two (one that is missing, one too many, another one, two
// that changed places) or in upper and lower case only; the nearest, of several the first. A name of as few letters as
// would differ is not near.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& names);

// "; did you mean 'beta'?", or nothing where none is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

// "; there are alpha, beta; did you mean 'beta'?": for lists that are short enough to be said.
std::string there_are(std::string_view name, const std::vector<std::string>& names);

// The names of a list of what has one.
template <typename List>
std::vector<std::string> names_of(const List& list) {
  std::vector<std::string> names;
  names.reserve(list.size());
  for (const auto& entry : list) names.emplace_back(entry.name);
  return names;
}

}  // namespace gpu_node
