// e f32.f f32.l add,0,1:f32 r0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { float out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_out;
  layout(offset = 12) uint literal1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  float v0 = in0[offset_in0 + i];
  float v1 = uintBitsToFloat(literal1);
  float v2 = op_add(v0, v1);
  out0[offset_out + i] = v2;
}
