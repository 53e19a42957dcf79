// Cuts functions out of the GLSL files of shaders/lib. The index is built once, on first use, from any thread.
#include "kernels/glsl/shader_library.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/concat.h"
#include "base/embedded.h"
#include "base/file.h"

namespace gpu_node::kernels {
namespace {

constexpr std::string_view kMark = "//@ ";

struct Section {
  std::vector<std::string_view> needs;
  std::string_view body;
};
using Index = std::map<std::string_view, Section>;

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t from = text.find_first_not_of(' ');
  while (from != std::string_view::npos) {
    const size_t to = text.find(' ', from);
    words.push_back(text.substr(from, to == std::string_view::npos ? to : to - from));
    from = text.find_first_not_of(' ', to == std::string_view::npos ? text.size() : to);
  }
  return words;
}

// Returns where the next section line of |text| starts, at or after |from|, which is the start of a line.
size_t next_mark(std::string_view text, size_t from) {
  while (from < text.size()) {
    if (text.substr(from).starts_with(kMark)) return from;
    const size_t end = text.find('\n', from);
    if (end == std::string_view::npos) break;
    from = end + 1;
  }
  return text.size();
}

void index_file(std::string_view text, Index& index) {
  size_t at = next_mark(text, 0);
  while (at < text.size()) {
    const size_t line_end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at + kMark.size(), line_end - at - kMark.size());
    const size_t next = next_mark(text, line_end < text.size() ? line_end + 1 : line_end);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      index[line.substr(0, colon)] = {split_words(line.substr(colon + 1)),
                                      text.substr(line_end, next - line_end).substr(line_end < next ? 1 : 0)};
    }
    at = next;
  }
}

const Index& index() {
  static const Index all = [] {
    Index made;
    for (const EmbeddedFile& file : shaders_files()) {
      if (std::string_view(file.name).starts_with("lib/")) index_file(file.text, made);
    }
    return made;
  }();
  return all;
}

void append(std::string_view name, std::set<std::string_view>& done, std::string& out) {
  if (!done.insert(name).second) return;
  const auto found = index().find(name);
  if (found == index().end()) {
    out += "#error the shader library has no section named ";
    out += name;
    out += '\n';
    return;
  }
  for (const std::string_view need : found->second.needs) append(need, done, out);
  out += found->second.body;
}

}  // namespace

std::string library_closure(std::span<const std::string_view> functions) {
  std::string out;
  std::set<std::string_view> done;
  for (const std::string_view name : functions) append(name, done, out);
  return out;
}

bool library_has(std::string_view name) { return index().contains(name); }

std::string with_library(std::string_view glsl) {
  constexpr std::string_view kPragma = "#pragma gpu_node_library ";
  std::string out;
  for (uint64_t line = 1; !glsl.empty(); ++line) {
    const std::string_view text = glsl.substr(0, glsl.find('\n'));
    glsl.remove_prefix(std::min(glsl.size(), text.size() + 1));
    if (text.starts_with(kPragma)) {
      const std::vector<std::string_view> names = split_words(text.substr(kPragma.size()));
      out += library_closure(names);
      out += concat("#line ", line + 1, "\n");
    } else {
      out.append(text).append("\n");
    }
  }
  return out;
}

std::string library_fingerprint() {
  std::string all;
  for (const EmbeddedFile& file : shaders_files())
    if (std::string_view(file.name).starts_with("lib/")) all.append(file.name).append("\n").append(file.text);
  return sha256_hex(all);
}

}  // namespace gpu_node::kernels
