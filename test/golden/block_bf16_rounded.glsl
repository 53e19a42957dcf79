// e bf16.f bf16.l f32=3f000000 add,0,1:bf16 multiply,3,2:bf16 max,4,0:bf16 r0
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
  layout(offset = 12) uint literal1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  float v0 = bf16_value(uint(in0[offset_in0 + i]));
  float v1 = uintBitsToFloat(literal1);
  float v2 = uintBitsToFloat(1056964608u);
  float v3 = bf16_value(bf16_bits(op_add(v0, v1)));
  float v4 = bf16_value(bf16_bits(op_multiply(v3, v2)));
  float v5 = op_max(v4, v0);
  out0[offset_out + i] = uint16_t(bf16_bits(v5));
}
