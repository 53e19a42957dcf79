// e bf16.s bf16.s multiply,0,1:bf16 r4
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint16_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint16_t in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint16_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint size2;
  layout(offset = 12) uint size3;
  layout(offset = 16) uint offset_in0;
  layout(offset = 20) uint stride_in0_0;
  layout(offset = 24) uint stride_in0_1;
  layout(offset = 28) uint stride_in0_2;
  layout(offset = 32) uint stride_in0_3;
  layout(offset = 36) uint offset_in1;
  layout(offset = 40) uint stride_in1_0;
  layout(offset = 44) uint stride_in1_1;
  layout(offset = 48) uint stride_in1_2;
  layout(offset = 52) uint stride_in1_3;
  layout(offset = 56) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint rest = i;
  uint c3 = rest % size3;
  rest /= size3;
  uint c2 = rest % size2;
  rest /= size2;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1 + c2 * stride_in0_2 + c3 * stride_in0_3;
  uint at_in1 = offset_in1 + c0 * stride_in1_0 + c1 * stride_in1_1 + c2 * stride_in1_2 + c3 * stride_in1_3;
  float v0 = bf16_value(uint(in0[at_in0]));
  float v1 = bf16_value(uint(in1[at_in1]));
  float v2 = op_multiply(v0, v1);
  out0[offset_out + i] = uint16_t(bf16_bits(v2));
}
