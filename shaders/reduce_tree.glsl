// What the lanes of an output have seen, as one, in an order that depends on nothing but their number.

shared Acc shared_acc[INVOCATIONS];

// Lane 0 has it. All invocations call it.
Acc acc_tree(Acc acc, Seat seat) {
  if (seat.lanes == 1u) return acc;
  shared_acc[seat.thread] = acc;
  barrier();
  for (uint half_lanes = seat.lanes >> 1; half_lanes > 0u; half_lanes >>= 1) {
    if (seat.lane < half_lanes) {
      acc = acc_merge(acc, shared_acc[seat.thread + half_lanes * seat.apart]);
      shared_acc[seat.thread] = acc;
    }
    barrier();
  }
  return acc;
}

// Every lane has it.
Acc acc_of_all(Acc acc, Seat seat) {
  acc = acc_tree(acc, seat);
  if (seat.lanes == 1u) return acc;
  acc = shared_acc[seat.thread - seat.lane * seat.apart];
  barrier();
  return acc;
}
