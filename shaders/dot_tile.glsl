#extension GL_EXT_control_flow_attributes : require
// Matrix products by tiles: a workgroup computes BLOCK_M x BLOCK_N results, BLOCK_K contracted elements at a time.
//
// Tiles of both operands lie in shared memory as [k][four rows or columns], and the next ones are fetched into registers
// while the present ones are multiplied. Rows and columns beyond the edge repeat the last one and are not stored; contracted
// elements beyond the end are zero on both sides. gl_WorkGroupID.z is batch * parts + part of the contraction; with
// more than one part the result is a sum per part, which a reduction adds up.
//
// The emitter defines the sizes, T and T4 (the type that computes, and four of it), the P_* parameters, and writes the
// functions declared here; they work on globals, one per register.

uvec2 batch_offsets(uint index);
void place_left(uint first_row, uint base);
void place_right(uint first_column, uint base);
void fetch_tiles(uint k, uint end);
void stage_tiles();
void multiply_step(uint k);
void put_sums(uint plane, uint first_row, uint first_column);

shared T4 left_tile[BLOCK_K * LEFT_PITCH];
shared T4 right_tile[BLOCK_K * RIGHT_PITCH];

// Tiles are taken in bands of this many rows, so that those running at one time share what they read.
#define BAND 8u

void dot_main() {
  uint tiles_m = (P_ROWS - 1u) / BLOCK_M + 1u, tiles_n = (P_COLUMNS - 1u) / BLOCK_N + 1u;
  uint tile = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  if (tile >= tiles_m * tiles_n) return;
  uint first = tile / (BAND * tiles_n) * BAND, rest = tile % (BAND * tiles_n);
  uint band = min(BAND, tiles_m - first);
  uint row = (first + rest % band) * BLOCK_M, column = rest / band * BLOCK_N;

  uint batch = P_FIRST_BATCH + gl_WorkGroupID.z / P_PARTS, part = gl_WorkGroupID.z % P_PARTS;
  uvec2 base = batch_offsets(batch);
  place_left(row, base.x);
  place_right(column, base.y);

  uint begin = part * P_CHUNK, end = min(begin + P_CHUNK, P_COUNT);
  // Fetching stands once in the text, one round ahead of multiplying; beyond the end it fetches nothing.
  for (uint k = begin;; k += BLOCK_K) {
    fetch_tiles(k, end);
    if (k > begin) {
      LOOP_CONTROL for (uint step = 0u; step < BLOCK_K; ++step) multiply_step(step);
      barrier();
    }
    if (k >= end) break;
    stage_tiles();
    barrier();
  }
  put_sums(part * P_BATCHES + batch, row, column);
}
