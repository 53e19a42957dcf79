#include "kernels/move/move_shader.h"

#include "base/concat.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

class MoveText {
 public:
  MoveText(const MoveKernel& kernel, ShaderBuilder& shader) : kernel_(kernel), shader_(shader) {}

  void write();

 private:
  std::string parameter(uint32_t position) const { return parameter_text(position, kernel_.words()); }
  std::string column_parameter(uint32_t column, uint32_t word) const {
    return parameter(kernel_.first_column() + column * kernel_.column_words() + word);
  }
  // A name of each place, in their order.
  SmallList<std::string, 4> places() const;
  std::string walk_text() const;
  std::string index_text(uint32_t column) const;

  const MoveKernel& kernel_;
  ShaderBuilder& shader_;
};

SmallList<std::string, 4> MoveText::places() const {
  SmallList<std::string, 4> names;
  if (kernel_.moves()) names.push_back("from");
  for (size_t k = 0; k < kernel_.columns.size(); ++k) names.push_back(concat("index", k));
  if (kernel_.moves()) names.push_back("to");
  if (kernel_.kind == MoveKernel::Kind::kScatterLast) names.push_back("row");
  return names;
}

// Where the element lies in every place.
std::string MoveText::walk_text() const {
  const SmallList<std::string, 4> names = places();
  std::string text;
  const auto at = [&](uint32_t place, uint32_t word) {
    return parameter(kernel_.first_place() + place * kernel_.place_words() + word);
  };
  for (uint32_t p = 0; p < names.size(); ++p) text += concat("  uint at_", names[p], " = ", at(p, 0), ";\n");
  text += "  uint rest = i;\n";
  return text + unravel_text(
                    "rest", kernel_.rank, [this](uint32_t axis) { return parameter(1 + axis); },
                    [&](uint32_t axis, const std::string& index) {
                      std::string line = concat("uint c", axis, " = ", index);
                      for (uint32_t p = 0; p < names.size(); ++p)
                        line += concat("; at_", names[p], " += c", axis, " * ", at(p, 1 + axis));
                      return line;
                    });
}

// The index of |column|, held inside its axis.
std::string MoveText::index_text(uint32_t column) const {
  const Dtype type = kernel_.columns[column];
  const std::string_view computed = compute_type(type);
  const std::string value = shader_.load(type, concat("index", column, "[at_index", column, "]"));
  const std::string most = concat(computed, "(", column_parameter(column, 0), ")");
  return concat("uint(clamp(", value, ", ", zero_literal(type), ", ", most, "))");
}

void MoveText::write() {
  using enum MoveKernel::Kind;
  const bool gathers = kernel_.kind == kGather;
  std::string& body = shader_.body();
  body += element_prologue(parameter(0)) + walk_text();
  if (kernel_.names()) body += "  uint named = 0u;\n";
  for (uint32_t k = 0; k < kernel_.columns.size(); ++k) {
    body += concat("  uint n", k, " = ", index_text(k), ";\n");
    if (kernel_.moves())
      body += concat("  ", gathers ? "at_from" : "at_to", " += n", k, " * ", column_parameter(k, 1), ";\n");
    if (kernel_.names()) body += concat("  named += n", k, " * ", column_parameter(k, 2), ";\n");
  }
  if (kernel_.kind == kClaim)
    body += "  atomicMax(last[named], i + 1u);\n";
  else if (kernel_.kind == kPlaces)
    body += "  last[i] = named;\n";
  else
    body += concat(kernel_.kind == kScatterLast ? "  if (last[named] == at_row + 1u) " : "  ",
                   "to[at_to] = from[at_from];\n");
}

}  // namespace

std::string MoveKernel::key() const {
  static constexpr char kKinds[] = {'g', 's', 'p', 'c', 'l'};
  std::string key = concat("move ", std::string(1, kKinds[static_cast<size_t>(kind)]), " r", rank);
  if (moves()) key += concat(" ", dtype_name(element));
  for (const Dtype column : columns) key += concat(" ", dtype_name(column));
  return key;
}

Result<vulkan::KernelSource> MoveKernel::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  if (moves()) shader.buffer("from", element, kRead);
  for (size_t k = 0; k < columns.size(); ++k) shader.buffer(concat("index", k), columns[k], kRead);
  if (names())
    shader.buffer("last", "uint", kind == Kind::kClaim ? kReadWrite : kind == Kind::kPlaces ? kWrite : kRead);
  if (moves()) shader.buffer("to", element, kWrite);
  shader.parameters(words());
  MoveText(*this, shader).write();
  return shader.build();
}

}  // namespace gpu_node::kernels
