// e u32.s u32.1 u32.l u32=d bitwise_xor,1,2:u32 left_shift,0,3:u32 add,5,4:u32 >6,5 r2 x4
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint out0[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { uint out1[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint offset_in0;
  layout(offset = 12) uint stride_in0_0;
  layout(offset = 16) uint stride_in0_1;
  layout(offset = 20) uint offset_in1;
  layout(offset = 24) uint offset_out;
  layout(offset = 28) uint offset_out1;
  layout(offset = 32) uint literal2;
};
void main() {
  uint first = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * (gl_WorkGroupSize.x * 4u) + gl_LocalInvocationID.x;
  uint v1 = in1[offset_in1];
  uint v2 = literal2;
  uint v3 = 13u;
  uint v4 = op_bitwise_xor(v1, v2);
  for (uint turn = 0u; turn < 4u; ++turn) {
  uint i = first + turn * gl_WorkGroupSize.x;
  if (i >= count) return;
  uint rest = i;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1;
  uint v0 = in0[at_in0];
  uint v5 = op_left_shift(v0, v3, 32);
  uint v6 = op_add(v5, v4);
  out0[offset_out + i] = v6;
  out1[offset_out1 + i] = v5;
  }
}
