// e u8.f as_type,0:u8 r0
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint8_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint v0 = uint(in0[offset_in0 + i]);
  uint v1 = v0;
  out0[offset_out + i] = uint8_t(v1);
}
// e u32.l as_type,0:u32 r0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) writeonly buffer Buffer0 { uint out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_out;
  layout(offset = 8) uint literal0;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint v0 = literal0;
  uint v1 = v0;
  out0[offset_out + i] = v1;
}
// move c r2 s32
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int index0[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { uint last[]; };
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
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= p0) return;
  uint at_index0 = p3;
  uint rest = i;
  uint c1 = rest % p2; at_index0 += c1 * p5;
  rest /= p2;
  uint c0 = rest; at_index0 += c0 * p4;
  uint named = 0u;
  uint n0 = uint(clamp(index0[at_index0], 0, int(p6)));
  named += n0 * p8;
  atomicMax(last[named], i + 1u);
}
// move l r2 u8 s32
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t from[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int index0[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { uint last[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { uint8_t to[]; };
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
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= p0) return;
  uint at_from = p3;
  uint at_index0 = p6;
  uint at_to = p9;
  uint at_row = p12;
  uint rest = i;
  uint c1 = rest % p2; at_from += c1 * p5; at_index0 += c1 * p8; at_to += c1 * p11; at_row += c1 * p14;
  rest /= p2;
  uint c0 = rest; at_from += c0 * p4; at_index0 += c0 * p7; at_to += c0 * p10; at_row += c0 * p13;
  uint named = 0u;
  uint n0 = uint(clamp(index0[at_index0], 0, int(p15)));
  at_to += n0 * p16;
  named += n0 * p17;
  if (last[named] == at_row + 1u) to[at_to] = from[at_from];
}
