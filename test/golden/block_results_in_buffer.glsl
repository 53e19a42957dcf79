// e s32.s s32.1 add,0,1:s32 subtract,0,1:s32 >2,3 rbs
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { int out0[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { int out1[]; };
layout(set = 0, binding = 4, std430) readonly buffer Buffer4 { uint parameters[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
  layout(offset = 16) uint offset_out1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint at_in0 = offset_in0;
  uint at_out = offset_out;
  uint at_out1 = offset_out1;
  uint rest = i;
  for (uint d = 0u; d < parameters[0]; ++d) {
    uint row = 1u + d * 4u;
    uint c = rest % parameters[row];
    rest /= parameters[row];
    at_in0 += c * parameters[row + 1u];
    at_out += c * parameters[row + 2u];
    at_out1 += c * parameters[row + 3u];
  }
  int v0 = in0[at_in0];
  int v1 = in1[offset_in1];
  int v2 = op_add(v0, v1);
  int v3 = op_subtract(v0, v1);
  out0[at_out] = v2;
  out1[at_out1] = v3;
}
