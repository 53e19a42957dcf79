// That an emitter which lies is found: one that gives another text under the key of one before it.
#include "vulkan/text_check.h"

#include <doctest/doctest.h>

namespace gpu_node::vulkan {
namespace {

KernelCache::Emit text(std::string glsl) {
  return [glsl = std::move(glsl)]() -> Result<KernelSource> { return KernelSource{glsl, 1, 4}; };
}

std::string message(const Result<void>& outcome) {
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == ErrorCode::kInternal);
  return outcome.error().message;
}

}  // namespace

TEST_CASE("text check: a lie is found, with the first line that differs") {
  const std::string honest = "#version 460\nuint i = 0;\nout0[i] = in0[i];\n";
  const auto found = [&](const std::string& lie) {
    TextCheck check;
    check.keep("e f32.f", honest);
    CHECK(check.check("e f32.f", text(honest)).ok());
    return message(check.check("e f32.f", text(lie)));
  };
  CHECK(found("#version 460\nuint i = 1;\nout0[i] = in0[i];\n") ==
        "kernel e f32.f has two texts; line 2 was \"uint i = 0;\", now \"uint i = 1;\"");
  CHECK(found("#version 450\n") == "kernel e f32.f has two texts; line 1 was \"#version 460\", now \"#version 450\"");
  CHECK(found(honest + "more") == "kernel e f32.f has two texts; line 4 was \"(the end)\", now \"more\"");
  CHECK(found("#version 460\nuint i = 0;\n") ==
        "kernel e f32.f has two texts; line 3 was \"out0[i] = in0[i];\", now \"(the end)\"");
}

TEST_CASE("text check: an emitter that fails where it gave a text before is found") {
  TextCheck check;
  check.keep("k", "text");
  CHECK(message(check.check("k", []() -> Result<KernelSource> {
          return Error{ErrorCode::kUnsupported, "no such thing"};
        })) == "kernel k has no text now: no such thing");
}

TEST_CASE("text check: hits are compared a few times, and again when the key is made again") {
  TextCheck check;
  int emitted = 0;
  const auto emit = [&]() -> Result<KernelSource> {
    ++emitted;
    return KernelSource{"text", 1, 4};
  };
  CHECK(check.check("k", emit).ok());
  CHECK(emitted == 0);
  check.keep("k", "text");
  for (int hit = 0; hit < 1000; ++hit) REQUIRE(check.check("k", emit).ok());
  CHECK(emitted == 4);
  check.keep("k", "text");
  CHECK(check.check("k", emit).ok());
  CHECK(emitted == 5);
}

}  // namespace gpu_node::vulkan
