// The one file here that knows JSON. The library's exceptions end in parse_json.
#include "chain/family_file.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "base/concat.h"
#include "base/near_names.h"
#include "chain/expression.h"
#include "chain/json_lines.h"
#include "chain/model.h"

namespace gpu_node::chain {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 8;
constexpr size_t kMaxTextBytes = 4096;

// What the library says, without its own number for it: "[json.exception.parse_error.101] parse error at ...".
std::string plain(std::string_view what) {
  const size_t end = what.starts_with('[') ? what.find("] ") : what.npos;
  return std::string(end == what.npos ? what : what.substr(end + 2));
}

// |key| as far as a message has room for it.
std::string shortened(const std::string& key) {
  if (key.size() <= kMaxNameBytes) return key;
  size_t end = kMaxNameBytes;
  while (end > 0 && (static_cast<uint8_t>(key[end]) & 0xC0) == 0x80) --end;
  return key.substr(0, end) + "...";
}

// What the library reads a text with. It tells whoever asks how far that was, which the library does not.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(std::string_view text, size_t at, size_t* reached) : text_(text), at_(at), reached_(reached) {}
  reference operator*() const { return text_[at_]; }
  Reader& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  bool operator==(const Reader& other) const { return at_ == other.at_; }

 private:
  std::string_view text_;
  size_t at_;
  size_t* reached_;
};

// What is wrong first is said, with its line. A word or number is read with what follows it, a line's end perhaps.
Result<Json> parse_json(std::string_view text, const std::string& file) {
  size_t reached = 0;
  std::optional<Error> problem;
  const auto wrong = [&](const std::string& what, std::optional<size_t> bytes = {}) {
    const std::string_view before = text.substr(0, bytes.value_or(reached == 0 ? 0 : reached - 1));
    if (!problem)
      problem = with_details({ErrorCode::kInvalidArgument, file + ": /: parse: " + what},
                             {.stage = "parse", .file = file, .path = "/", .line = line_at_end(before)});
  };
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) wrong(concat("deeper than ", kMaxDepth, " levels"));
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.empty() &&
        !keys.back().insert(value.get_ref<const std::string&>()).second)
      wrong("the key '" + shortened(value.get_ref<const std::string&>()) + "' stands twice in one object");
    return !problem;
  };
  try {
    Json document = Json::parse(Reader(text, 0, &reached), Reader(text, text.size(), &reached), watch);
    if (!problem) return document;
  } catch (const Json::parse_error& error) {
    wrong(plain(error.what()), std::min(error.byte, text.size()));
  } catch (const Json::exception& exception) {
    wrong(plain(exception.what()));
  }
  return *std::move(problem);
}

// A place in the document. Every reader returns an error that names it.
class Place {
 public:
  Place(const Json& json, std::string path, const std::string& file)
      : json_(&json), path_(std::move(path)), file_(&file) {}

  Error wrong(const std::string& what) const {
    return family_error(*file_, path_.empty() ? "/" : path_, "check", what);
  }
  Error expected(const std::string& what) const { return wrong("expected " + what + ", found " + json_->type_name()); }

  // An object with no keys but these, all of |required| among them.
  Result<void> object(std::initializer_list<std::string_view> required,
                      std::initializer_list<std::string_view> optional) const {
    if (!json_->is_object()) return expected("an object");
    std::vector<std::string> known(required.begin(), required.end());
    known.insert(known.end(), optional.begin(), optional.end());
    for (const auto& [key, value] : json_->items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        return wrong("unknown key '" + shortened(key) + "'" + there_are(key, known));
    for (const std::string_view key : required)
      if (!json_->contains(key)) return wrong("the key '" + std::string(key) + "' is missing");
    return {};
  }
  bool has(const std::string& key) const { return json_->contains(key); }
  Place at(const std::string& key) const { return {(*json_)[key], path_ + "/" + key, *file_}; }
  Place at(size_t i) const { return {(*json_)[i], concat(path_, "/", i), *file_}; }

  Result<std::string> text(size_t most = kMaxTextBytes) const {
    const auto* string = json_->get_ptr<const std::string*>();
    if (string == nullptr) return expected("a string");
    if (string->size() > most) return wrong(concat("longer than ", most, " bytes"));
    return *string;
  }
  Result<double> number() const {
    if (!json_->is_number()) return expected("a number");
    return json_->get<double>();
  }
  Result<int64_t> whole_number() const {
    if (!json_->is_number_integer()) return expected("a whole number");
    const double value = json_->get<double>();
    if (std::fabs(value) > 1e15) return wrong("out of range");
    return json_->get<int64_t>();
  }
  Result<size_t> list(size_t limit) const {
    if (!json_->is_array()) return expected("a list");
    if (json_->size() > limit) return wrong(concat("more than ", limit, " entries"));
    return json_->size();
  }
  bool is_list() const { return json_->is_array(); }

  // Numbers in lists in lists, none of a length of its own.
  Result<Array> array(int rank = 2) const {
    if (!is_list()) {
      GPU_ASSIGN(const double value, number());
      return Array{{}, {value}};
    }
    if (rank == 0) return wrong("data has two dimensions at most");
    GPU_ASSIGN(const size_t count, list(kMaxFamilyBytes));
    if (count == 0) return wrong("an empty list");
    Array all;
    for (size_t i = 0; i < count; ++i) {
      GPU_ASSIGN(const Array part, at(i).array(rank - 1));
      if (i == 0) {
        all.shape = part.shape;
        all.shape.insert(all.shape.begin(), static_cast<int64_t>(count));
      } else if (!std::equal(part.shape.begin(), part.shape.end(), all.shape.begin() + 1, all.shape.end())) {
        return at(i).wrong("not of the shape of the entries before it");
      }
      all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    }
    return all;
  }

  // Calls |entry| with each key and its place.
  template <typename Entry>
  Result<void> each(Entry entry) const {
    if (!json_->is_object()) return expected("an object");
    for (const auto& [key, value] : json_->items()) GPU_TRY(entry(key, at(key)));
    return {};
  }

 private:
  const Json* json_;
  std::string path_;
  const std::string* file_;
};

// Fills the members of |entry| that stand in |place|; the others keep their values.
Result<FamilyEntry> read_entry(const Place& place) {
  FamilyEntry entry;
  const auto text = [&](const std::string& key, auto& into, size_t most = kMaxTextBytes) -> Result<void> {
    if (!place.has(key)) return {};
    GPU_ASSIGN(into, place.at(key).text(most));
    return {};
  };
  GPU_TRY(text("name", entry.name));
  GPU_TRY(text("support", entry.support));
  GPU_TRY(text("transform", entry.transform));
  GPU_TRY(text("indexes_into", entry.indexes_into));
  GPU_TRY(text("index", entry.index));
  GPU_TRY(text("over", entry.over));
  GPU_TRY(text("expression", entry.expression, kMaxExpressionBytes));
  std::string ignored;
  GPU_TRY(text("description", ignored));
  if (place.has("default")) {
    GPU_ASSIGN(entry.default_value, place.at("default").number());
  }
  if (place.has("size")) {
    GPU_ASSIGN(entry.size, place.at("size").whole_number());
  }
  if (place.has("values")) {
    GPU_ASSIGN(entry.values, place.at("values").array());
  }
  if (place.has("shape")) {
    const Place shape = place.at("shape");
    GPU_ASSIGN(const size_t rank, shape.list(2));
    for (size_t i = 0; i < rank; ++i) {
      GPU_ASSIGN(auto name, shape.at(i).text());
      entry.shape.push_back(std::move(name));
    }
  }
  return entry;
}

Result<std::vector<FamilyEntry>> read_entries(const Place& document, const std::string& key,
                                              std::initializer_list<std::string_view> required,
                                              std::initializer_list<std::string_view> optional) {
  std::vector<FamilyEntry> entries;
  if (!document.has(key)) return entries;
  const Place place = document.at(key);
  GPU_ASSIGN(const size_t count, place.list(kMaxSymbols));
  for (size_t i = 0; i < count; ++i) {
    GPU_TRY(place.at(i).object(required, optional));
    GPU_ASSIGN(auto entry, read_entry(place.at(i)));
    if (entry.index.has_value() != entry.over.has_value()) return place.at(i).wrong("'index' and 'over' go together");
    entries.push_back(std::move(entry));
  }
  return entries;
}

// One number or a list of them for each variable.
Result<std::map<std::string, std::vector<double>>> read_point(const Place& place) {
  std::map<std::string, std::vector<double>> point;
  GPU_TRY(place.each([&](const std::string& name, const Place& value) -> Result<void> {
    GPU_ASSIGN(Array array, value.array(1));
    point[name] = std::move(array.values);
    return {};
  }));
  return point;
}

Result<Example> read_example(const Place& place) {
  Example example;
  GPU_TRY(place.object({"unconstrained", "logp", "gradient"}, {"description", "parameters", "dimensions", "data"}));
  if (place.has("parameters"))
    GPU_TRY(place.at("parameters").each([&](const std::string& name, const Place& value) -> Result<void> {
      GPU_ASSIGN(example.inputs.parameters[name], value.number());
      return {};
    }));
  if (place.has("dimensions"))
    GPU_TRY(place.at("dimensions").each([&](const std::string& name, const Place& value) -> Result<void> {
      GPU_ASSIGN(example.inputs.dimensions[name], value.whole_number());
      return {};
    }));
  if (place.has("data"))
    GPU_TRY(place.at("data").each([&](const std::string& name, const Place& value) -> Result<void> {
      GPU_ASSIGN(example.inputs.data[name], value.array());
      return {};
    }));
  GPU_ASSIGN(example.point, read_point(place.at("unconstrained")));
  GPU_ASSIGN(example.logp, place.at("logp").number());
  GPU_ASSIGN(example.gradient, read_point(place.at("gradient")));
  return example;
}

}  // namespace

Error family_error(const std::string& file, const std::string& path, const char* stage, const std::string& what) {
  return with_details({ErrorCode::kInvalidArgument, file + ": " + path + ": " + stage + ": " + what},
                      {.stage = stage, .file = file, .path = path});
}

Result<FamilyFile> read_family_file(std::string_view text, const std::string& file) {
  if (text.size() > kMaxFamilyBytes)
    return family_error(file, "/", "parse", concat("larger than ", kMaxFamilyBytes, " bytes"));
  GPU_ASSIGN(const Json json, parse_json(text, file));
  const Place document(json, "", file);
  GPU_TRY(document.object({"name", "variables", "terms"},
                          {"description", "parameters", "dimensions", "data", "definitions", "example", "$schema"}));
  FamilyFile family;
  GPU_ASSIGN(family.name, document.at("name").text());
  if (document.has("description")) {
    GPU_ASSIGN(family.description, document.at("description").text());
  }
  if (document.has("$schema")) GPU_TRY(document.at("$schema").text());
  GPU_ASSIGN(family.parameters, read_entries(document, "parameters", {"name"}, {"description", "support", "default"}));
  GPU_ASSIGN(family.dimensions, read_entries(document, "dimensions", {"name"}, {"description", "size"}));
  GPU_ASSIGN(family.variables,
             read_entries(document, "variables", {"name"}, {"description", "shape", "support", "transform"}));
  GPU_ASSIGN(family.data, read_entries(document, "data", {"name"}, {"description", "shape", "indexes_into", "values"}));
  GPU_ASSIGN(family.definitions,
             read_entries(document, "definitions", {"name", "expression"}, {"description", "index", "over"}));
  GPU_ASSIGN(family.terms, read_entries(document, "terms", {"expression"}, {"description", "index", "over"}));
  if (document.has("example")) {
    GPU_ASSIGN(family.example, read_example(document.at("example")));
  }
  return family;
}

}  // namespace gpu_node::chain
