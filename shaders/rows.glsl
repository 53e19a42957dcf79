// What kernels of rows walk by: the columns of a lane, in the order in which a reduction takes them (reduce.glsl). Fours
// of neighbours where P_FOURS is 2, where it is 0 one by one.
uint column_of(Seat seat, uint k) {
  uint ones = (1u << P_FOURS) - 1u;
  return ((seat.lane + (k >> P_FOURS) * seat.lanes) << P_FOURS) + (k & ones);
}
