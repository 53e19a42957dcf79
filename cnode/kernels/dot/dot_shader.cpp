// Emits a tiled matrix product around shaders/dot_tile.glsl. What one invocation does is written out statement by
// statement: an invocation's loops are bounded, and registers cannot be indexed.
#include "kernels/dot/dot_shader.h"

#include <string_view>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {
namespace {

std::string number(uint32_t value) { return concat(value); }
std::string literal(uint32_t value) { return concat(value, "u"); }

// What differs between the two operands.
struct Side {
  uint32_t index;
  std::string name;      // "left", "right"
  uint32_t extent;       // rows or columns of the workgroup's tile
  uint32_t own;          // and of an invocation
  std::string limit;     // parameter: rows or columns in all
  std::string position;  // function: where a row or column begins
};

class Emitter {
 public:
  Emitter(const DotPass& pass, const vulkan::DeviceInfo& device)
      : pass_(pass),
        device_(device),
        builder_(device),
        left_{0, "left", pass.tile.rows, pass.tile.own_rows, param(DotPass::kRows), "row_offset"},
        right_{1, "right", pass.tile.columns, pass.tile.own_columns, param(DotPass::kColumns), "column_offset"} {}

  Result<vulkan::KernelSource> emit() {
    define_macros();
    declare_buffers();
    builder_.library("dot_tile.glsl");
    declare_positions();
    declare_place(left_);
    declare_place(right_);
    declare_fetch();
    declare_stage();
    declare_multiply();
    pass_.epilogue ? declare_finish() : declare_put();
    builder_.body() += "  dot_main();\n";
    return builder_.build();
  }

 private:
  std::string param(uint32_t position) const { return parameter_text(position, pass_.words()); }

  // Fours of |side| that one invocation fetches per tile.
  uint32_t fetched(const Side& side) const { return side.extent * pass_.tile.depth / 4 / pass_.tile.invocations(); }

  void define_macros() {
    const DotTile& tile = pass_.tile;
    builder_.local_size(tile.invocations());
    builder_.use(dtype_info(pass_.element).compute);
    // A software driver takes longer to compile sixteen steps than it gains by them.
    builder_.define("LOOP_CONTROL", device_.software ? "[[dont_unroll]]" : "[[unroll]]");
    builder_.define("T", compute_type(pass_.element));
    builder_.define("T4", vector_type(compute_type(pass_.element)));
    builder_.define("BLOCK_M", literal(tile.rows));
    builder_.define("BLOCK_N", literal(tile.columns));
    builder_.define("BLOCK_K", literal(tile.depth));
    builder_.define("LEFT_PITCH", literal(tile.rows / 4 + 1));
    builder_.define("RIGHT_PITCH", literal(tile.columns / 4 + 1));
    builder_.define("P_ROWS", param(DotPass::kRows));
    builder_.define("P_COLUMNS", param(DotPass::kColumns));
    builder_.define("P_COUNT", param(DotPass::kCount));
    builder_.define("P_CHUNK", param(DotPass::kChunk));
    builder_.define("P_PARTS", param(DotPass::kParts));
    builder_.define("P_FIRST_BATCH", param(DotPass::kFirstBatch));
    builder_.define("P_BATCHES", param(DotPass::kBatches));
  }

  void declare_buffers() {
    using enum ShaderBuilder::Access;
    builder_.buffer("left_data", pass_.sources[0], kRead);
    builder_.buffer("right_data", pass_.sources[1], kRead);
    if (pass_.writes_parts) {
      builder_.buffer("result", compute_type(pass_.element), kWrite);
    } else if (pass_.epilogue) {
      pass_.epilogue->declare_buffers(builder_);
    } else {
      builder_.buffer("result", pass_.element, kWrite);
    }
    builder_.parameters(pass_.words());
  }

  void declare_positions() {
    const auto add = [this](std::string_view type, std::string_view name, const std::string& start, uint32_t rank,
                            uint32_t first, uint32_t words, uint32_t stride) {
      const bool both = type == "uvec2";
      builder_.declare(position_function(
          type, name, start, rank, [this, first, words](uint32_t axis) { return param(first + axis * words); },
          [this, first, words, stride, both](uint32_t axis) {
            const uint32_t at = first + axis * words + stride;
            return both ? "uvec2(" + param(at) + ", " + param(at + 1) + ")" : param(at);
          }));
    };
    const std::string offsets = "uvec2(" + param(DotPass::kOffsets) + ", " + param(DotPass::kOffsets + 1) + ")";
    add("uvec2", "batch_offsets", offsets, pass_.batch_rank, pass_.batch_at(0), 3, 1);
    add("uint", "row_offset", "0u", pass_.row_rank, pass_.row_at(0), 2, 1);
    add("uint", "column_offset", "0u", pass_.column_rank, pass_.column_at(0), 2, 1);
    add("uint", "left_depth", "0u", pass_.depth_rank, pass_.depth_at(0), 3, 1);
    add("uint", "right_depth", "0u", pass_.depth_rank, pass_.depth_at(0), 3, 2);
  }

  // Which four of the tile is this invocation's |i|th: its step of k, and its place among the fours.
  std::string step_of(const Side& side, uint32_t i) const {
    const std::string four = "(gl_LocalInvocationIndex + " + literal(i * pass_.tile.invocations()) + ")";
    return pass_.deep[side.index] ? four + " % BLOCK_K" : four + " / " + literal(side.extent / 4);
  }
  std::string place_of(const Side& side, uint32_t i) const {
    const std::string four = "(gl_LocalInvocationIndex + " + literal(i * pass_.tile.invocations()) + ")";
    return pass_.deep[side.index] ? four + " / BLOCK_K" : four + " % " + literal(side.extent / 4);
  }

  // Where this invocation's rows (columns) begin, beyond the edge those of the last one.
  void declare_place(const Side& side) {
    std::string globals, text = "void place_" + side.name + "(uint first, uint base) {\n  uint at;\n";
    for (uint32_t i = 0; i < fetched(side); ++i) {
      const std::string name = side.name + "_at" + number(i);
      globals += "uvec4 " + name + ";\nT4 " + side.name + "_next" + number(i) + ";\n";
      text += "  at = first + 4u * (" + place_of(side, i) + ");\n";
      for (uint32_t j = 0; j < 4; ++j)
        text += "  " + name + "[" + number(j) + "] = base + " + side.position + "(min(at + " + literal(j) + ", " +
                side.limit + " - 1u));\n";
    }
    builder_.declare(globals + text + "}\n");
  }

  std::string fetch_text(const Side& side) {
    std::string text;
    for (uint32_t i = 0; i < fetched(side); ++i) {
      const std::string next = side.name + "_next" + number(i), at = side.name + "_at" + number(i);
      text += "  step = k + " + step_of(side, i) + ";\n  " + next +
              " = T4(0);\n  if (step < end) {\n    at = " + side.name + "_depth(step);\n";
      for (uint32_t j = 0; j < 4; ++j) {
        const std::string element = side.name + "_data[" + at + "[" + number(j) + "] + at]";
        const Dtype source = pass_.sources[side.index];
        text += "    " + next + "[" + number(j) +
                "] = " + builder_.convert(source, computing_type(pass_.element), builder_.load(source, element)) +
                ";\n";
      }
      text += "  }\n";
    }
    return text;
  }

  void declare_fetch() {
    builder_.declare("void fetch_tiles(uint k, uint end) {\n  uint step, at;\n" + fetch_text(left_) +
                     fetch_text(right_) + "}\n");
  }

  void declare_stage() {
    std::string text = "void stage_tiles() {\n";
    for (const Side* side : {&left_, &right_}) {
      const std::string pitch = side->index == 0 ? "LEFT_PITCH" : "RIGHT_PITCH";
      for (uint32_t i = 0; i < fetched(*side); ++i)
        text += "  " + side->name + "_tile[(" + step_of(*side, i) + ") * " + pitch + " + " + place_of(*side, i) +
                "] = " + side->name + "_next" + number(i) + ";\n";
    }
    builder_.declare(text + "}\n");
  }

  // An invocation's rows are fours that lie a fraction of the tile apart, its columns likewise: neighbours in the
  // workgroup then read neighbouring fours.
  static uint32_t fours(const Side& side) { return side.own / 4; }
  static uint32_t apart(const Side& side) { return side.extent / side.own; }
  std::string thread_row() const { return "(gl_LocalInvocationIndex / " + literal(apart(right_)) + ")"; }
  std::string thread_column() const { return "(gl_LocalInvocationIndex % " + literal(apart(right_)) + ")"; }
  static std::string sum_name(uint32_t row, uint32_t four) { return "sum" + number(row) + "_" + number(four); }

  // A complex number times four.
  void declare_times() {
    builder_.declare(
        "T times(T a, T b) { return a * b.x + T(-a.y, a.x) * b.y; }\n"
        "T4 times(T a, T4 b) { return T4(times(a, b[0]), times(a, b[1]), times(a, b[2]), times(a, b[3])); }\n");
  }

  void declare_multiply() {
    const bool complex = is_complex(pass_.element);
    if (complex) declare_times();
    std::string globals, text = "void multiply_step(uint k) {\n";
    for (uint32_t f = 0; f < fours(left_); ++f)
      text += "  T4 a" + number(f) + " = left_tile[k * LEFT_PITCH + " + thread_row() + " + " +
              literal(f * apart(left_)) + "];\n";
    for (uint32_t f = 0; f < fours(right_); ++f)
      text += "  T4 b" + number(f) + " = right_tile[k * RIGHT_PITCH + " + thread_column() + " + " +
              literal(f * apart(right_)) + "];\n";
    for (uint32_t row = 0; row < left_.own; ++row) {
      for (uint32_t f = 0; f < fours(right_); ++f) {
        globals += "T4 " + sum_name(row, f) + " = T4(0);\n";
        const std::string a = "a" + number(row / 4) + "[" + number(row % 4) + "]", b = "b" + number(f);
        text += "  " + sum_name(row, f) + " += " + (complex ? "times(" + a + ", " + b + ")" : a + " * " + b) + ";\n";
      }
    }
    builder_.declare(globals + text + "}\n");
  }

  void declare_put() {
    std::string text =
        "void put_sums(uint plane, uint first_row, uint first_column) {\n"
        "  uint row, column, at;\n";
    for (uint32_t row = 0; row < left_.own; ++row) {
      text += "  row = first_row + 4u * (" + thread_row() + " + " + literal(row / 4 * apart(left_)) + ") + " +
              literal(row % 4) + ";\n  if (row >= P_ROWS) return;\n";
      for (uint32_t f = 0; f < fours(right_); ++f) {
        text += "  column = first_column + 4u * (" + thread_column() + " + " + literal(f * apart(right_)) +
                ");\n  at = (plane * P_ROWS + row) * P_COLUMNS + column;\n";
        for (uint32_t j = 0; j < 4; ++j) {
          const std::string value = sum_name(row, f) + "[" + number(j) + "]";
          text += "  if (column + " + literal(j) + " < P_COLUMNS) result[at + " + literal(j) +
                  "] = " + (pass_.writes_parts ? value : builder_.store(pass_.element, value)) + ";\n";
        }
      }
    }
    builder_.declare(text + "}\n");
  }

  // The epilogue stands once in the text, in loops that a compiler writes out where it is short: a row's sums are
  // always in the registers of the first, to which those of the next are moved.
  void declare_finish() {
    pass_.epilogue->declare(builder_, pass_.epilogue_at(), pass_.words());
    const bool written_out = !device_.software && pass_.epilogue->is_light();
    const std::string control = written_out ? "[[unroll]]" : "[[dont_unroll]]";
    const auto at = [](const std::string& thread, uint32_t distance, const char* index) {
      return concat("4u * (", thread, " + ", index, " / 4u * ", literal(distance), ") + ", index, " % 4u");
    };
    std::string sum = "sum0_0[c]";
    if (fours(right_) > 1) sum = "(c < 4u ? sum0_0 : sum0_1)[c % 4u]";
    std::string text =
        concat("void put_sums(uint plane, uint first_row, uint first_column) {\n  ", control, " for (uint r = 0u; r < ",
               literal(left_.own), "; ++r) {\n    uint row = first_row + ", at(thread_row(), apart(left_), "r"),
               ";\n    if (row >= P_ROWS) return;\n    ", control, " for (uint c = 0u; c < ", literal(right_.own),
               "; ++c) {\n      uint column = first_column + ", at(thread_column(), apart(right_), "c"),
               ";\n      if (column < P_COLUMNS) finish((plane * P_ROWS + row) * P_COLUMNS + column, "
               "plane, row, column, ",
               sum, ");\n    }\n");
    for (uint32_t row = 0; row + 1 < left_.own; ++row)
      for (uint32_t f = 0; f < fours(right_); ++f)
        text += "    " + sum_name(row, f) + " = " + sum_name(row + 1, f) + ";\n";
    builder_.declare(text + "  }\n}\n");
  }

  const DotPass& pass_;
  const vulkan::DeviceInfo& device_;
  ShaderBuilder builder_;
  Side left_, right_;
};

}  // namespace

std::string DotPass::key() const {
  std::string text = "dot ";
  for (Dtype dtype : {sources[0], sources[1], element}) {
    text += dtype_name(dtype);
    text += ' ';
  }
  text += number(tile.rows) + "x" + number(tile.columns) + "x" + number(tile.depth) + "/" + number(tile.own_rows) +
          "x" + number(tile.own_columns);
  text += deep[0] ? " d" : " w";
  text += deep[1] ? "d" : "w";
  text += writes_parts ? "p" : "r";
  for (uint32_t rank : {batch_rank, row_rank, column_rank, depth_rank}) text += " " + number(rank);
  if (epilogue) text += " + " + epilogue->text();
  return text;
}

Result<vulkan::KernelSource> DotPass::emit(const vulkan::DeviceInfo& device) const {
  return Emitter(*this, device).emit();
}

}  // namespace gpu_node::kernels
