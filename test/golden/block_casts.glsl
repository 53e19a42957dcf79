// e f64.f as_type,0:f32 as_type,1:f64 s8=ffffffffffffffff less,2,3:u8 select,4,2,0:f64 r0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { double out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  double v0 = in0[offset_in0 + i];
  float v1 = float(v0);
  double v2 = mi_widen(v1);
  int v3 = int(4294967295u);
  uint v4 = uint(compare(v3, v2) == 1);
  double v5 = op_select(is_true(v4), v2, v0);
  out0[offset_out + i] = v5;
}
