// The cutter of the GLSL library: closures are complete, ordered and made of sections that exist.
#include "kernels/glsl/shader_library.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/embedded.h"

namespace gpu_node::kernels {
namespace {

struct Header {
  std::string name;
  std::vector<std::string> needs;
};

// Reads the section lines of every library file, by other means than the cutter's.
std::vector<Header> headers() {
  std::vector<Header> found;
  for (const EmbeddedFile& file : shaders_files()) {
    if (std::string_view(file.name).substr(0, 4) != "lib/") continue;
    std::istringstream lines(file.text);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("//@", 0) != 0) continue;
      std::istringstream words(line.substr(3));
      Header header;
      words >> header.name;
      CAPTURE(line);
      REQUIRE(!header.name.empty());
      REQUIRE(header.name.back() == ':');
      header.name.pop_back();
      for (std::string need; words >> need;) header.needs.push_back(need);
      found.push_back(header);
    }
  }
  return found;
}

std::string closure_of(std::string_view name) {
  const std::array<std::string_view, 1> names = {name};
  return library_closure(names);
}

TEST_CASE("shader library: every section has a name of its own and needs only sections that exist") {
  const std::vector<Header> all = headers();
  REQUIRE(all.size() > 10);
  std::set<std::string> names;
  for (const Header& header : all) CHECK_MESSAGE(names.insert(header.name).second, header.name << " is defined twice");
  for (const Header& header : all) {
    CHECK(library_has(header.name));
    for (const std::string& need : header.needs)
      CHECK_MESSAGE(names.count(need) == 1, header.name << " needs " << need);
    CHECK(closure_of(header.name).find("#error") == std::string::npos);
  }
}

TEST_CASE("shader library: a closure holds each needed section once, dependencies first, and no section lines") {
  for (const Header& header : headers()) {
    CAPTURE(header.name);
    const std::string text = closure_of(header.name);
    CHECK(text.find("//@") == std::string::npos);
    for (const std::string& need : header.needs) {
      // A closure starts with the closure of its first dependency; each dependency's own body is in it exactly once.
      const std::string part = closure_of(need);
      CHECK(text.size() > part.size());
    }
    if (!header.needs.empty()) CHECK(text.rfind(closure_of(header.needs[0]), 0) == 0);
  }
}

TEST_CASE("shader library: two functions share what both need") {
  const std::array<std::string_view, 2> both = {"m_exp.f32", "m_pow.f32"};
  const std::array<std::string_view, 2> twice = {"m_exp.f32", "m_exp.f32"};
  CHECK(library_closure(both).size() < closure_of("m_exp.f32").size() + closure_of("m_pow.f32").size());
  CHECK(library_closure(twice) == closure_of("m_exp.f32"));
  CHECK(closure_of("m_exp.f32").find("float m_exp(float") != std::string::npos);
  CHECK(closure_of("m_exp.f32").find("m_sin") == std::string::npos);
}

TEST_CASE("shader library: an unknown name is an error of the shader compiler, with its name") {
  CHECK(closure_of("m_no_such").find("#error the shader library has no section named m_no_such\n") == 0);
  CHECK_FALSE(library_has("m_no_such"));
  CHECK(library_closure({}).empty());
}

}  // namespace
}  // namespace gpu_node::kernels
