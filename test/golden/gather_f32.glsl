// move g r2 u32 s64 s64
#version 460
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define USE_I64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint from[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int64_t index0[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { int64_t index1[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { uint to[]; };
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
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= p0) return;
  uint at_from = p3;
  uint at_index0 = p6;
  uint at_index1 = p9;
  uint at_to = p12;
  uint rest = i;
  uint c1 = rest % p2; at_from += c1 * p5; at_index0 += c1 * p8; at_index1 += c1 * p11; at_to += c1 * p14;
  rest /= p2;
  uint c0 = rest; at_from += c0 * p4; at_index0 += c0 * p7; at_index1 += c0 * p10; at_to += c0 * p13;
  uint n0 = uint(clamp(index0[at_index0], 0l, int64_t(p15)));
  at_from += n0 * p16;
  uint n1 = uint(clamp(index1[at_index1], 0l, int64_t(p17)));
  at_from += n1 * p18;
  to[at_to] = from[at_from];
}
