// chain student_t by thread
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL float
#define LANES 64u
#define FAN 8u
#define SUMS 1u
#define LAST_STAGE 2u
#define LOGP_SLOT 9u
#define PARTS 10u
#define CHAIN_PER_THREAD 
#define AT_HOME 
#define OWN 13u
#define MASSES 10u
#define COORDINATES 3u
#define IN_REGISTERS 
#define EACH_COORDINATE(f) f(0u); f(1u); f(2u); 
layout(local_size_x = 32, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { restrict float known[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { restrict uint words[]; };
layout(set = 0, binding = 2, std430) buffer Buffer2 { restrict float state[]; };
layout(set = 0, binding = 3, std430) readonly buffer Buffer3 { restrict float position[]; };
layout(set = 0, binding = 4, std430) readonly buffer Buffer4 { restrict float momentum[]; };
layout(set = 0, binding = 5, std430) readonly buffer Buffer5 { restrict float inverse_mass[]; };
layout(set = 0, binding = 6, std430) readonly buffer Buffer6 { restrict float step_size[]; };
layout(set = 0, binding = 7, std430) writeonly buffer Buffer7 { restrict float positions[]; };
layout(set = 0, binding = 8, std430) writeonly buffer Buffer8 { restrict float momenta[]; };
layout(set = 0, binding = 9, std430) writeonly buffer Buffer9 { restrict float gradients[]; };
layout(set = 0, binding = 10, std430) writeonly buffer Buffer10 { restrict float logp[]; };
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
  REAL t0 = REAL(0);
  {
    REAL b0 = REAL(0);
    {
      const uint i0 = 0u;
      float v3 = known[2u + 0u];
      float v4 = uintBitsToFloat(1065353216u);
      float v6 = known[3u + 0u];
      float v7 = STATE(0u + i0);
      float v8 = known[0u + 0u];
      float v9 = op_subtract(v7, v8);
      float v10 = known[1u + 0u];
      float v11 = op_divide(v9, v10);
      float v12 = uintBitsToFloat(1073741824u);
      float v13 = op_multiply(v11, v11);
      float v14 = op_divide(v13, v3);
      float v15 = m_log1p(v14);
      float v16 = op_multiply(v6, v15);
      float v18 = known[4u + 0u];
      float v19 = op_add(v16, v18);
      float v21 = known[5u + 0u];
      float v22 = op_subtract(v19, v21);
      float v26 = known[6u + 0u];
      float v27 = op_subtract(v22, v26);
      float v28 = known[7u + 0u];
      float v29 = op_subtract(v27, v28);
      float v31 = op_add(v4, v14);
      float v32 = op_divide(v6, v31);
      float v33 = op_divide(v32, v3);
      float v34 = op_multiply(v11, v33);
      float v35 = op_multiply(v12, v34);
      float v36 = op_divide(v35, v10);
      STATE(6u + i0) = v36;
      b0 = op_add(b0, v29);
    }
    {
      const uint i0 = 1u;
      float v3 = known[2u + 0u];
      float v4 = uintBitsToFloat(1065353216u);
      float v6 = known[3u + 0u];
      float v7 = STATE(0u + i0);
      float v8 = known[0u + 0u];
      float v9 = op_subtract(v7, v8);
      float v10 = known[1u + 0u];
      float v11 = op_divide(v9, v10);
      float v12 = uintBitsToFloat(1073741824u);
      float v13 = op_multiply(v11, v11);
      float v14 = op_divide(v13, v3);
      float v15 = m_log1p(v14);
      float v16 = op_multiply(v6, v15);
      float v18 = known[4u + 0u];
      float v19 = op_add(v16, v18);
      float v21 = known[5u + 0u];
      float v22 = op_subtract(v19, v21);
      float v26 = known[6u + 0u];
      float v27 = op_subtract(v22, v26);
      float v28 = known[7u + 0u];
      float v29 = op_subtract(v27, v28);
      float v31 = op_add(v4, v14);
      float v32 = op_divide(v6, v31);
      float v33 = op_divide(v32, v3);
      float v34 = op_multiply(v11, v33);
      float v35 = op_multiply(v12, v34);
      float v36 = op_divide(v35, v10);
      STATE(6u + i0) = v36;
      b0 = op_add(b0, v29);
    }
    {
      const uint i0 = 2u;
      float v3 = known[2u + 0u];
      float v4 = uintBitsToFloat(1065353216u);
      float v6 = known[3u + 0u];
      float v7 = STATE(0u + i0);
      float v8 = known[0u + 0u];
      float v9 = op_subtract(v7, v8);
      float v10 = known[1u + 0u];
      float v11 = op_divide(v9, v10);
      float v12 = uintBitsToFloat(1073741824u);
      float v13 = op_multiply(v11, v11);
      float v14 = op_divide(v13, v3);
      float v15 = m_log1p(v14);
      float v16 = op_multiply(v6, v15);
      float v18 = known[4u + 0u];
      float v19 = op_add(v16, v18);
      float v21 = known[5u + 0u];
      float v22 = op_subtract(v19, v21);
      float v26 = known[6u + 0u];
      float v27 = op_subtract(v22, v26);
      float v28 = known[7u + 0u];
      float v29 = op_subtract(v27, v28);
      float v31 = op_add(v4, v14);
      float v32 = op_divide(v6, v31);
      float v33 = op_divide(v32, v3);
      float v34 = op_multiply(v11, v33);
      float v35 = op_multiply(v12, v34);
      float v36 = op_divide(v35, v10);
      STATE(6u + i0) = v36;
      b0 = op_add(b0, v29);
    }
    t0 = op_add(t0, b0);
  }
  STATE(9u + 0u) = t0;
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
