#include "tensor/dtype.h"

#include <array>

namespace gpu_node {
namespace {

using enum DtypeKind;
using enum ComputeType;

constexpr std::array<DtypeInfo, kDtypeCount> kTable = {{
    {Dtype::s2, "s2", kSigned, 2, 1, kI32},      {Dtype::s4, "s4", kSigned, 4, 1, kI32},
    {Dtype::s8, "s8", kSigned, 8, 1, kI32},      {Dtype::s16, "s16", kSigned, 16, 2, kI32},
    {Dtype::s32, "s32", kSigned, 32, 4, kI32},   {Dtype::s64, "s64", kSigned, 64, 8, kI64},
    {Dtype::u2, "u2", kUnsigned, 2, 1, kU32},    {Dtype::u4, "u4", kUnsigned, 4, 1, kU32},
    {Dtype::u8, "u8", kUnsigned, 8, 1, kU32},    {Dtype::u16, "u16", kUnsigned, 16, 2, kU32},
    {Dtype::u32, "u32", kUnsigned, 32, 4, kU32}, {Dtype::u64, "u64", kUnsigned, 64, 8, kU64},
    {Dtype::f8, "f8", kFloat, 8, 1, kF32},       {Dtype::f8_e4m3fn, "f8_e4m3fn", kFloat, 8, 1, kF32},
    {Dtype::f16, "f16", kFloat, 16, 2, kF32},    {Dtype::bf16, "bf16", kFloat, 16, 2, kF32},
    {Dtype::f32, "f32", kFloat, 32, 4, kF32},    {Dtype::f64, "f64", kFloat, 64, 8, kF64},
    {Dtype::c64, "c64", kComplex, 64, 8, kC64},  {Dtype::c128, "c128", kComplex, 128, 16, kC128},
}};

}  // namespace

const DtypeInfo& dtype_info(Dtype dtype) { return kTable[static_cast<size_t>(dtype)]; }

Dtype computing_type(Dtype dtype) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
      return Dtype::s32;
    case ComputeType::kU32:
      return Dtype::u32;
    case ComputeType::kF32:
      return Dtype::f32;
    default:
      return dtype;
  }
}

std::optional<Dtype> find_dtype(std::string_view name) {
  for (const DtypeInfo& row : kTable)
    if (row.name == name) return row.dtype;
  return std::nullopt;
}

}  // namespace gpu_node
