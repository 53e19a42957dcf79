// e u16.f as_type,0:u16 r0
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint16_t in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint16_t out0[]; };
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
  out0[offset_out + i] = uint16_t(v1);
}
// move p r2 u8
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t index0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint last[]; };
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
  uint n0 = uint(clamp(uint(index0[at_index0]), 0u, uint(p6)));
  named += n0 * p8;
  last[i] = named;
}
// radix u32 a c b8 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_COUNT p1
#define P_BLOCKS p2
#define P_STEPS p3
#define P_SHIFT p4
#define P_KEEP p5
#define P_SOURCE p6
#define INVOCATIONS 256u
#define LOG_BINS 8u
#define COUNTS 
#define KEY_BITS 32
#define KEY_SIGN 2147483648u
#define KEY_UNSIGNED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint in_bits[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint offsets[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
};
void main() {
  radix_main();
}
// scan sum u32 aw n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_LINES p0
#define P_INNER p1
#define P_COUNT p2
#define P_SEGMENTS p3
#define P_STEPS p4
#define P_MODE p5
#define P_IN_START p6
#define P_IN_OUTER p7
#define P_IN_INNER p8
#define P_IN_STEP p9
#define P_OUT_START p10
#define P_OUT_OUTER p11
#define P_OUT_INNER p12
#define P_OUT_STEP p13
#define INVOCATIONS 256u
#define EXCLUSIVE 
#define VALUE uint
#define ACC_SUM 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) buffer Buffer0 { uint accs_value[]; };
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
};
void main() {
  scan_main();
}
// radix u32 a mvf u32 b8 n256 l32 x16
#version 460
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_COUNT p1
#define P_BLOCKS p2
#define P_STEPS p3
#define P_SHIFT p4
#define P_KEEP p5
#define P_SOURCE p6
#define INVOCATIONS 256u
#define LOG_BINS 8u
#define PLACES 
#define KEY_BITS 32
#define KEY_SIGN 2147483648u
#define KEY_UNSIGNED 
#define SUBGROUP 32
#define STEPS 16u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint in_bits[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint offsets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint out_bits[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { uint out_index[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
};
void main() {
  radix_main();
}
// segments op s16 s16 r2
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_INVOCATIONS p0
#define P_ROWS p1
#define P_WIDTH p2
#define P_CHUNK p3
#define P_IN_START p4
#define P_IN_STEP p5
#define P_OUT_START p6
#define P_OUT_STEP p7
#define VALUE int
#define ACC_SUM 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint in_key[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint order[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { int16_t updates[]; };
layout(set = 0, binding = 3, std430) buffer Buffer3 { int16_t target[]; };
layout(set = 0, binding = 4, std430) writeonly buffer Buffer4 { uint out_key[]; };
layout(set = 0, binding = 5, std430) writeonly buffer Buffer5 { int out_value[]; };
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
};
uvec2 column_offsets(uint index) {
  uvec2 at = uvec2(0u);
  at += uvec2(p12, p13) * (index % p11);
  index /= p11;
  at += uvec2(p9, p10) * index;
  return at;
}
void take(inout Acc acc, uint at, uint column, uint in_column) {
  uint from = P_IN_START + order[at] * P_IN_STEP + in_column;
  acc_add(acc, int(updates[from]), at);
}
void put(uint key, uint out_column, Acc acc) {
  uint to = P_OUT_START + key * P_OUT_STEP + out_column;
  acc_add(acc, int(target[to]), 0u);
  target[to] = int16_t(acc_result(acc));
}
void put_part(uint part, uint column, uint key, Acc acc) {
  if (column == 0u) out_key[part] = key;
  out_value[part * P_WIDTH + column] = acc.value;
}
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= P_INVOCATIONS) return;
  segments_main(i);
}
// segments al s16 r2
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_INVOCATIONS p0
#define P_ROWS p1
#define P_WIDTH p2
#define P_CHUNK p3
#define P_IN_START p4
#define P_IN_STEP p5
#define P_OUT_START p6
#define P_OUT_STEP p7
#define LAST 
#define VALUE int
#define ACC_SUM 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint in_key[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int in_value[]; };
layout(set = 0, binding = 2, std430) buffer Buffer2 { int16_t target[]; };
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
};
uvec2 column_offsets(uint index) {
  uvec2 at = uvec2(0u);
  at += uvec2(p12, p13) * (index % p11);
  index /= p11;
  at += uvec2(p9, p10) * index;
  return at;
}
void take(inout Acc acc, uint at, uint column, uint in_column) {
  acc = acc_merge(acc, Acc(in_value[at * P_WIDTH + column]));
}
void put(uint key, uint out_column, Acc acc) {
  uint to = P_OUT_START + key * P_OUT_STEP + out_column;
  acc_add(acc, int(target[to]), 0u);
  target[to] = int16_t(acc_result(acc));
}
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= P_INVOCATIONS) return;
  segments_main(i);
}
