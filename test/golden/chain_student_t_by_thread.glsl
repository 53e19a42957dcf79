// chain student_t by thread
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define LANES 256u
#define FAN 8u
#define SUMS 1u
#define LAST_STAGE 2u
#define LOGP_SLOT words[11u]
#define PARTS words[12u]
#define CHAIN_PER_THREAD 
layout(local_size_x = 32, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { restrict double known[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { restrict uint words[]; };
layout(set = 0, binding = 2, std430) buffer Buffer2 { restrict double state[]; };
layout(set = 0, binding = 3, std430) readonly buffer Buffer3 { restrict double position[]; };
layout(set = 0, binding = 4, std430) readonly buffer Buffer4 { restrict double momentum[]; };
layout(set = 0, binding = 5, std430) readonly buffer Buffer5 { restrict double inverse_mass[]; };
layout(set = 0, binding = 6, std430) readonly buffer Buffer6 { restrict double step_size[]; };
layout(set = 0, binding = 7, std430) writeonly buffer Buffer7 { restrict double positions[]; };
layout(set = 0, binding = 8, std430) writeonly buffer Buffer8 { restrict double momenta[]; };
layout(set = 0, binding = 9, std430) writeonly buffer Buffer9 { restrict double gradients[]; };
layout(set = 0, binding = 10, std430) writeonly buffer Buffer10 { restrict double logp[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p_batch;
  layout(offset = 4) uint p_chain_first;
  layout(offset = 8) uint p_chain_end;
  layout(offset = 12) uint p_batch_first;
  layout(offset = 16) uint p_coordinates;
  layout(offset = 20) uint p_chain_slots;
  layout(offset = 24) uint p_round_first;
  layout(offset = 28) uint p_round_end;
  layout(offset = 32) uint p_rows;
  layout(offset = 36) uint p_last;
  layout(offset = 40) uint p_stage_first;
  layout(offset = 44) uint p_stage_end;
  layout(offset = 48) uint p_begin;
  layout(offset = 52) uint p_end;
  layout(offset = 56) uint p_inner_begin;
  layout(offset = 60) uint p_inner_end;
  layout(offset = 64) uint p_mass_stride;
  layout(offset = 68) uint p_step_stride;
};
void stage_1() {
  uint size = words[0u], end = min(size, END);
  REAL t0 = REAL(0);
  for (uint branch = 0u; branch < min(size, LANES); branch += FAN) {
    REAL b0 = REAL(0);
    for (uint part = branch; part < min(branch + FAN, min(size, LANES)); ++part) {
      REAL a0 = REAL(0);
      uint i0 = part;
      do {
        double v3 = known[words[4u] + 0u];
        double v4 = packDouble2x32(uvec2(0u, 1072693248u));
        double v6 = known[words[5u] + 0u];
        double v7 = STATE(words[1u] + i0);
        double v8 = known[words[2u] + 0u];
        double v9 = op_subtract(v7, v8);
        double v10 = known[words[3u] + 0u];
        double v11 = op_divide(v9, v10);
        double v12 = packDouble2x32(uvec2(0u, 1073741824u));
        double v13 = op_multiply(v11, v11);
        double v14 = op_divide(v13, v3);
        double v15 = m_log1p(v14);
        double v16 = op_multiply(v6, v15);
        double v18 = known[words[6u] + 0u];
        double v19 = op_add(v16, v18);
        double v21 = known[words[7u] + 0u];
        double v22 = op_subtract(v19, v21);
        double v26 = known[words[8u] + 0u];
        double v27 = op_subtract(v22, v26);
        double v28 = known[words[9u] + 0u];
        double v29 = op_subtract(v27, v28);
        double v31 = op_add(v4, v14);
        double v32 = op_divide(v6, v31);
        double v33 = op_divide(v32, v3);
        double v34 = op_multiply(v11, v33);
        double v35 = op_multiply(v12, v34);
        double v36 = op_divide(v35, v10);
        STATE(words[10u] + i0) = v36;
        a0 = op_add(a0, v29);
        i0 += LANES;
      } while (i0 < end);
      b0 = op_add(b0, a0);
    }
    t0 = op_add(t0, b0);
  }
  STATE(words[11u] + 0u) = t0;
}
void evaluate() {
  if (runs(1u)) {
    stage_1();
    settle();
  }
}
void main() {
  chain_main();
}
