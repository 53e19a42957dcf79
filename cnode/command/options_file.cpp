// The JSON file of settings. The only place beside specs where JSON is read.
#include <nlohmann/json.hpp>

#include "command/options.h"

namespace gpu_node {

Result<std::map<std::string, std::string>> parse_settings_file(const std::string& path, std::string_view text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Error{ErrorCode::kInvalidArgument, path + ": expected a JSON object"};
  std::map<std::string, std::string> values;
  for (const auto& [key, value] : object.items()) {
    if (const auto* string = value.get_ptr<const std::string*>()) {
      values[key] = *string;
    } else if (value.is_number_integer() || value.is_boolean()) {
      values[key] = value.dump();
    } else {
      return Error{ErrorCode::kInvalidArgument,
                   path + ": " + key + ": expected a string, an integer or a boolean, got " + value.type_name()};
    }
  }
  return values;
}

}  // namespace gpu_node
