// The numbers of Bluestein's transform of P_LENGTH by way of P_WHOLE: chirp[k] = exp(-pi i k^2 / P_LENGTH), and their
// conjugates, which go around: what numbers are convolved with.

// k^2 modulo n, for k < n < 2^30.
uint square_modulo(uint k, uint n) {
  uint high, low;
  umulExtended(k, k, high, low);
  uint rest = high % n;
  for (int i = 0; i < 32; ++i) {
    rest = 2u * rest + (low >> 31);
    low <<= 1;
    if (rest >= n) rest -= n;
  }
  return rest;
}

void chirp_main(uint k) {
  uint distance = min(k, P_WHOLE - k);
  VEC z = VEC(0, 0);
  if (distance < P_LENGTH) {
    z = turn(square_modulo(distance, 2u * P_LENGTH), 2u * P_LENGTH);
    if (k < P_LENGTH) chirp[k] = z;
    z.y = -z.y;
  }
  around[k] = z;
}
