// Walking over terms: a loop that only counts what is still to come, so that no depth can exhaust the thread's stack.
#include "etf/term.h"

#include "etf/tags.h"

namespace gpu_node::etf {
namespace {

constexpr uint32_t kMaxAtomBytes = 255 * 4;
constexpr uint32_t kMaxReferenceWords = 5;

// Length of a term of |before| bytes, an atom (the node's name) and |after| bytes, or 0.
size_t named_size(Bytes bytes, size_t before, size_t after) {
  if (bytes.size() < before) return 0;
  const size_t atom = atom_size(bytes.subspan(before));
  if (atom == 0 || bytes.size() - before - atom < after) return 0;
  return before + atom + after;
}

// Length of the pid, port or reference at the start of |bytes|, or 0.
size_t identifier_size(Bytes bytes) {
  switch (byte_at(bytes.data())) {
    case kTagPid:
    case kTagReference:
      return named_size(bytes, 1, byte_at(bytes.data()) == kTagPid ? 9 : 5);
    case kTagNewPid:
    case kTagV4Port:
      return named_size(bytes, 1, 12);
    case kTagPort:
      return named_size(bytes, 1, 5);
    case kTagNewPort:
      return named_size(bytes, 1, 8);
    case kTagNewReference:
    case kTagNewerReference: {
      if (bytes.size() < 3) return 0;
      const uint32_t words = load<uint16_t>(bytes.data() + 1);
      if (words == 0 || words > kMaxReferenceWords) return 0;
      return named_size(bytes, 3, (byte_at(bytes.data()) == kTagNewReference ? 1 : 4) + 4 * words);
    }
    default:
      return 0;
  }
}

// A term of |header| bytes that says at offset 1, in |width| bytes, how many bytes follow.
Step counted(Bytes bytes, size_t header, size_t width) {
  if (bytes.size() < header) return {};
  const size_t length = width == 1   ? byte_at(bytes.data() + 1)
                        : width == 2 ? load<uint16_t>(bytes.data() + 1)
                                     : load<uint32_t>(bytes.data() + 1);
  return bytes.size() - header < length ? Step{} : Step{header + length, 0};
}

// A container whose |header| bytes hold a count at offset 1. |per_count| children each, and |extra| more.
Step container(Bytes bytes, size_t header, uint64_t per_count, uint64_t extra) {
  if (bytes.size() < header) return {};
  const uint64_t count = header == 2 ? byte_at(bytes.data() + 1) : load<uint32_t>(bytes.data() + 1);
  const uint64_t children = count * per_count + extra;
  return children > bytes.size() - header ? Step{} : Step{header, children};
}

Step fixed(Bytes bytes, size_t size) { return bytes.size() < size ? Step{} : Step{size, 0}; }

}  // namespace

size_t atom_size(Bytes bytes, Bytes* text) {
  if (bytes.empty()) return 0;
  const uint8_t tag = byte_at(bytes.data());
  size_t header = 0, length = 0;
  if (tag == kTagSmallAtomUtf8 || tag == kTagSmallAtom) {
    if (bytes.size() < 2) return 0;
    header = 2;
    length = byte_at(bytes.data() + 1);
  } else if (tag == kTagAtomUtf8 || tag == kTagAtom) {
    if (bytes.size() < 3) return 0;
    header = 3;
    length = load<uint16_t>(bytes.data() + 1);
  } else {
    return 0;
  }
  if (length > kMaxAtomBytes || bytes.size() - header < length) return 0;
  if (text != nullptr) *text = bytes.subspan(header, length);
  return header + length;
}

Step first_step(Bytes bytes) {
  if (bytes.empty()) return {};
  switch (byte_at(bytes.data())) {
    case kTagSmallInteger:
      return fixed(bytes, 2);
    case kTagInteger:
      return fixed(bytes, 5);
    case kTagNewFloat:
      return fixed(bytes, 9);
    case kTagFloat:
      return fixed(bytes, 32);
    case kTagNil:
      return fixed(bytes, 1);
    case kTagAtom:
    case kTagSmallAtom:
    case kTagAtomUtf8:
    case kTagSmallAtomUtf8:
      return {atom_size(bytes), 0};
    case kTagSmallTuple:
      return container(bytes, 2, 1, 0);
    case kTagLargeTuple:
      return container(bytes, 5, 1, 0);
    case kTagList:
      return container(bytes, 5, 1, 1);
    case kTagMap:
      return container(bytes, 5, 2, 0);
    case kTagString:
      return counted(bytes, 3, 2);
    case kTagBinary:
      return counted(bytes, 5, 4);
    case kTagSmallBig:
      return counted(bytes, 3, 1);
    case kTagLargeBig:
      return counted(bytes, 6, 4);
    case kTagBitBinary: {
      const Step step = counted(bytes, 6, 4);
      const uint8_t bits = step.bytes == 0 ? 0 : byte_at(bytes.data() + 5);
      return bits >= 1 && bits <= 8 && step.bytes > 6 ? step : Step{};
    }
    case kTagExport:
      return Step{1, 3};
    case kTagNewFun: {
      // size, arity, uniq, index, free variables; then module, two integers, pid and the free variables.
      constexpr size_t kHeader = 1 + 4 + 1 + 16 + 4 + 4;
      if (bytes.size() < kHeader) return {};
      const uint64_t free_variables = load<uint32_t>(bytes.data() + kHeader - 4);
      return free_variables > bytes.size() ? Step{} : Step{kHeader, 4 + free_variables};
    }
    default:
      return {identifier_size(bytes), 0};
  }
}

size_t term_size(Bytes bytes) {
  size_t at = 0;
  // A term has no more children than |bytes|, so this cannot overflow.
  for (uint64_t left = 1; left > 0; --left) {
    const Step step = first_step(bytes.subspan(at));
    if (step.bytes == 0) return 0;
    at += step.bytes;
    left += step.children;
  }
  return at;
}

}  // namespace gpu_node::etf
