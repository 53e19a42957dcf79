// Any bytes as an expression, and as a family file: no crash, no hang, no exception. What parses must print to text
// that parses to the same; what becomes a program must be well formed and have a gradient for each coordinate.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "chain/evaluator.h"
#include "chain/expression.h"
#include "chain/family.h"

namespace {

using namespace gpu_node::chain;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_expression(std::string_view text) {
  const auto expression = parse_expression(text);
  if (!expression.ok()) return;
  const std::string printed = text_of(*expression);
  const auto again = parse_expression(printed);
  // Printing may only fail to parse for being longer than an expression may be.
  must(again.ok() || printed.size() > kMaxExpressionBytes);
  if (again.ok()) must(text_of(*again) == printed);
}

void check_family(std::string_view text) {
  const auto family = parse_family(text, "fuzz");
  if (!family.ok()) {
    must(family.error().message.starts_with("fuzz: /"));
    return;
  }
  must(validate(family->program).ok());
  const auto binding = bind(*family, family->example ? family->example->inputs : Inputs());
  must(binding.ok() || !family->example);
  if (!binding.ok()) return;
  // A family may ask for a table of the greatest size; the fuzzer's time is better spent elsewhere.
  for (const int64_t size : binding->dimensions)
    if (size > 64) return;
  const std::vector<double> position(static_cast<size_t>(coordinate_count(family->program, *binding)), 0.5);
  auto evaluator = Evaluator::make(family->program, *binding);
  if (evaluator.ok()) must(evaluator->evaluate(position).gradient.size() == position.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_expression(text);
  check_family(text);
  return 0;
}
