#include "kernels/order/order_shader.h"

#include <bit>

#include "base/concat.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/order/order_key.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

constexpr uint32_t kPackedBits = 16;  // of a key and of a position that one word holds

std::string_view word_buffer(const OrderPass& pass) {
  constexpr std::string_view kTypes[] = {"uint", "uvec2", "uvec4"};
  return kTypes[pass.parts() - 1];
}

std::string source_text(const OrderPass& pass, std::string_view position) {
  return bits_text(pass.element, concat("source[P_SOURCE + row * P_LENGTH + ", position, "]"));
}

// The functions that shaders/order.glsl is told elements by, and tells their order.
std::string take_text(const OrderPass& pass) {
  std::string text = "WORD word_at(uint row, uint position) {\n";
  if (pass.reads_source) {
    text += concat("  KEY bits = ", source_text(pass, "position"), ";\n");
    if (pass.restores()) text += "  others = others || has_kin(bits);\n";
    text += "  return word_of(order_key(bits), position);\n";
  } else {
    text += concat("  return in_word[row * P_COUNT + position]", pass.parts() == 3 ? ".xyz" : "", ";\n");
  }
  return text + "}\n";
}

std::string put_text(const OrderPass& pass, ShaderBuilder& shader) {
  std::string text =
      "void put(uint row, uint segment, uint position, WORD word) {\n"
      "  uint at = segment * P_KEEP + position;\n"
      "  if (position >= P_KEEP || at >= P_OUT) return;\n"
      "  at += row * P_OUT;\n";
  if (!pass.writes_results) {
    text += concat("  out_word[at] = ", pass.parts() == 3 ? "uvec4(word, 0u)" : "word", ";\n");
    return text + "}\n";
  }
  if (pass.has_positions()) text += "  uint index = index_of(word);\n";
  if (pass.values)
    text += concat("  values[at] = ",
                   stored_bits_text(pass.element, pass.has_positions() ? source_text(pass, "index") : "bits_of(word)"),
                   ";\n");
  if (pass.positions)
    text +=
        concat("  positions[at] = ", shader.store(pass.index, shader.convert(Dtype::u32, pass.index, "index")), ";\n");
  return text + "}\n";
}

std::string restore_text(const OrderPass& pass) {
  return concat("KEY bits_at(uint row, uint position) { return ", source_text(pass, "position"),
                "; }\n"
                "void restore(uint row, uint position, KEY bits) { values[row * P_OUT + position] = ",
                stored_bits_text(pass.element, "bits"), "; }\n");
}

// The steps of the network whose places differ by |mask|.
void add_steps(uint32_t registers, uint32_t mask, std::string& text) {
  for (uint32_t low = 0; low < registers; ++low)
    if ((low & std::bit_floor(mask)) == 0) text += concat("  STEP(", low, ", ", low ^ mask, ")\n");
}

std::string steps_text(uint32_t log_registers) {
  const uint32_t registers = 1u << log_registers;
  std::string text = "void sort_registers() {\n";
  for (uint32_t size = 2; size <= registers; size *= 2) {
    add_steps(registers, size - 1, text);
    for (uint32_t stride = size / 4; stride > 0; stride /= 2) add_steps(registers, stride, text);
  }
  text += "}\nvoid merge_registers() {\n";
  for (uint32_t stride = registers / 2; stride > 0; stride /= 2) add_steps(registers, stride, text);
  return text + "}\n";
}

}  // namespace

bool OrderPass::is_packed() const { return has_positions() && short_rows && order_key_bits(element) <= kPackedBits; }

uint32_t OrderPass::parts() const {
  const uint32_t of_key = order_key_bits(element) == 64 ? 2 : 1;
  return has_positions() && !is_packed() ? of_key + 1 : of_key;
}

uint32_t OrderPass::log_block() const { return log_registers + static_cast<uint32_t>(std::countr_zero(invocations)); }

uint32_t OrderPass::shared_bytes() const {
  // Vectors of three may lie as those of four.
  return (word_bytes() << log_block()) + (restores() ? 4 * (invocations + 1) : 0);
}

std::string OrderPass::key() const {
  return concat("order ", dtype_name(element), " ", dtype_name(index), reads_source ? " s" : " p",
                writes_results ? "r" : "p", values ? "v" : "", positions ? "i" : "", descending ? "d" : "a",
                short_rows ? "s" : "", " r", log_registers, " n", invocations, " l", subgroup);
}

Result<vulkan::KernelSource> OrderPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  if (subgroup > 1) shader.use_subgroups();
  if (binds_source()) declare_bits("source", element, kRead, shader);
  if (!reads_source) shader.buffer("in_word", word_buffer(*this), kRead);
  if (writes_results) {
    if (values) declare_bits("values", element, kWrite, shader);
    if (positions) shader.buffer("positions", index, kWrite);
  } else {
    shader.buffer("out_word", word_buffer(*this), kWrite);
  }
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("LOG_REGISTERS", concat(log_registers, "u"));
  shader.define("SUBGROUP", concat(subgroup));
  shader.define("WORD_PARTS", concat(parts()));
  if (has_positions()) shader.define("INDEX_BITS", is_packed() ? "16" : "32");
  if (restores()) shader.define("RESTORES");
  declare_keys(element, descending, shader);
  shader.library("order.glsl");
  shader.declare(take_text(*this));
  shader.declare(put_text(*this, shader));
  if (restores()) shader.declare(restore_text(*this));
  shader.declare(steps_text(log_registers));
  shader.body() += "  order_main();\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
