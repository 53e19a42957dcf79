// iota f16
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) writeonly buffer Buffer0 { uint16_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint base;
  layout(offset = 4) uint first;
  layout(offset = 8) uint second;
  layout(offset = 12) uint count;
  layout(offset = 16) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint n = base + i;
  uint coordinate = (n / first) % second;
  float v0 = f16_value(f16_bits(odd_f32(coordinate)));
  out0[offset_out + i] = uint16_t(f16_bits(v0));
}
