// Plans window_scatter_max and window_scatter_min in two walks: each window chooses one of its elements, then each
// element of the result adds up what the windows have that chose it, in their order. No two write to one place, so the
// same sums come out every time.
#include "base/divide_up.h"
#include "kernels/families.h"
#include "kernels/glsl/position_text.h"
#include "kernels/window/scatter_shader.h"
#include "kernels/window/windows.h"

namespace gpu_node::kernels {
namespace {

using Words = SmallList<uint32_t, 32>;

void add_map(const Place& place, int64_t offset, Words& words) {
  words.push_back(static_cast<uint32_t>(offset));
  for (const int64_t stride : place.map.strides) words.push_back(static_cast<uint32_t>(stride));
}

Result<void> append(const ScatterKernel& kernel, const Words& words, std::span<const Binding> bindings, int64_t count,
                    int64_t units, PlanBuilder& plan) {
  Dispatch dispatch;
  dispatch.key = kernel.key();
  dispatch.emit = [kernel, &device = plan.device()] { return kernel.emit(device); };
  dispatch.bindings.assign(bindings.begin(), bindings.end());
  plan.bind_parameters(words.span(), dispatch);
  plan.set_grid(static_cast<uint64_t>(count), element_local_size(plan.device()), dispatch);
  dispatch.grid.units = static_cast<double>(units);
  return plan.append(std::move(dispatch));
}

}  // namespace

Result<void> plan_window_scatter(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& given = instruction.attributes.as<ir::WindowScatterAttributes>();
  const Place tensor = plan.placed(source_of(operands[0], 0)), source = plan.placed(source_of(operands[1], 1));
  const Source init = source_of(operands[2], 2);
  const Place value = plan.placed(init), &to = plan.result();
  GPU_ASSIGN(const Place from, padded(tensor, given.padding, init, plan));
  const Shape &windows = source.map.shape, &shape = to.map.shape;
  const int64_t count = element_count(windows), size = element_count(given.window);
  if (size >= int64_t{1} << 31 || count >= int64_t{1} << 32 || element_count(shape) >= int64_t{1} << 32)
    return plan.unsupported(concat(count, " windows of ", size, " elements over ", shape_text(shape),
                                   "; less than 2^32 windows and elements, and windows below 2^31, are supported"));
  const Place chosen = plan.add_scratch(Dtype::u32, windows);
  const auto rank = static_cast<uint32_t>(shape.size());
  const auto stride_of = [&given](int d) { return given.strides ? (*given.strides)[d] : 1; };
  GPU_ASSIGN(const Bound read, plan.bind(from, false));
  GPU_ASSIGN(const Bound choices, plan.bind(chosen, true));

  ScatterKernel choose;
  choose.greatest = instruction.op->code == ir::Code::kWindowScatterMax;
  choose.element = from.dtype;
  choose.rank = rank;
  Words words = {static_cast<uint32_t>(count), static_cast<uint32_t>(size)};
  for (const Dims* dims : {&windows, &given.window})
    for (const int64_t one : *dims) words.push_back(static_cast<uint32_t>(one));
  Place walk = from;
  for (int d = 0; d < windows.size(); ++d) walk.map.strides[d] *= stride_of(d);
  add_map(walk, read.offset, words);
  add_map(from, 0, words);
  GPU_TRY(append(choose, words, std::array{read.binding, choices.binding}, count, count * size, plan));

  ScatterKernel gather = choose;
  gather.kind = ScatterKernel::Kind::kGather;
  gather.source = source.dtype;
  gather.init = value.dtype;
  gather.result = to.dtype;
  GPU_ASSIGN(const Bound sources, plan.bind(source, false));
  GPU_ASSIGN(const Bound starts, plan.bind(value, false));
  GPU_ASSIGN(const Bound results, plan.bind(to, true));
  words = {static_cast<uint32_t>(element_count(shape)), static_cast<uint32_t>(starts.offset)};
  int64_t covering = 1;
  for (int d = 0; d < shape.size(); ++d) {
    covering *= divide_up(given.window[d], stride_of(d));
    for (const int64_t one :
         {shape[d], windows[d], given.window[d], stride_of(d), given.padding[static_cast<size_t>(d)].low})
      words.push_back(static_cast<uint32_t>(one));
  }
  add_map(source, sources.offset, words);
  Bound again = choices;
  again.binding.written = false;
  return append(gather, words, std::array{sources.binding, starts.binding, again.binding, results.binding},
                element_count(shape), element_count(shape) * covering, plan);
}

}  // namespace gpu_node::kernels
