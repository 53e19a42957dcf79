// e u8.s s64.s s64=8000000000000000 add,0,1:s64 subtract,3,2:s64 equal,3,1:u8 >4,5,3 r2s
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define USE_I64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int64_t in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { int64_t out0[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { uint8_t out1[]; };
layout(set = 0, binding = 4, std430) writeonly buffer Buffer4 { int64_t out2[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint offset_in0;
  layout(offset = 12) uint stride_in0_0;
  layout(offset = 16) uint stride_in0_1;
  layout(offset = 20) uint offset_in1;
  layout(offset = 24) uint stride_in1_0;
  layout(offset = 28) uint stride_in1_1;
  layout(offset = 32) uint offset_out;
  layout(offset = 36) uint stride_out_0;
  layout(offset = 40) uint stride_out_1;
  layout(offset = 44) uint offset_out1;
  layout(offset = 48) uint stride_out1_0;
  layout(offset = 52) uint stride_out1_1;
  layout(offset = 56) uint offset_out2;
  layout(offset = 60) uint stride_out2_0;
  layout(offset = 64) uint stride_out2_1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint rest = i;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1;
  uint at_in1 = offset_in1 + c0 * stride_in1_0 + c1 * stride_in1_1;
  uint at_out = offset_out + c0 * stride_out_0 + c1 * stride_out_1;
  uint at_out1 = offset_out1 + c0 * stride_out1_0 + c1 * stride_out1_1;
  uint at_out2 = offset_out2 + c0 * stride_out2_0 + c1 * stride_out2_1;
  uint v0 = uint(in0[at_in0]);
  int64_t v1 = in1[at_in1];
  int64_t v2 = int64_t(packUint2x32(uvec2(0u, 2147483648u)));
  int64_t v3 = op_add(int64_t(int64_t(v0)), v1);
  int64_t v4 = op_subtract(v3, v2);
  uint v5 = uint(v3 == v1);
  out0[at_out] = v4;
  out1[at_out1] = uint8_t(v5);
  out2[at_out2] = v3;
}
