// The tag bytes of Erlang's external term format, as erts/emulator/beam/external.h numbers them.
#pragma once

#include <cstdint>

namespace gpu_node::etf {

enum Tag : uint8_t {
  kTagVersion = 131,
  kTagNewFloat = 70,
  kTagBitBinary = 77,
  kTagNewPid = 88,
  kTagNewPort = 89,
  kTagNewerReference = 90,
  kTagSmallInteger = 97,
  kTagInteger = 98,
  kTagFloat = 99,
  kTagAtom = 100,
  kTagReference = 101,
  kTagPort = 102,
  kTagPid = 103,
  kTagSmallTuple = 104,
  kTagLargeTuple = 105,
  kTagNil = 106,
  kTagString = 107,
  kTagList = 108,
  kTagBinary = 109,
  kTagSmallBig = 110,
  kTagLargeBig = 111,
  kTagNewFun = 112,
  kTagExport = 113,
  kTagNewReference = 114,
  kTagSmallAtom = 115,
  kTagMap = 116,
  kTagAtomUtf8 = 118,
  kTagSmallAtomUtf8 = 119,
  kTagV4Port = 120,
};

}  // namespace gpu_node::etf
