#include "gpu/block_case.h"

#include <doctest/doctest.h>

#include <chrono>

#include "base/divide_up.h"
#include "block_text.h"
#include "gpu/device.h"
#include "kernels/elementwise/emit.h"
#include "kernels/glsl/position_text.h"
#include "kernels/plan_builder.h"
#include "scalar/evaluate.h"

namespace gpu_node::test {

scalar::Block block_of(std::string_view text) {
  auto block = read_block(text);
  REQUIRE_MESSAGE(block.has_value(), text);
  return std::move(*block);
}

std::vector<HostTensor> run_block(const scalar::Block& block, const std::vector<HostTensor>& inputs, bool vectors,
                                  uint32_t turns) {
  vulkan::Device& gpu = device();
  kernels::Layout layout;
  layout.vectors = vectors;
  layout.turns = turns;
  for (size_t i = 0; i < inputs.size(); ++i) layout.inputs.push_back(kernels::InputMode::kFlat);
  const auto pending = gpu.kernels().request(kernels::elementwise_key(block, layout),
                                             [&] { return kernels::emit_elementwise(block, layout, gpu.info()); });
  REQUIRE(pending.wait_for(std::chrono::minutes(1)));
  if (!pending.get().ok()) FAIL(block.text() << ": " << pending.get().error().message);

  const auto count = static_cast<uint32_t>(inputs[0].count()) / (vectors ? 4 : 1);
  kernels::Dispatch dispatch;
  kernels::PushData push(dispatch);
  push.add(count);
  for (size_t i = 0; i < inputs.size() + block.results().size(); ++i) push.add(uint32_t{0});  // offsets
  std::vector<vulkan::BufferRef> buffers;
  for (const HostTensor& input : inputs) buffers.push_back(upload(gpu, input.bytes));
  std::vector<HostTensor> results;
  for (size_t i = 0; i < block.results().size(); ++i) {
    HostTensor& result = results.emplace_back(block.result_type(i), Shape{inputs[0].count()});
    // Bytes that no kernel writes must not look like a result by chance.
    buffers.push_back(upload(gpu, std::vector<std::byte>(result.bytes.size(), std::byte{0xa5})));
  }
  std::vector<vulkan::BufferRange> ranges;
  for (size_t i = 0; i < buffers.size(); ++i)
    ranges.push_back({&buffers[i], 0, buffers[i]->size_bytes(), i >= inputs.size()});
  const uint32_t local = kernels::element_local_size(gpu.info()) * turns;
  const auto recorded = gpu.recorder().dispatch(
      **pending.get(), ranges, std::span(dispatch.push).first(dispatch.push_bytes), {{divide_up(count, local), 1, 1}});
  if (!recorded.ok()) FAIL(recorded.error().message);
  for (size_t i = 0; i < results.size(); ++i)
    results[i].bytes = download(gpu, buffers[inputs.size() + i], results[i].bytes.size());
  return results;
}

std::vector<HostTensor> evaluate_block(const scalar::Block& block, const std::vector<HostTensor>& inputs) {
  std::vector<std::vector<Number>> numbers(block.results().size());
  for (int64_t at = 0; at < inputs[0].count(); ++at) {
    std::vector<Scalar> own;
    for (const HostTensor& input : inputs) own.push_back(to_scalar(input.dtype, input.number(at)));
    const std::vector<Scalar> results = scalar::evaluate(block, own);
    for (size_t i = 0; i < results.size(); ++i) numbers[i].push_back(to_number(results[i]));
  }
  std::vector<HostTensor> results;
  for (size_t i = 0; i < numbers.size(); ++i)
    results.emplace_back(block.result_type(i), Shape{inputs[0].count()}, numbers[i]);
  return results;
}

Number to_number(const Scalar& scalar) {
  if (const auto* whole = std::get_if<int64_t>(&scalar.value)) return Number::of(*whole);
  if (const auto* whole = std::get_if<uint64_t>(&scalar.value)) return Number::of(*whole);
  return Number::of_real(std::get<double>(scalar.value));
}

}  // namespace gpu_node::test
