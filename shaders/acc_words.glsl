// An Acc as words of 32 bits, which is what shuffles move.
//
// The emitter defines ACC_WORDS, how many they are, VALUE_WORDS, those of its value, and VALUE_I64 where that is an
// integer of 64 bits.

#if defined(VALUE_F32)
uvec4 value_words(VALUE x) { return uvec4(floatBitsToUint(x), 0u, 0u, 0u); }
VALUE value_of_words(uvec4 words) { return uintBitsToFloat(words.x); }
#elif defined(VALUE_F64)
uvec4 value_words(VALUE x) { return uvec4(unpackDouble2x32(x), 0u, 0u); }
VALUE value_of_words(uvec4 words) { return packDouble2x32(words.xy); }
#elif defined(VALUE_C64)
uvec4 value_words(VALUE x) { return uvec4(floatBitsToUint(x), 0u, 0u); }
VALUE value_of_words(uvec4 words) { return uintBitsToFloat(words.xy); }
#elif defined(VALUE_C128)
uvec4 value_words(VALUE x) { return uvec4(unpackDouble2x32(x.x), unpackDouble2x32(x.y)); }
VALUE value_of_words(uvec4 words) { return VALUE(packDouble2x32(words.xy), packDouble2x32(words.zw)); }
#elif defined(VALUE_I64)
uvec4 value_words(VALUE x) { return uvec4(unpackUint2x32(uint64_t(x)), 0u, 0u); }
VALUE value_of_words(uvec4 words) { return VALUE(packUint2x32(words.xy)); }
#else
uvec4 value_words(VALUE x) { return uvec4(uint(x), 0u, 0u, 0u); }
VALUE value_of_words(uvec4 words) { return VALUE(words.x); }
#endif

void acc_to_words(Acc acc, out uint words[ACC_WORDS]) {
  uvec4 value = value_words(acc.value);
  for (uint k = 0u; k < VALUE_WORDS; ++k) words[k] = value[k];
#if defined(ACC_EXTRA)
  uvec4 extra = value_words(acc.extra);
  for (uint k = 0u; k < VALUE_WORDS; ++k) words[VALUE_WORDS + k] = extra[k];
#endif
}

Acc acc_of_words(uint words[ACC_WORDS]) {
  uvec4 value = uvec4(0u);
  for (uint k = 0u; k < VALUE_WORDS; ++k) value[k] = words[k];
#if defined(ACC_EXTRA)
  uvec4 extra = uvec4(0u);
  for (uint k = 0u; k < VALUE_WORDS; ++k) extra[k] = words[VALUE_WORDS + k];
  return Acc(value_of_words(value), value_of_words(extra));
#else
  return Acc(value_of_words(value));
#endif
}

// That of another invocation of the subgroup.
Acc acc_shuffled(Acc acc, uint from) {
  uint words[ACC_WORDS];
  acc_to_words(acc, words);
  for (uint k = 0u; k < ACC_WORDS; ++k) words[k] = subgroupShuffle(words[k], from);
  return acc_of_words(words);
}
