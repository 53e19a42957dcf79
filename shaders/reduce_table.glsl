// Where an invocation sits in a reduction.
//
// A workgroup is a table of `lanes` x `width` invocations: `width` outputs side by side, each reduced by `lanes`
// invocations and then by a tree in shared memory. P_MODE (log2 of lanes, plus 32 for rows) says which of the two runs
// innermost: lanes where neighbouring elements of one reduction lie side by side, outputs where neighbouring outputs
// do. The emitter defines INVOCATIONS, LOG_INVOCATIONS, P_MODE and P_OUTPUTS.

struct Seat {
  uint thread;
  uint lane, lanes;
  uint apart;  // from a lane's invocation to the next one's
  uint output_index;
  bool inside;  // there is such an output
};

Seat find_seat() {
  uint log_lanes = P_MODE & 31u, log_width = LOG_INVOCATIONS - log_lanes;
  uint lanes = 1u << log_lanes, width = 1u << log_width;
  bool rows = P_MODE >= 32u;
  uint thread = gl_LocalInvocationIndex;
  uint lane = rows ? thread & (lanes - 1u) : thread >> log_width;
  uint column = rows ? thread >> log_lanes : thread & (width - 1u);
  uint block = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint blocks = ((P_OUTPUTS - 1u) >> log_width) + 1u;
  uint output_index = (block << log_width) + column;
  return Seat(thread, lane, lanes, rows ? 1u : width, output_index, block < blocks && output_index < P_OUTPUTS);
}
