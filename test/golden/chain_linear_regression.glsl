// chain linear_regression by workgroup
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define LANES 64u
#define FAN 8u
#define SUMS 2u
#define LAST_STAGE 10u
#define LOGP_SLOT 15u
#define PARTS 824u
#define AT_HOME 
#define OWN 829u
#define MASSES 824u
#define COORDINATES 5u
layout(local_size_x = 64, local_size_y = 1, local_size_z = 1) in;
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
  if (lane() == 0u) {
    double v24 = STATE(4u);
    double v25 = m_exp(v24);
    STATE(417u + 0u) = v25;
  }
}
void stage_2() {
  uint size = 3u, end = min(size, END);
  REAL a0 = BEGIN == 0u ? REAL(0) : STATE(PARTS + 0u * LANES + lane());
  for (uint i1 = BEGIN + lane(); i1 < end; i1 += LANES) {
    double v4 = STATE(1u + i1);
    double v8 = packDouble2x32(uvec2(0u, 3219128320u));
    double v9 = known[1200u + 0u];
    double v13 = known[1201u + 0u];
    double v15 = packDouble2x32(uvec2(3362045620u, 1072523249u));
    double v17 = op_divide(v4, v9);
    double v18 = op_multiply(v17, v17);
    double v19 = op_multiply(v8, v18);
    double v20 = op_subtract(v19, v13);
    double v21 = op_subtract(v20, v15);
    a0 = op_add(a0, v21);
  }
  if (END < size) {
    STATE(PARTS + 0u * LANES + lane()) = a0;
    return;
  }
  uint branches = (min(size, LANES) + FAN - 1u) / FAN;
  lane_sums[0u * LANES + lane()] = a0;
  add_lanes(1u, branches);
  if (lane() == 0u) STATE(416u + 0u) = total_of(0u, branches);
}
void stage_3() {
  uint places = min(400u, END);
  for (uint place = BEGIN + lane(); place < places; place += LANE_STEP) {
    uint rest = place;
    uint i0 = rest;
    REAL a0 = INNER_BEGIN == 0u ? REAL(0) : STATE(16u + i0);
    uint end = min(3u, INNER_END);
    for (uint i1 = INNER_BEGIN; i1 < end; ++i1) {
      double v3 = known[0u + (i0 * 3u + i1)];
      double v4 = STATE(1u + i1);
      double v5 = op_multiply(v3, v4);
      a0 = op_add(a0, v5);
    }
    STATE(16u + i0) = a0;
  }
}
void stage_4() {
  uint size = 400u, end = min(size, END);
  REAL a0 = BEGIN == 0u ? REAL(0) : STATE(PARTS + 0u * LANES + lane());
  for (uint i0 = BEGIN + lane(); i0 < end; i0 += LANES) {
    double v1 = STATE(0u);
    double v6 = STATE(16u + i0);
    double v7 = op_add(v1, v6);
    double v8 = packDouble2x32(uvec2(0u, 3219128320u));
    double v15 = packDouble2x32(uvec2(3362045620u, 1072523249u));
    double v24 = STATE(4u);
    double v25 = STATE(417u + 0u);
    double v35 = known[1204u + i0];
    double v36 = op_subtract(v35, v7);
    double v37 = op_divide(v36, v25);
    double v38 = op_multiply(v37, v37);
    double v39 = op_multiply(v8, v38);
    double v40 = op_subtract(v39, v24);
    double v41 = op_subtract(v40, v15);
    double v48 = op_divide(v37, v25);
    STATE(421u + i0) = v48;
    a0 = op_add(a0, v41);
  }
  if (END < size) {
    STATE(PARTS + 0u * LANES + lane()) = a0;
    return;
  }
  uint branches = (min(size, LANES) + FAN - 1u) / FAN;
  lane_sums[0u * LANES + lane()] = a0;
  add_lanes(1u, branches);
  if (lane() == 0u) STATE(418u + 0u) = total_of(0u, branches);
}
void stage_5() {
  if (lane() == 0u) {
    double v1 = STATE(0u);
    double v8 = packDouble2x32(uvec2(0u, 3219128320u));
    double v9 = known[1200u + 0u];
    double v10 = op_divide(v1, v9);
    double v11 = op_multiply(v10, v10);
    double v12 = op_multiply(v8, v11);
    double v13 = known[1201u + 0u];
    double v14 = op_subtract(v12, v13);
    double v15 = packDouble2x32(uvec2(3362045620u, 1072523249u));
    double v16 = op_subtract(v14, v15);
    double v22 = STATE(416u + 0u);
    double v23 = op_add(v16, v22);
    double v24 = STATE(4u);
    double v25 = STATE(417u + 0u);
    double v26 = known[1202u + 0u];
    double v27 = op_divide(v25, v26);
    double v28 = op_multiply(v27, v27);
    double v29 = op_multiply(v8, v28);
    double v30 = packDouble2x32(uvec2(631902997u, 3217876667u));
    double v31 = op_add(v29, v30);
    double v32 = known[1203u + 0u];
    double v33 = op_subtract(v31, v32);
    double v34 = op_add(v23, v33);
    double v42 = STATE(418u + 0u);
    double v43 = op_add(v34, v42);
    double v44 = op_add(v24, v43);
    STATE(15u + 0u) = v44;
  }
}
void stage_6() {
  uint size = 400u, end = min(size, END);
  REAL a0 = BEGIN == 0u ? REAL(0) : STATE(PARTS + 0u * LANES + lane());
  REAL a1 = BEGIN == 0u ? REAL(0) : STATE(PARTS + 1u * LANES + lane());
  for (uint i0 = BEGIN + lane(); i0 < end; i0 += LANES) {
    double v1 = STATE(0u);
    double v6 = STATE(16u + i0);
    double v7 = op_add(v1, v6);
    double v25 = STATE(417u + 0u);
    double v35 = known[1204u + i0];
    double v36 = op_subtract(v35, v7);
    double v37 = op_divide(v36, v25);
    double v48 = STATE(421u + i0);
    double v49 = op_multiply(v37, v48);
    a0 = op_add(a0, v49);
    a1 = op_add(a1, v48);
  }
  if (END < size) {
    STATE(PARTS + 0u * LANES + lane()) = a0;
    STATE(PARTS + 1u * LANES + lane()) = a1;
    return;
  }
  uint branches = (min(size, LANES) + FAN - 1u) / FAN;
  lane_sums[0u * LANES + lane()] = a0;
  lane_sums[1u * LANES + lane()] = a1;
  add_lanes(2u, branches);
  if (lane() == 0u) STATE(419u + 0u) = total_of(0u, branches);
  if (lane() == 1u) STATE(420u + 0u) = total_of(1u, branches);
}
void stage_7() {
  uint places = min(3u, END);
  for (uint place = BEGIN + lane(); place < places; place += LANE_STEP) {
    uint rest = place;
    uint i1 = rest;
    REAL a0 = INNER_BEGIN == 0u ? REAL(0) : STATE(821u + i1);
    uint end = min(400u, INNER_END);
    for (uint i0 = INNER_BEGIN; i0 < end; ++i0) {
      double v3 = known[0u + (i0 * 3u + i1)];
      double v48 = STATE(421u + i0);
      double v59 = op_multiply(v3, v48);
      a0 = op_add(a0, v59);
    }
    STATE(821u + i1) = a0;
  }
}
void stage_8() {
  if (lane() == 0u) {
    double v1 = STATE(0u);
    double v9 = known[1200u + 0u];
    double v10 = op_divide(v1, v9);
    double v25 = STATE(417u + 0u);
    double v26 = known[1202u + 0u];
    double v27 = op_divide(v25, v26);
    double v47 = known[1604u + 0u];
    double v50 = STATE(419u + 0u);
    double v51 = op_divide(v27, v26);
    double v52 = op_subtract(v50, v51);
    double v53 = op_multiply(v25, v52);
    double v54 = op_add(v47, v53);
    double v56 = op_divide(v10, v9);
    double v57 = STATE(420u + 0u);
    double v58 = op_subtract(v57, v56);
    STATE(14u + 0u) = v54;
    STATE(10u + 0u) = v58;
  }
}
void stage_9() {
  uint size = 3u, end = min(size, END);
  for (uint i1 = BEGIN + lane(); i1 < end; i1 += LANE_STEP) {
    double v4 = STATE(1u + i1);
    double v9 = known[1200u + 0u];
    double v17 = op_divide(v4, v9);
    double v55 = op_divide(v17, v9);
    double v60 = STATE(821u + i1);
    double v61 = op_subtract(v60, v55);
    STATE(11u + i1) = v61;
  }
}
void evaluate() {
  if (runs(1u)) {
    stage_1();
    settle();
  }
  if (runs(2u)) {
    stage_2();
    settle();
  }
  if (runs(3u)) {
    stage_3();
    settle();
  }
  if (runs(4u)) {
    stage_4();
    settle();
  }
  if (runs(5u)) {
    stage_5();
    settle();
  }
  if (runs(6u)) {
    stage_6();
    settle();
  }
  if (runs(7u)) {
    stage_7();
    settle();
  }
  if (runs(8u)) {
    stage_8();
    settle();
  }
  if (runs(9u)) {
    stage_9();
    settle();
  }
}
void main() {
  chain_main();
}
