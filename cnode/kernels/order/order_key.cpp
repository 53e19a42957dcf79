#include "kernels/order/order_key.h"

#include "base/concat.h"

namespace gpu_node::kernels {
namespace {

// The greatest magnitude that is no NaN, of f64 its high word: infinity, where the type has one.
uint32_t greatest_magnitude(Dtype element) {
  switch (element) {
    case Dtype::f8:
      return 0x7c;
    case Dtype::f8_e4m3fn:
      return 0x7e;
    case Dtype::f16:
      return 0x7c00;
    case Dtype::bf16:
      return 0x7f80;
    case Dtype::f32:
      return 0x7f800000;
    default:
      return 0x7ff00000;
  }
}

}  // namespace

uint32_t order_key_bits(Dtype element) { return static_cast<uint32_t>(dtype_info(element).bits); }

void declare_keys(Dtype element, bool descending, ShaderBuilder& shader) {
  const uint32_t bits = order_key_bits(element);
  shader.define("KEY_BITS", concat(bits));
  shader.define("KEY_SIGN", concat(1u << (bits - 1) % 32, "u"));
  if (is_float(element))
    shader.define("KEY_FLOAT", concat(greatest_magnitude(element), "u"));
  else
    shader.define(dtype_info(element).kind == DtypeKind::kSigned ? "KEY_SIGNED" : "KEY_UNSIGNED");
  if (descending) shader.define("KEY_DESCENDING");
  shader.library("order_key.glsl");
}

void declare_bits(std::string_view name, Dtype element, ShaderBuilder::Access access, ShaderBuilder& shader) {
  switch (dtype_size_bytes(element)) {
    case 1:
      return shader.buffer(name, Dtype::u8, access);
    case 2:
      return shader.buffer(name, Dtype::u16, access);
    case 4:
      return shader.buffer(name, Dtype::u32, access);
    default:
      return shader.buffer(name, "uvec2", access);
  }
}

std::string bits_text(Dtype element, std::string_view of) {
  return dtype_size_bytes(element) == 8 ? std::string(of) : concat("uint(", of, ")");
}

std::string stored_bits_text(Dtype element, std::string_view bits) {
  switch (dtype_size_bytes(element)) {
    case 1:
      return concat("uint8_t(", bits, ")");
    case 2:
      return concat("uint16_t(", bits, ")");
    default:
      return std::string(bits);
  }
}

}  // namespace gpu_node::kernels
