// What the passes make of small programs, as text; and that large ones take no longer than they must.
#include "fuse/fuse.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>

#include "fuse/text.h"
#include "program_builder.h"

namespace gpu_node::fuse {
namespace {

using enum Dtype;
using ir::ValueName;
using test::ProgramBuilder;

std::string text_of(const ir::Program& program) { return text(fused(program)); }

Scalar number(double value) { return {f32, value}; }

}  // namespace

TEST_CASE("fuse: a chain is one map, its numbers are sources once each") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  const ValueName a = p.op("multiply", f32, {4}, {x, number(2)});
  const ValueName b = p.op("add", f32, {4}, {a, number(1)});
  const ValueName c = p.op("subtract", f32, {4}, {b, number(2)});
  CHECK(text_of(p.with_outputs({c})) ==
        "-3 f32{4} = map 0 [{4}: a = 0; b = 2:f32; c = 1:f32; d = multiply a b f32; e = add d c f32; "
        "f = subtract e b f32; > f]\nout -3\n");
}

TEST_CASE("fuse: what nobody needs goes, what is equal is computed once, one alone stays as it is") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  const ValueName a = p.op("exp", f32, {4}, {x});
  p.op("log", f32, {4}, {a});
  const ValueName b = p.op("exp", f32, {4}, {x});
  CHECK(text_of(p.with_outputs({a, b})) == "-1 f32{4} = exp 0\nout -1 -1\n");
}

TEST_CASE("fuse: what others want too is a further result, unless they wait for it and are waited for") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  const ValueName a = p.op("exp", f32, {4}, {x});
  const ValueName b = p.op("add", f32, {4}, {a, number(1)});
  CHECK(text_of(p.with_outputs({a, b})) ==
        "-2 f32{4}, -1 f32{4} = map 0 [{4}: a = 0; b = 1:f32; c = exp a f32; d = add c b f32; > d > c]\nout -1 -2\n");

  ProgramBuilder q;  // the scan stands between exp and divide
  const ValueName y = q.input(f32, {4});
  const ValueName e = q.op("exp", f32, {4}, {y});
  const ValueName s = q.op("cumulative_sum", f32, {4}, {e}, ir::CumulativeAttributes{0, false});
  const ValueName d = q.op("divide", f32, {4}, {e, s});
  const Steps steps = fused(q.with_outputs({d}));
  REQUIRE(steps.steps.size() == 3);
  for (const Step& step : steps.steps) CHECK(step.instruction() != nullptr);
}

TEST_CASE("fuse: users of one value are merged for its sake, of one input for the input's") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  const ValueName t = p.op("exp", f32, {4}, {x});
  const ValueName a = p.op("add", f32, {4}, {t, number(1)});
  const ValueName b = p.op("multiply", f32, {4}, {t, t});
  const ValueName c = p.op("negate", f32, {4}, {x});
  CHECK(text_of(p.with_outputs({a, b, c})) ==
        "-2 f32{4}, -3 f32{4}, -4 f32{4} = map 0 [{4}: a = 0; b = 1:f32; c = exp a f32; d = add c b f32; "
        "e = multiply c c f32; f = negate a f32; > d > e > f]\nout -2 -3 -4\n");
}

TEST_CASE("fuse: what is smaller is repeated where it costs little, and made before where it does not") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4}), y = p.input(f32, {4});
  const ValueName cheap = p.op("add", f32, {4}, {y, number(1)});
  const ValueName a = p.op("multiply", f32, {3, 4}, {x, cheap});
  CHECK(text_of(p.with_outputs({a})) ==
        "-2 f32{3, 4} = map 1, 0 [{3, 4}: a = 1; b = 1:f32; c = 0; d = add a b f32; e = multiply c d f32; > e]\n"
        "out -2\n");

  ProgramBuilder q;
  const ValueName u = q.input(f32, {3, 4}), v = q.input(f32, {4});
  const ValueName dear = q.op("exp", f32, {4}, {v});
  const ValueName b = q.op("multiply", f32, {3, 4}, {u, dear});
  CHECK(text_of(q.with_outputs({b})) == "-1 f32{4} = exp 1\n-2 f32{3, 4} = multiply 0, -1\nout -2\n");
}

TEST_CASE("fuse: iotas and constants are not read, through views either") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4});
  const ValueName i = p.op("iota", f32, {4, 3}, {}, ir::IotaAttributes{});
  const ValueName turned = p.op("transpose", f32, {3, 4}, {i});
  const ValueName c = p.op("constant", f32, {3, 4}, {}, ir::ConstantAttributes{{s64, int64_t{7}}});
  const ValueName a = p.op("add", f32, {3, 4}, {x, turned});
  const ValueName b = p.op("add", f32, {3, 4}, {a, c});
  CHECK(text_of(p.with_outputs({b})) ==
        "-5 f32{3, 4} = map 0 [{3, 4}: a = 0; b = count {3, 4}*{1, 3}+0:f32; c = 7:f32; d = add a b f32; "
        "e = add d c f32; > e]\nout -5\n");
}

TEST_CASE("fuse: a concatenation is written by those who make its pieces") {
  ProgramBuilder p;
  const ValueName x = p.input(u32, {4});
  const ValueName t = p.op("add", u32, {4}, {x, Scalar{u32, uint64_t{1}}});
  const ValueName a = p.op("multiply", u32, {4}, {t, x});
  const ValueName b = p.op("bitwise_xor", u32, {4}, {t, x});
  const ValueName c = p.op("concatenate", u32, {8}, {a, b}, ir::AxisAttributes{0});
  CHECK(text_of(p.with_outputs({c})) ==
        "-4 u32{8} = map 0 [{4}: a = 0; b = 1:u32; c = add a b u32; d = multiply c a u32; e = bitwise_xor c a u32; "
        "> d in -4 {4}*{1}+0 > e in -4 {4}*{1}+4]\nout -4\n");

  ProgramBuilder q;  // of what nobody computes it stays
  const ValueName u = q.input(u32, {4}), v = q.input(u32, {4});
  const ValueName w = q.op("concatenate", u32, {8}, {u, v}, ir::AxisAttributes{0});
  CHECK(text_of(q.with_outputs({w})) == "-1 u32{8} = concatenate 0, 1\nout -1\n");
}

TEST_CASE("fuse: views between are seen through, where that costs no copy") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {3, 4}), y = p.input(f32, {4}), z = p.input(f32, {4, 3});
  const ValueName a = p.op("add", f32, {3, 4}, {x, y});
  const ValueName turned = p.op("transpose", f32, {4, 3}, {a});
  const ValueName b = p.op("multiply", f32, {4, 3}, {turned, z});
  CHECK(text_of(p.with_outputs({b})) ==
        "-4 f32{4, 3} = transpose 0\n-6 f32{3, 4} = broadcast 1\n-5 f32{4, 3} = transpose -6\n"
        "-3 f32{4, 3} = map -4, -5, 2 [{4, 3}: a = -4; b = -5; c = 2; d = add a b f32; e = multiply d c f32; > e]\n"
        "out -3\n");

  ProgramBuilder q;  // what is transposed has no flat view, so what comes behind is computed before it
  const ValueName u = q.input(f32, {3, 4});
  const ValueName v = q.op("transpose", f32, {4, 3}, {u});
  const ValueName e = q.op("exp", f32, {4, 3}, {v});
  const ValueName flat = q.op("reshape", f32, {12}, {e});
  const ValueName w = q.op("negate", f32, {12}, {flat});
  CHECK(text_of(q.with_outputs({w})) ==
        "-1 f32{4, 3} = transpose 0\n-5 f32{4, 3} = map -1 [{4, 3}: a = -1; b = exp a f32; c = negate b f32; > c]\n"
        "-4 f32{12} = reshape -5\nout -4\n");
}

TEST_CASE("fuse: what comes behind a concatenation is computed of its pieces") {
  ProgramBuilder p;
  const ValueName x = p.input(u32, {4}), k = p.input(u32, {});
  const ValueName a = p.op("multiply", u32, {4}, {x, k});
  const ValueName b = p.op("bitwise_xor", u32, {4}, {x, k});
  const ValueName c = p.op("concatenate", u32, {8}, {a, b}, ir::AxisAttributes{0});
  const ValueName square = p.op("reshape", u32, {2, 4}, {c});
  const ValueName f = p.op("bitcast", f32, {2, 4}, {square});
  const ValueName g = p.op("subtract", f32, {2, 4}, {f, number(1)});
  const Steps steps = fused(p.with_outputs({g}));
  CHECK(text(steps) ==
        "-13 f32{8} = map 0, 1 [{4}: a = 0; b = 1; c = 1:f32; d = multiply a b u32; e = bitwise_xor a b u32; "
        "f = bitcast d f32; g = bitcast e f32; h = subtract f c f32; i = subtract g c f32; "
        "> h in -13 {4}*{1}+0 > i in -13 {4}*{1}+4]\n-6 f32{2, 4} = reshape -13\nout -6\n");
}

TEST_CASE("fuse: groups are bounded") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  ValueName a = x;
  for (int i = 0; i < 1000; ++i) a = p.op("add", f32, {4}, {a, x});
  const Steps steps = fused(p.with_outputs({a}));
  CHECK(steps.steps.size() == 4);

  ProgramBuilder q;
  ValueName sum = q.input(f32, {4});
  for (int i = 1; i < 40; ++i) sum = q.op("add", f32, {4}, {sum, q.input(f32, {4})});
  const Steps sums = fused(q.with_outputs({sum}));
  CHECK(sums.steps.size() == 4);
  for (const Step& step : sums.steps) CHECK(step.fused_operands()->size() <= Limits().reads);
}

TEST_CASE("fuse: time grows with the program, whatever it looks like") {
  const auto shapes = {+[](ProgramBuilder& p, int n) {  // a chain
                         ValueName a = p.input(f32, {4});
                         for (int i = 0; i < n; ++i) a = p.op("add", f32, {4}, {a, number(i)});
                         return a;
                       },
                       +[](ProgramBuilder& p, int n) {  // everybody reads one
                         const ValueName x = p.input(f32, {4});
                         const ValueName t = p.op("exp", f32, {4}, {x});
                         ValueName a = t;
                         for (int i = 0; i + 1 < n; i += 2)
                           a = p.op("add", f32, {4}, {a, p.op("multiply", f32, {4}, {t, number(i)})});
                         return a;
                       },
                       +[](ProgramBuilder& p, int n) {  // reductions between
                         ValueName a = p.input(f32, {4});
                         for (int i = 0; i + 2 < n; i += 3) {
                           const ValueName e = p.op("exp", f32, {4}, {a});
                           a = p.op("divide", f32, {4}, {e, p.op("sum", f32, {}, {e})});
                         }
                         return a;
                       },
                       +[](ProgramBuilder& p, int n) {  // pieces of a concatenation
                         const ValueName x = p.input(f32, {4});
                         ir::Instruction whole;
                         for (int i = 1; i < n; ++i) whole.operands.emplace_back(p.op("add", f32, {4}, {x, number(i)}));
                         const ValueName c = p.op("concatenate", f32, {4 * (n - 1)}, {}, ir::AxisAttributes{0});
                         p.program.instructions.back().operands = whole.operands;
                         return c;
                       }};
  for (const auto shape : shapes) {
    const auto seconds = [&](int n) {
      ProgramBuilder p;
      const ValueName last = shape(p, n);
      const ir::Program program = p.with_outputs({last});
      double best = 1e9;
      for (int turn = 0; turn < 9; ++turn) {
        const std::clock_t from = std::clock();  // this process's time: others may keep the processor busy
        const Steps steps = fused(program);
        best = std::min(best, static_cast<double>(std::clock() - from) / CLOCKS_PER_SEC);
        REQUIRE(!steps.steps.empty());
      }
      return best;
    };
    const double small = seconds(512), large = seconds(4096);
    MESSAGE("4,096 instructions: " << large * 1e3 << " ms, 512: " << small * 1e3 << " ms");
    // Eight times as much; 64 times it would be if each looked at all. Caches and others on the machine cost some.
    CHECK(large < small * 40 + 0.002);
  }
}

}  // namespace gpu_node::fuse
