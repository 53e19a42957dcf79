// move g r4 u64 u8
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define USE_I64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint64_t from[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint8_t index0[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint64_t to[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
  layout(offset = 28) uint p7;
  layout(offset = 32) uint p8;
  layout(offset = 36) uint p9;
  layout(offset = 40) uint p10;
  layout(offset = 44) uint p11;
  layout(offset = 48) uint p12;
  layout(offset = 52) uint p13;
  layout(offset = 56) uint p14;
  layout(offset = 60) uint p15;
  layout(offset = 64) uint p16;
  layout(offset = 68) uint p17;
  layout(offset = 72) uint p18;
  layout(offset = 76) uint p19;
  layout(offset = 80) uint p20;
  layout(offset = 84) uint p21;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= p0) return;
  uint at_from = p5;
  uint at_index0 = p10;
  uint at_to = p15;
  uint rest = i;
  uint c3 = rest % p4; at_from += c3 * p9; at_index0 += c3 * p14; at_to += c3 * p19;
  rest /= p4;
  uint c2 = rest % p3; at_from += c2 * p8; at_index0 += c2 * p13; at_to += c2 * p18;
  rest /= p3;
  uint c1 = rest % p2; at_from += c1 * p7; at_index0 += c1 * p12; at_to += c1 * p17;
  rest /= p2;
  uint c0 = rest; at_from += c0 * p6; at_index0 += c0 * p11; at_to += c0 * p16;
  uint n0 = uint(clamp(uint(index0[at_index0]), 0u, uint(p20)));
  at_from += n0 * p21;
  to[at_to] = from[at_from];
}
