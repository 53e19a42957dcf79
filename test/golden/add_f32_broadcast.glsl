// e f32.s f32.s add,0,1:f32 r2
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { float out0[]; };
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
  float v0 = in0[at_in0];
  float v1 = in1[at_in1];
  float v2 = op_add(v0, v1);
  out0[offset_out + i] = v2;
}
