// e u8.f f16.f f16.l select,0,1,2:f16 r0
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint16_t in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint16_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
  layout(offset = 16) uint literal2;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint v0 = uint(in0[offset_in0 + i]);
  float v1 = f16_value(uint(in1[offset_in1 + i]));
  float v2 = uintBitsToFloat(literal2);
  float v3 = (is_true(v0) ? v1 : v2);
  out0[offset_out + i] = uint16_t(f16_bits(v3));
}
