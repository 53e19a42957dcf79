// A pass of sums by key. An invocation has a column of a chunk of P_CHUNK rows, whose keys are in order: what a run of
// equal keys between others adds up to goes to the target. The first and the last run of a chunk may go on beside it,
// so each chunk leaves two parts with their keys, which are rows of the next pass, in order again. LAST: there is one
// chunk, and no next pass.
//
// AS_THEY_LIE: keys are in no order. An invocation has a column of a row, and where no row before has the key, it adds
// up those that have it.
//
// The emitter defines the P_* parameters and writes the functions declared here.

uvec2 column_offsets(uint column);  // in updates and target
void take(inout Acc acc, uint at, uint column, uint in_column);
void put(uint key, uint out_column, Acc acc);
#if !defined(LAST)
void put_part(uint part, uint column, uint key, Acc acc);
#endif

void segments_main(uint i) {
  uint chunk = i / P_WIDTH, column = i % P_WIDTH;
  uvec2 offsets = column_offsets(column);
  Acc acc = acc_identity();
#if defined(AS_THEY_LIE)
  uint key = in_key[chunk];
  for (uint at = 0u; at < chunk; ++at)
    if (in_key[at] == key) return;
  for (uint at = chunk; at < P_ROWS; ++at)
    if (in_key[at] == key) take(acc, at, column, offsets.x);
  put(key, offsets.y, acc);
#else
  uint first = chunk * P_CHUNK, end = min(first + P_CHUNK, P_ROWS);
  uint key = in_key[first];
  bool begins = true;  // of the first run
  for (uint at = first; at < end; ++at) {
    uint next = in_key[at];
    if (next != key) {
#if !defined(LAST)
      if (begins)
        put_part(2u * chunk, column, key, acc);
      else
#endif
        put(key, offsets.y, acc);
      begins = false;
      key = next;
      acc = acc_identity();
    }
    take(acc, at, column, offsets.x);
  }
#if defined(LAST)
  put(key, offsets.y, acc);
#else
  put_part(2u * chunk + (begins ? 0u : 1u), column, key, acc);
  if (begins) put_part(2u * chunk + 1u, column, key, acc_identity());
#endif
#endif
}
