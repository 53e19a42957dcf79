// The vectors that test/vectors/etf.escript wrote: one term of a real Erlang each.
#pragma once

#include <cstddef>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "source_folder.h"

namespace gpu_node::etf {

struct Vector {
  std::string form, kind, value;
  std::vector<std::byte> bytes;  // with the version byte
  std::span<const std::byte> term() const { return std::span(bytes).subspan(1); }
};

inline std::vector<std::byte> bytes_of_hex(const std::string& hex) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline std::vector<Vector> load_vectors() {
  std::ifstream file(test::source_folder() + "/test/vectors/etf.txt");
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Vector vector;
    std::string hex;
    words >> vector.form >> vector.kind >> vector.value >> hex;
    vector.bytes = bytes_of_hex(hex);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

}  // namespace gpu_node::etf
