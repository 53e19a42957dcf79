// scan max u8 ew n256
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_LINES p0
#define P_INNER p1
#define P_COUNT p2
#define P_SEGMENTS p3
#define P_STEPS p4
#define P_MODE p5
#define P_IN_START p6
#define P_IN_OUTER p7
#define P_IN_INNER p8
#define P_IN_STEP p9
#define P_OUT_START p10
#define P_OUT_OUTER p11
#define P_OUT_INNER p12
#define P_OUT_STEP p13
#define INVOCATIONS 256u
#define VALUE uint
#define ACC_MAX 
#define ACC_START 0u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint8_t result[]; };
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
  layout(offset = 48) uint p12;
  layout(offset = 52) uint p13;
};
void take(inout Acc acc, uint line, uint position) {
  acc_add(acc, uint(source[P_IN_START + line / P_INNER * P_IN_OUTER + line % P_INNER * P_IN_INNER + position * P_IN_STEP]), position);
}
void put(uint line, uint position, Acc acc) {
  result[P_OUT_START + line / P_INNER * P_OUT_OUTER + line % P_INNER * P_OUT_INNER + position * P_OUT_STEP] = uint8_t(acc_result(acc));
}
void main() {
  scan_main();
}
