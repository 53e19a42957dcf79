// Why steps stay apart, for programs that are apart for one reason.
#include <doctest/doctest.h>

#include <string>

#include "base/concat.h"
#include "fuse/apart.h"
#include "fuse/fuse.h"
#include "program_builder.h"

namespace gpu_node::fuse {
namespace {

using enum Dtype;
using ir::ValueName;
using test::ProgramBuilder;

// "MAKER-USER WHY", by their first instructions of the program.
std::string text_of(const ir::Program& program, const Limits& limits = {}) {
  const Steps steps = fused(program, limits);
  std::string text;
  for (const Apart& pair : apart(program, steps, limits))
    text += concat(text.empty() ? "" : ", ", instructions_of(steps.steps[pair.maker])[0], "-",
                   instructions_of(steps.steps[pair.user])[0], " ", word(pair.why));
  return text;
}

ir::Program line(size_t length, size_t read_each) {
  ProgramBuilder p;
  ValueName last = p.input(f32, {4});
  for (size_t i = 0; i < length; ++i) {
    const ValueName other = i < read_each ? p.input(f32, {4}) : last;
    last = p.op("add", f32, {4}, {last, other});
  }
  return p.with_outputs({last});
}

}  // namespace

TEST_CASE("fuse apart: nothing is said of what is one step, or of steps that have nothing to do with each other") {
  CHECK(text_of(line(3, 0)).empty());
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4}), y = p.input(f32, {3, 2});
  CHECK(text_of(p.with_outputs({p.op("exp", f32, {4}, {x}), p.op("exp", f32, {3, 2}, {y})})).empty());
}

TEST_CASE("fuse apart: a kernel of its own on either side") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  const ValueName sorted = p.op("sort", f32, {4}, {x});
  const ValueName a = p.op("exp", f32, {4}, {sorted});
  CHECK(text_of(p.with_outputs({p.op("sort", f32, {4}, {a})})) == "0-1 own_kernel, 1-2 own_kernel");
}

TEST_CASE("fuse apart: the limit that is in the way, and no other") {
  CHECK(text_of(line(300, 0)) == "0-44 steps");
  Limits limits;
  limits.reads = 3;
  CHECK(text_of(line(5, 5), limits) == "0-1 reads, 1-3 reads");
  limits = {};
  limits.buffers = 4;
  CHECK(text_of(line(5, 5), limits).find("buffers") != std::string::npos);
  CHECK(text_of(line(5, 5), limits).find("reads") == std::string::npos);
}

TEST_CASE("fuse apart: a view is seen through, and named where it is in the way; so are other sizes") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4}), y = p.input(f32, {4, 3});
  const ValueName a = p.op("exp", f32, {3, 4}, {x});
  const ValueName t = p.op("transpose", f32, {4, 3}, {a});
  CHECK(text_of(p.with_outputs({p.op("add", f32, {4, 3}, {t, y}), p.op("sort", f32, {3, 4}, {a})})) ==
        "0-2 view, 0-3 own_kernel");

  ProgramBuilder q;
  const ValueName z = q.input(f32, {3, 4}), w = q.input(f32, {4});
  const ValueName e = q.op("exp", f32, {4}, {w});
  CHECK(text_of(q.with_outputs({q.op("add", f32, {3, 4}, {z, e})})) == "0-1 elements");
}

TEST_CASE("fuse apart: one waits for a third that waits for the other") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  const ValueName e = p.op("exp", f32, {4}, {x});
  const ValueName s = p.op("sort", f32, {4}, {e});
  CHECK(text_of(p.with_outputs({p.op("add", f32, {4}, {e, s})})) == "0-1 own_kernel, 0-2 waits, 1-2 own_kernel");
}

}  // namespace gpu_node::fuse
