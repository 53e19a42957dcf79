// e u8.s u8.s subtract,0,1:u8 rb
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint8_t in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint8_t out0[]; };
layout(set = 0, binding = 3, std430) readonly buffer Buffer3 { uint parameters[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint at_in0 = offset_in0;
  uint at_in1 = offset_in1;
  uint rest = i;
  for (uint d = 0u; d < parameters[0]; ++d) {
    uint row = 1u + d * 3u;
    uint c = rest % parameters[row];
    rest /= parameters[row];
    at_in0 += c * parameters[row + 1u];
    at_in1 += c * parameters[row + 2u];
  }
  uint v0 = uint(in0[at_in0]);
  uint v1 = uint(in1[at_in1]);
  uint v2 = op_subtract(v0, v1);
  out0[offset_out + i] = uint8_t(v2);
}
