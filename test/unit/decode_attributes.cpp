// The decoder of PROTOCOL.md: attributes of every kind.
#include <doctest/doctest.h>

#include "unit/decode_case.h"

namespace gpu_node::service {
TEST_CASE("decode: attributes") {
  Writer sum = instruction("sum", 1, "f32", {1});
  sum.list(1).integer(0).nil().map(2).atom("axes").list(2).integer(0).integer(2).nil().atom("keep_axes").boolean(true);
  const auto reduced = std::get<ir::Instruction>(command_of(sum)).attributes.as<ir::ReduceAttributes>();
  CHECK(reduced.axes == ir::Axes{0, 2});
  CHECK(reduced.keep_axes);
  Writer all = instruction("sum", 1, "f32", {});
  all.list(1).integer(0).nil().map(1).atom("axes").atom("nil");
  CHECK(!std::get<ir::Instruction>(command_of(all)).attributes.as<ir::ReduceAttributes>().axes);
  Writer argmax = instruction("argmax", 1, "s64", {});
  argmax.list(1).integer(0).nil().map(3).atom("axis").integer(1).atom("tie_break").atom("high");
  argmax.atom("keep_axis").boolean(false);
  const auto arg = std::get<ir::Instruction>(command_of(argmax)).attributes.as<ir::ArgReduceAttributes>();
  CHECK(arg.axis == 1);
  CHECK(arg.tie_break == ir::TieBreak::kHigh);
  Writer dot = instruction("dot", 1, "f32", {});
  dot.list(2).integer(0).integer(1).nil().map(4).atom("contract_left").list(1).integer(1).nil();
  dot.atom("batch_left").nil().atom("contract_right").list(1).integer(0).nil().atom("batch_right").nil();
  CHECK(std::get<ir::Instruction>(command_of(dot)).attributes.as<ir::DotAttributes>().contract_left == ir::Axes{1});
  Writer unknown = instruction("sum", 1, "f32", {});
  unknown.list(1).integer(0).nil().map(1).atom("colour").integer(1);
  CHECK(malformed(unknown).error.message == "sum: unknown attribute colour; it takes axes, keep_axes");
  Writer none = instruction("add", 1, "f32", {});
  none.list(2).integer(0).integer(1).nil().map(1).atom("axes").atom("nil");
  CHECK(malformed(none).error.message == "add: unknown attribute axes; it takes none");
  Writer constant = instruction("constant", 1, "f32", {});
  constant.nil().map(0);
  CHECK(malformed(constant).error.message == "constant: the attribute value is missing");
  Writer axis = instruction("sum", 1, "f32", {});
  axis.list(1).integer(0).nil().map(1).atom("axes").list(1).integer(-1).nil();
  CHECK(malformed(axis).error.message.find("axis -1 is outside 0 to 31") != std::string::npos);
}

TEST_CASE("decode: choices of decompositions") {
  Writer solve = instruction("triangular_solve", 2, "f32", {3});
  solve.list(2).integer(0).integer(1).nil().map(2).atom("transform_a").atom("conjugate");
  solve.atom("left_side").boolean(false);
  const auto solved = std::get<ir::Instruction>(command_of(solve)).attributes.as<ir::TriangularSolveAttributes>();
  CHECK(solved.transform_a == ir::TransformA::kConjugate);
  CHECK(solved.lower);
  CHECK_FALSE(solved.left_side);
  Writer wrong = instruction("triangular_solve", 2, "f32", {3});
  wrong.list(2).integer(0).integer(1).nil().map(1).atom("transform_a").atom("adjoint");
  CHECK(malformed(wrong).error.message.find("transform_a") != std::string::npos);
  CHECK(ir::attributes_text(ir::TriangularSolveAttributes{true, false, ir::TransformA::kTranspose}) ==
        ", left_side false, transform_a transpose");
  CHECK(ir::attributes_text(ir::QrAttributes{ir::QrMode::kComplete}) == ", mode complete");
}

TEST_CASE("decode: starts, lengths and padding") {
  Writer slice = instruction("slice", 1, "f32", {1, 1, 1});
  slice.list(2).integer(0).integer(1).nil().map(3).atom("starts").list(3).integer(-2).atom("operand");
  slice.integer(INT64_MIN).nil().atom("lengths").list(3).integer(1).integer(2).integer(300).nil();
  slice.atom("strides").atom("nil");
  const auto part = std::get<ir::Instruction>(command_of(slice)).attributes.as<ir::SliceAttributes>();
  CHECK(part.starts.values == Dims{-2, ir::Starts::kOperand, INT64_MIN + 1});
  CHECK(part.starts.operands() == 1);
  CHECK(part.lengths == Dims{1, 2, 300});
  CHECK_FALSE(part.strides);
  Writer pad = instruction("pad", 1, "f32", {1, 1});
  pad.list(2).integer(0).integer(1).nil().map(1).atom("padding").list(2);
  pad.tuple(2).integer(1).integer(-2).tuple(3).integer(0).integer(0).integer(4).nil();
  const auto padded = std::get<ir::Instruction>(command_of(pad)).attributes.as<ir::PadAttributes>();
  CHECK(padded.padding == ir::Padding{{1, -2, 0}, {0, 0, 4}});

  const auto wrong = [](const char* op, const char* key, const auto& value) {
    Writer writer = instruction(op, 1, "f32", {1});
    writer.list(2).integer(0).integer(1).nil().map(1).atom(key);
    value(writer);
    return malformed(writer).error.message;
  };
  const std::string starts =
      "put_slice: the attribute starts is a list of at most 32 integers or the atom operand, got ";
  CHECK(wrong("put_slice", "starts", [](Writer& w) { w.list(1).atom("here").nil(); }).starts_with(starts));
  CHECK(wrong("put_slice", "starts", [](Writer& w) { w.list(1).integer(1).integer(2); }).starts_with(starts));
  CHECK(wrong("put_slice", "starts", [](Writer& w) {
          w.list(33);
          for (int i = 0; i < 33; ++i) w.integer(1000);
          w.nil();
        }).starts_with(starts));
  const std::string padding =
      "pad: the attribute padding is a list of at most 32 tuples {Low, High} or {Low, High, Interior}, got ";
  CHECK(wrong("pad", "padding", [](Writer& w) { w.list(1).tuple(1).integer(1).nil(); }).starts_with(padding));
  CHECK(wrong("pad", "padding", [](Writer& w) {
          w.list(1).tuple(4).integer(1).integer(1).integer(1).integer(1).nil();
        }).starts_with(padding));
  CHECK(wrong("pad", "padding", [](Writer& w) { w.integer(1); }).starts_with(padding));
}

TEST_CASE("decode: functions") {
  const auto reduced = [](const auto& function) {
    Writer writer = instruction("reduce", 1, "f32", {});
    writer.list(2).integer(0).integer(1).nil().map(1).atom("function");
    function(writer);
    return writer;
  };
  const auto steps =
      std::get<ir::Instruction>(command_of(reduced([](Writer& w) {
        w.list(2).tuple(3).atom("multiply").atom("f32").list(2).integer(1).tuple(2).atom("s32").integer(10);
        w.nil().tuple(3).atom("negate").atom("f32").list(1).integer(-1).nil().nil();
      })))
          .attributes.as<ir::FoldAttributes>()
          .function.steps;
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].op->name == "multiply");
  CHECK(std::get<int64_t>(steps[0].operands[0]) == 1);
  CHECK(std::get<Scalar>(steps[0].operands[1]).dtype == Dtype::s32);
  CHECK(steps[1].type == Dtype::f32);
  CHECK(std::get<int64_t>(steps[1].operands[0]) == -1);

  const auto wrong = [&](const auto& function) { return malformed(reduced(function)).error.message; };
  const std::string start = "reduce: the attribute function";
  CHECK(wrong([](Writer& w) { w.nil(); }) ==
        start + " is a list of 1 to 1024 steps {Op, Type, Operands}, got an empty list");
  CHECK(wrong([](Writer& w) {
          w.list(1).tuple(3).atom("fly").atom("f32").nil().nil();
        }).find("step 1: this node has no op fly") != std::string::npos);
  CHECK(wrong([](Writer& w) { w.list(1).tuple(2).atom("add").atom("f32").nil(); }).find("step 1") != std::string::npos);
  CHECK(wrong([](Writer& w) {
          w.list(1).tuple(3).atom("add").atom("f32").list(1).atom("x").nil().nil();
        }).find("step 1: literal") != std::string::npos);
}

TEST_CASE("decode: bodies by number") {
  const auto loop = [](const auto& number) {
    Writer writer = instruction("while", 1, "f32", {});
    writer.list(1).integer(0).nil().map(2).atom("condition").integer(3).atom("body");
    number(writer);
    return writer;
  };
  const auto attributes = std::get<ir::Instruction>(command_of(loop([](Writer& w) {
                            w.integer(255);
                          }))).attributes.as<ir::WhileAttributes>();
  CHECK(attributes.condition.value == 3);
  CHECK(attributes.body.value == 255);
  const auto wrong = [&](const auto& number) { return malformed(loop(number)).error.message; };
  CHECK(wrong([](Writer& w) { w.integer(-1); }).starts_with("while: the attribute body"));
  CHECK(wrong([](Writer& w) { w.number(1.0); }).starts_with("while: the attribute body"));
  CHECK(wrong([](Writer& w) { w.nil(); }).starts_with("while: the attribute body"));
}

TEST_CASE("decode: the attributes of Fourier transforms") {
  Writer given = instruction("fft", 1, "c64", {8});
  given.list(1).integer(0).nil().map(3).atom("axis").integer(0).atom("length").integer(8).atom("eps").number(1e-3);
  const auto one = std::get<ir::Instruction>(command_of(given)).attributes.as<ir::FourierAttributes>();
  CHECK(one.axis == 0);
  CHECK(one.length->value == 8);
  CHECK(one.eps == 1e-3);
  Writer bare = instruction("ifft", 1, "c64", {8});
  bare.list(1).integer(0).nil().map(2).atom("length").atom("nil").atom("eps").integer(0);
  const auto other = std::get<ir::Instruction>(command_of(bare)).attributes.as<ir::FourierAttributes>();
  CHECK_FALSE(other.axis);
  CHECK_FALSE(other.length);
  CHECK(other.eps == 0);
  Writer none = instruction("fft2", 1, "c64", {8, 8});
  none.list(1).integer(0).nil().map(0);
  CHECK(std::get<ir::Instruction>(command_of(none)).attributes.as<ir::Fourier2Attributes>().eps == ir::kEps);

  const auto wrong = [](const char* key, const auto& value) {
    Writer writer = instruction("fft", 1, "c64", {8});
    writer.list(1).integer(0).nil().map(1).atom(key);
    value(writer);
    return malformed(writer).error.message;
  };
  CHECK(wrong("eps", [](Writer& w) { w.atom("none"); }).starts_with("fft: the attribute eps is a number, got "));
  CHECK(wrong("length", [](Writer& w) { w.integer(0); }).starts_with("fft: the attribute length is "));
}

}  // namespace gpu_node::service
