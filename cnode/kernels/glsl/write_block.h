// A block as GLSL: one line for each value, never nested expressions. The only writer of scalar code.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/glsl/op_expression.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

struct WrittenBlock {
  std::string lines;
  std::vector<size_t> starts;      // where in them that of each value begins
  std::vector<TypedValue> values;  // what the lines call each value, by number

  const TypedValue& result(const scalar::Block& block, size_t i = 0) const { return values[block.results()[i]]; }
};

// What a value is called; "v" and its number where nothing else is said.
using ValueName = std::function<std::string(scalar::ValueNumber)>;

// |inputs|: for each of the block's inputs an expression in its compute type, evaluated once. A value that only is a
// result is not rounded yet: ShaderBuilder::store and round do that.
WrittenBlock write_block(ShaderBuilder& shader, const scalar::Block& block, std::span<const std::string> inputs,
                         std::string_view indent = "  ", const ValueName& name = {});

// The number of |dtype| whose compute type's bits are |pair|, an expression of type uvec2, of c128 uvec4; |low| is its
// first component.
std::string value_of_bits(Dtype dtype, std::string_view low, std::string_view pair);

// A number of |type| among the parameters: how many words it has, and its text where the first is parameter |at| of
// |words|.
uint32_t words_of_number(Dtype type);
std::string parameter_number(Dtype type, uint32_t at, uint32_t words);

// |number|, converted to its own type, by its bits, so that no digit and no special value is lost on the way.
std::string constant_text(const Scalar& number);

}  // namespace gpu_node::kernels
