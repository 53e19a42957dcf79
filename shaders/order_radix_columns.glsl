// How a block is moved where subgroups are of no use: an invocation has P_STEPS elements that follow each other, so what
// it meets is in order, and the place of one among the others of its digit is the sum of the counts of those before it.

shared uint ranks[BINS * INVOCATIONS];
shared uint totals[INVOCATIONS];
shared uint starts[BINS];

void move_block(uint row, uint block, uint first, uint count) {
  uint i = gl_LocalInvocationIndex;
  uint own = first + min(i * P_STEPS, count), end = min(own + P_STEPS, first + count);
  for (uint b = 0u; b < BINS; ++b) ranks[b * INVOCATIONS + i] = 0u;
  for (uint at = own; at < end; ++at) ranks[digit_of(bits_at(row, at)) * INVOCATIONS + i] += 1u;
  barrier();
  // The counts before each, digit by digit and invocation by invocation.
  uint sum = 0u;
  for (uint e = i * BINS; e < (i + 1u) * BINS; ++e) sum += ranks[e];
  uint before = sum;
  totals[i] = sum;
  for (uint apart = 1u; apart < INVOCATIONS; apart <<= 1u) {
    barrier();
    if (i >= apart) before += totals[i - apart];
    barrier();
    totals[i] = before;
  }
  before -= sum;
  for (uint e = i * BINS; e < (i + 1u) * BINS; ++e) {
    uint here = ranks[e];
    ranks[e] = before;
    before += here;
  }
  barrier();
  for (uint b = i; b < BINS; b += INVOCATIONS) starts[b] = offsets[offset_at(row, b, block)] - ranks[b * INVOCATIONS];
  barrier();
  for (uint at = own; at < end; ++at) {
    KEY bits = bits_at(row, at);
    uint digit = digit_of(bits), rank = digit * INVOCATIONS + i, place = ranks[rank];
    ranks[rank] = place + 1u;
    put_bits(row, starts[digit] + place, bits);
#if defined(PLACES)
    put_index(row, starts[digit] + place, index_at(row, at));
#endif
  }
}
