// e bf16.l as_type,0:bf16 r0
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) writeonly buffer Buffer0 { uint16_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_out;
  layout(offset = 8) uint literal0;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  float v0 = uintBitsToFloat(literal0);
  float v1 = v0;
  out0[offset_out + i] = uint16_t(bf16_bits(v1));
}
// e u16.s as_type,0:u16 r2s
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint16_t in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint16_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint offset_in0;
  layout(offset = 12) uint stride_in0_0;
  layout(offset = 16) uint stride_in0_1;
  layout(offset = 20) uint offset_out;
  layout(offset = 24) uint stride_out_0;
  layout(offset = 28) uint stride_out_1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint rest = i;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1;
  uint at_out = offset_out + c0 * stride_out_0 + c1 * stride_out_1;
  uint v0 = uint(in0[at_in0]);
  uint v1 = v0;
  out0[at_out] = uint16_t(v1);
}
// window choose max bf16 r2
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint16_t tensor[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint chosen[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { uint parameters[]; };
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= parameters[0]) return;
  uint rest = i;
  uint w1 = rest % parameters[3];
  rest /= parameters[3];
  uint w0 = rest;
  uint first = parameters[6];
  first += w0 * parameters[7];
  first += w1 * parameters[8];
  float best = 0.0;
  uint choice = 0u;
  for (uint k = 0u; k < parameters[1]; ++k) {
  uint at = first;
  uint left = k;
  uint c1 = left % parameters[5];
  left /= parameters[5];
  uint c0 = left;
  at += c0 * parameters[10];
  at += c1 * parameters[11];
  float x = bf16_value(uint(tensor[at]));
  if (k == 0u || x >= best) {
    best = x;
    choice = k;
  }
  }
  chosen[i] = choice;
}
// window gather f32 f32 f32 r2
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float source[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float init[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { uint chosen[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { float to[]; };
layout(set = 0, binding = 4, std430) readonly buffer Buffer4 { uint parameters[]; };
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= parameters[0]) return;
  uint rest = i;
  uint x1 = rest % parameters[7];
  rest /= parameters[7];
  uint x0 = rest;
  double sum = mi_widen(init[parameters[1]]);
  int p0 = int(x0 + parameters[6]);
  int last0 = p0 < 0 ? -1 : min(p0 / int(parameters[5]), int(parameters[3]) - 1);
  int first0 = max(0, (p0 - int(parameters[4]) + int(parameters[5])) / int(parameters[5]));
  int p1 = int(x1 + parameters[11]);
  int last1 = p1 < 0 ? -1 : min(p1 / int(parameters[10]), int(parameters[8]) - 1);
  int first1 = max(0, (p1 - int(parameters[9]) + int(parameters[10])) / int(parameters[10]));
  for (int o0 = first0; o0 <= last0; ++o0) {
  for (int o1 = first1; o1 <= last1; ++o1) {
  uint window = 0u, k = 0u;
  uint at = parameters[12];
  window = window * parameters[3] + uint(o0);
  k = k * parameters[4] + uint(p0 - o0 * int(parameters[5]));
  at += uint(o0) * parameters[13];
  window = window * parameters[8] + uint(o1);
  k = k * parameters[9] + uint(p1 - o1 * int(parameters[10]));
  at += uint(o1) * parameters[14];
  if (chosen[window] == k) sum += mi_widen(source[at]);
  }
  }
  to[i] = float(sum);
}
