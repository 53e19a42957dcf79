// Emits a reduction pass around shaders/reduce.glsl: macros, buffers, and the functions that know shapes and types.
#include "kernels/reduce/reduce_shader.h"

#include <bit>
#include <string_view>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/plan.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

constexpr std::string_view kComponents = "xyzw";

// The type of an Acc's value.
std::string_view value_type(const ReducePass& pass) { return acc_value_type(pass.accumulator, pass.element); }

class Emitter {
 public:
  Emitter(const ReducePass& pass, const vulkan::DeviceInfo& device)
      : pass_(pass), builder_(device), in_double_(device.has_f64) {}

  Result<vulkan::KernelSource> emit() {
    define_macros();
    declare_buffers();
    builder_.library("reduce_table.glsl");
    builder_.library("reduce_accumulators.glsl");
    builder_.library("reduce_tree.glsl");
    builder_.library("reduce.glsl");
    if (pass_.input != PassInput::kNothing) {
      declare_fetch();
      declare_kept();
      declare_walk();
    }
    declare_put();
    builder_.body() += "  reduce_main();\n";
    return builder_.build();
  }

 private:
  std::string param(uint32_t position) const { return parameter_text(position, pass_.words()); }

  // The strides of all inputs from |position| on, as one OFFSETS.
  std::string offsets(uint32_t position) const {
    std::string text = "OFFSETS(" + param(position);
    for (uint32_t i = 1; i < pass_.inputs(); ++i) text += ", " + param(position + i);
    return text + ")";
  }

  void define_macros() {
    builder_.local_size(pass_.invocations);
    builder_.use(dtype_info(pass_.element).compute);
    builder_.define("INVOCATIONS", concat(pass_.invocations, "u"));
    builder_.define("LOG_INVOCATIONS", concat(std::countr_zero(pass_.invocations), "u"));
    builder_.define("P_OUTPUTS", param(ReducePass::kOutputs));
    builder_.define("P_COUNT", param(ReducePass::kCount));
    builder_.define("P_CHUNK", param(ReducePass::kChunk));
    builder_.define("P_MODE", param(ReducePass::kMode));
    builder_.define("OFFSETS", pass_.inputs() == 2 ? "uvec2" : "uint");
    builder_.define("ELEMENT", element_type());
    builder_.define("ROUND", pass_.vectors ? "2" : "4");
    builder_.define("WALK_RANK", concat(pass_.input == PassInput::kNothing ? 0 : pass_.walk_rank));
    if (has_factors() && (value_type(pass_) == "float" || value_type(pass_) == "vec2") && in_double_) {
      builder_.use(ComputeType::kF64);
      builder_.define("PRODUCT_IN_DOUBLE");
    }
    define_accumulator(pass_.accumulator, pass_.element, builder_);
  }

  void declare_buffers() {
    using enum ShaderBuilder::Access;
    if (pass_.input == PassInput::kAccs) {
      declare_acc_buffers(pass_.accumulator, pass_.element, "in", kRead, builder_);
    } else {
      for (uint32_t i = 0; i < pass_.inputs(); ++i) {
        const std::string name = concat("in", i);
        pass_.vectors ? builder_.vector_buffer(name, pass_.sources[i], kRead)
                      : builder_.buffer(name, pass_.sources[i], kRead);
      }
    }
    if (pass_.writes_accs) {
      declare_acc_buffers(pass_.accumulator, pass_.element, "out", kWrite, builder_);
    } else if (pass_.epilogue) {
      pass_.epilogue->declare_buffers(builder_);
    } else {
      builder_.buffer("result", pass_.result, kWrite);
    }
    builder_.parameters(pass_.words());
  }

  // Where source |i| lies at the OFFSETS "at": an element, or a word of each of four.
  std::string place(uint32_t i) const {
    return concat("in", i, "[", pass_.inputs() == 1 ? "at" : i == 0 ? "at.x" : "at.y", "]");
  }

  // Products of floats are taken apart from their factors: what rounding loses is added too.
  bool has_factors() const {
    return pass_.input == PassInput::kProducts && is_compensated(pass_.accumulator, pass_.element);
  }

  std::string element_type() const {
    if (pass_.input == PassInput::kAccs) return "Acc";
    const std::string value(value_type(pass_));
    if (has_factors() && is_complex(pass_.element)) return value == "dvec2" ? "dmat2" : "mat2";
    if (has_factors()) return std::string(value == "double" ? "d" : "") + (pass_.vectors ? "mat2x4" : "vec2");
    return pass_.vectors ? std::string(vector_type(value)) : value;
  }

  // The element of source |i|, or whether it is not zero, from its |word|.
  std::string source_text(uint32_t i, const std::string& word) {
    const Dtype dtype = pass_.sources[i];
    return acc_element_text(pass_.accumulator, pass_.element, dtype, builder_.load(dtype, word), builder_);
  }

  // What is accumulated of the sources' |words|: their element, their product, or whether it is not zero.
  std::string value_text(const std::array<std::string, 2>& words) {
    std::string text = source_text(0, words[0]);
    if (pass_.inputs() == 2) text += " * " + source_text(1, words[1]);
    return text;
  }

  // The four elements of source |i| in the variable w0 or w1.
  std::string four_texts(uint32_t i) {
    std::string text;
    for (const char component : kComponents)
      text += (text.empty() ? "" : ", ") + source_text(i, concat("w", i, ".", component));
    return text;
  }

  // What is accumulated of the four in w0, and w1.
  std::string four_values() {
    std::string text;
    for (const char component : kComponents)
      text += (text.empty() ? "" : ", ") + value_text({std::string("w0.") + component, std::string("w1.") + component});
    return text;
  }

  void declare_fetch() {
    std::string fetch, take;
    if (pass_.input == PassInput::kAccs) {
      fetch = "return " + acc_load_text(pass_.accumulator, pass_.element, "in", "at") + ";";
      take = "acc = acc_merge(acc, x);";
    } else if (pass_.vectors) {
      for (uint32_t i = 0; i < pass_.inputs(); ++i) {
        const std::string words(vector_type(word_type(pass_.sources[i])));
        fetch += concat(words, " w", i, " = ", words, "(", place(i), ");\n  ");
      }
      fetch += "return ELEMENT(" + (has_factors() ? four_texts(0) + ", " + four_texts(1) : four_values()) + ");";
      for (int component = 0; component < 4; ++component) take += (component == 0 ? "" : "\n  ") + take_text(component);
    } else if (has_factors()) {
      fetch = "return ELEMENT(" + source_text(0, place(0)) + ", " + source_text(1, place(1)) + ");";
      take = is_complex(pass_.element) ? "acc_product(acc, x[0], x[1]);" : "acc_product(acc, x.x, x.y);";
    } else {
      fetch = "return " + value_text({place(0), place(1)}) + ";";
      take = "acc_add(acc, x, position);";
    }
    builder_.declare("ELEMENT fetch(OFFSETS at) {\n  " + fetch + "\n}\n");
    builder_.declare("void take(inout Acc acc, ELEMENT x, uint position) {\n  " + take + "\n}\n");
  }

  // Takes one of the four in x.
  std::string take_text(int component) const {
    const std::string at(1, kComponents[static_cast<size_t>(component)]);
    if (has_factors()) return "acc_product(acc, x[0]." + at + ", x[1]." + at + ");";
    const std::string behind = component == 0 ? "" : concat(" + ", component, "u");
    return "acc_add(acc, x." + at + ", 4u * position" + behind + ");";
  }

  void declare_kept() {
    builder_.declare(position_function(
        "OFFSETS", "kept_offsets", offsets(pass_.offset_at()), pass_.kept_rank,
        [this](uint32_t axis) { return param(pass_.kept_at(axis)); },
        [this](uint32_t axis) { return offsets(pass_.kept_at(axis) + 1); }));
  }

  void declare_walk() {
    if (pass_.walk_rank == 1) {
      builder_.declare("OFFSETS walk_linear(uint position) { return " + offsets(pass_.walk_at(0)) + " * position; }\n");
      return;
    }
    const auto index = [](uint32_t axis) { return concat("walk.at[", axis, "]"); };
    const auto size = [this](uint32_t axis) { return param(pass_.walk_at(axis)); };
    const std::string start =
        unravel_text("position", pass_.walk_rank, size,
                     [&](uint32_t axis, const std::string& at) { return concat(index(axis), " = ", at); });
    std::string step, at = "OFFSETS(0u)";
    for (uint32_t axis = pass_.walk_rank; axis-- > 0;) {
      const uint32_t position = pass_.walk_at(axis);
      at += concat(" + ", offsets(position + 2), " * ", index(axis));
      step += concat("  ", index(axis), " += ", param(position + 1));
      step += axis + 1 == pass_.walk_rank ? ";\n" : " + carry;\n";
      if (axis == 0) continue;
      step += concat("  carry = ", index(axis), " >= ", size(axis), " ? 1u : 0u;\n");
      step += concat("  if (carry == 1u) ", index(axis), " -= ", size(axis), ";\n");
    }
    builder_.declare("Walk walk_start(uint position) {\n  Walk walk;\n" + start + "  return walk;\n}\n");
    builder_.declare("void walk_step(inout Walk walk) {\n  uint carry = 0u;\n" + step + "}\n");
    builder_.declare("OFFSETS walk_offsets(Walk walk) { return " + at + "; }\n");
  }

  void declare_put() {
    if (pass_.epilogue) pass_.epilogue->declare(builder_, pass_.epilogue_at(), pass_.words());
    std::string text = "void put(uint part, uint output_index, Acc acc) {\n";
    if (pass_.writes_accs) {
      text += "  uint at = part * P_OUTPUTS + output_index;\n";
      text += acc_store_text(pass_.accumulator, pass_.element, "out", "at");
    } else {
      const std::string value =
          acc_outcome_text(pass_.accumulator, pass_.element, pass_.result, "acc_result(acc)", builder_);
      text += pass_.epilogue ? "  finish(output_index, output_index, " + value + ");\n"
                             : "  result[output_index] = " + builder_.store(pass_.result, value) + ";\n";
    }
    builder_.declare(text + "}\n");
  }

  const ReducePass& pass_;
  ShaderBuilder builder_;
  const bool in_double_;  // the device has doubles
};

}  // namespace

std::string ReducePass::key() const {
  std::string text = "reduce ";
  text += accumulator_name(accumulator);
  for (uint32_t i = 0; i < inputs() && input != PassInput::kAccs; ++i) {
    text += ' ';
    text += dtype_name(sources[i]);
  }
  text += ' ';
  text += dtype_name(element);
  text += ' ';
  text += dtype_name(result);
  text += concat(" i", static_cast<int>(input), vectors ? "v" : "", writes_accs ? "p" : "r");
  text += concat(" k", kept_rank, "w", walk_rank, "n", invocations);
  if (epilogue) text += " + " + epilogue->text();
  return text;
}

Result<vulkan::KernelSource> ReducePass::emit(const vulkan::DeviceInfo& device) const {
  return Emitter(*this, device).emit();
}

}  // namespace gpu_node::kernels
