// e s64.f u8.f divide,0,1:f32@f64 r0
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_I64
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int64_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint8_t in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { float out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  int64_t v0 = in0[offset_in0 + i];
  uint v1 = uint(in1[offset_in1 + i]);
  float v2 = float(op_divide(double(v0), double(v1)));
  out0[offset_out + i] = v2;
}
