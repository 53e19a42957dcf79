rows f32.t reduce_max,0:f32 subtract,0,1:f32 exp,2:f32 sum,3:f32 divide,3,4:f32 > 5 k1w1n256r4v
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define INVOCATIONS 256u
#define LOG_INVOCATIONS 8u
#define P_OUTPUTS p0
#define P_COUNT p1
#define P_MODE p2
#define P_FOURS p3
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec4 in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { vec4 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
  layout(offset = 28) uint p7;
  layout(offset = 32) uint p8;
  layout(offset = 36) uint p9;
  layout(offset = 40) uint p10;
  layout(offset = 44) uint p11;
};
uint row0(uint index) {
  uint at = p4;
  at += p7 * index;
  return at;
}
uint along0(uint index) {
  uint at = 0u;
  at += p10 * index;
  return at;
}
uint row1(uint index) {
  uint at = p5;
  at += p8 * index;
  return at;
}
uint along1(uint index) {
  uint at = 0u;
  at += p11 * index;
  return at;
}
void main() {
  Seat seat = find_seat();
  uint row = min(seat.output_index, P_OUTPUTS - 1u), end = seat.inside ? P_COUNT : 0u;
  uint base0 = row0(row);
  uint base1 = row1(row);
  vec4 kept0_0;
  Acc0 acc1 = acc_identity0();
  {
    vec4 e0_0 = vec4(in0[base0 + along0(min(seat.lane + 0u * seat.lanes, P_COUNT - 1u))]);
    if (seat.lane + 0u * seat.lanes < end) {
    uint position = seat.lane + 0u * seat.lanes;
    vec4 k0;
    {
      uint column = 4u * position + 0u;
      float v0 = e0_0.x;
      float x1 = v0;
      acc_add0(acc1, x1, column);
      k0.x = v0;
    }
    {
      uint column = 4u * position + 1u;
      float v0 = e0_0.y;
      float x1 = v0;
      acc_add0(acc1, x1, column);
      k0.y = v0;
    }
    {
      uint column = 4u * position + 2u;
      float v0 = e0_0.z;
      float x1 = v0;
      acc_add0(acc1, x1, column);
      k0.z = v0;
    }
    {
      uint column = 4u * position + 3u;
      float v0 = e0_0.w;
      float x1 = v0;
      acc_add0(acc1, x1, column);
      k0.w = v0;
    }
    kept0_0 = k0;
    }
  }
  float a1 = acc_result0(acc_of_all0(acc1, seat));
  float r1 = a1;
  Acc1 acc4 = acc_identity1();
  {
    if (seat.lane + 0u * seat.lanes < end) {
    uint position = seat.lane + 0u * seat.lanes;
    vec4 k3;
    {
      uint column = 4u * position + 0u;
      float v0 = kept0_0.x;
      float v1 = r1;
      float v2 = op_subtract(v0, v1);
      float v3 = m_exp(v2);
      float x4 = v3;
      acc_add1(acc4, x4, column);
      k3.x = v3;
    }
    {
      uint column = 4u * position + 1u;
      float v0 = kept0_0.y;
      float v1 = r1;
      float v2 = op_subtract(v0, v1);
      float v3 = m_exp(v2);
      float x4 = v3;
      acc_add1(acc4, x4, column);
      k3.y = v3;
    }
    {
      uint column = 4u * position + 2u;
      float v0 = kept0_0.z;
      float v1 = r1;
      float v2 = op_subtract(v0, v1);
      float v3 = m_exp(v2);
      float x4 = v3;
      acc_add1(acc4, x4, column);
      k3.z = v3;
    }
    {
      uint column = 4u * position + 3u;
      float v0 = kept0_0.w;
      float v1 = r1;
      float v2 = op_subtract(v0, v1);
      float v3 = m_exp(v2);
      float x4 = v3;
      acc_add1(acc4, x4, column);
      k3.w = v3;
    }
    kept0_0 = k3;
    }
  }
  float a4 = acc_result1(acc_of_all1(acc4, seat));
  float r4 = a4;
  {
    if (seat.lane + 0u * seat.lanes < end) {
    uint position = seat.lane + 0u * seat.lanes;
    vec4 o0;
    {
      uint column = 4u * position + 0u;
      float v3 = kept0_0.x;
      float v4 = r4;
      float v5 = op_divide(v3, v4);
      o0.x = v5;
    }
    {
      uint column = 4u * position + 1u;
      float v3 = kept0_0.y;
      float v4 = r4;
      float v5 = op_divide(v3, v4);
      o0.y = v5;
    }
    {
      uint column = 4u * position + 2u;
      float v3 = kept0_0.z;
      float v4 = r4;
      float v5 = op_divide(v3, v4);
      o0.z = v5;
    }
    {
      uint column = 4u * position + 3u;
      float v3 = kept0_0.w;
      float v4 = r4;
      float v5 = op_divide(v3, v4);
      o0.w = v5;
    }
    out0[base1 + along1(position)] = vec4(o0);
    }
  }
}
