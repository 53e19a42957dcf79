// The twenty element types of Nx: names, sizes on the device and on the wire, and what computes them.
//
// On the device every element takes size_bytes; sub-byte types (s2 s4 u2 u4) take one byte there, sign- or
// zero-extended, and are packed bitstrings only on the BEAM side, whose client packs and unpacks them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gpu_node {

// clang-format off
enum class Dtype : uint8_t {
  s2, s4, s8, s16, s32, s64,
  u2, u4, u8, u16, u32, u64,
  f8, f8_e4m3fn, f16, bf16, f32, f64,
  c64, c128,
};
// clang-format on
inline constexpr int kDtypeCount = 20;

enum class DtypeKind : uint8_t { kSigned, kUnsigned, kFloat, kComplex };

// The type in which GLSL computes: integers below 32 bits widen to 32, the small floats to f32. Results are rounded (or
// wrapped) back to the element type after every op.
enum class ComputeType : uint8_t { kI32, kU32, kI64, kU64, kF32, kF64, kC64, kC128 };

struct DtypeInfo {
  Dtype dtype;
  std::string_view name;  // Nx's spelling, also on the wire: "f32", "bf16", "f8_e4m3fn"
  DtypeKind kind;
  int bits;        // significant bits of one element
  int size_bytes;  // of one element on the device and on the wire
  ComputeType compute;
};

const DtypeInfo& dtype_info(Dtype dtype);

inline std::string_view dtype_name(Dtype dtype) { return dtype_info(dtype).name; }
inline int dtype_size_bytes(Dtype dtype) { return dtype_info(dtype).size_bytes; }
inline bool is_integer(Dtype dtype) { return dtype_info(dtype).kind <= DtypeKind::kUnsigned; }
inline bool is_float(Dtype dtype) { return dtype_info(dtype).kind == DtypeKind::kFloat; }
inline bool is_complex(Dtype dtype) { return dtype_info(dtype).kind == DtypeKind::kComplex; }

// Of a complex type that of its parts; of a real one itself.
inline Dtype component_type(Dtype dtype) {
  return dtype == Dtype::c64 ? Dtype::f32 : dtype == Dtype::c128 ? Dtype::f64 : dtype;
}

// The element type whose values are those of |dtype|'s compute type.
Dtype computing_type(Dtype dtype);

// The type whose Nx name is |name|.
std::optional<Dtype> find_dtype(std::string_view name);

}  // namespace gpu_node
