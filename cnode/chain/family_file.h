// The contents of a family file, checked for its keys and types and nothing else. Private to this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chain/family.h"

namespace gpu_node::chain {

// One entry of a list of the file; which members it has depends on the list.
struct FamilyEntry {
  std::string name;
  std::string support = "real";
  std::optional<std::string> transform;
  std::optional<double> default_value;
  std::optional<int64_t> size;
  std::vector<std::string> shape;
  std::optional<Array> values;
  std::optional<std::string> indexes_into;
  std::optional<std::string> index;
  std::optional<std::string> over;
  std::string expression;
};

struct FamilyFile {
  std::string name;
  std::string description;
  std::vector<FamilyEntry> parameters;
  std::vector<FamilyEntry> dimensions;
  std::vector<FamilyEntry> variables;
  std::vector<FamilyEntry> data;
  std::vector<FamilyEntry> definitions;
  std::vector<FamilyEntry> terms;
  std::optional<Example> example;
};

// "FILE: PATH: STAGE: what".
Error family_error(const std::string& file, const std::string& path, const char* stage, const std::string& what);

Result<FamilyFile> read_family_file(std::string_view text, const std::string& file);

}  // namespace gpu_node::chain
