// The index space is the target's; every input is a place in it.
#include "kernels/elementwise/block.h"

#include <algorithm>

#include "base/divide_up.h"
#include "kernels/bits.h"
#include "kernels/box.h"
#include "kernels/check_block.h"
#include "kernels/elementwise/block_input.h"
#include "kernels/elementwise/emit.h"
#include "kernels/elementwise/layout.h"
#include "kernels/glsl/position_text.h"
#include "kernels/literal.h"

namespace gpu_node::kernels {
namespace {

struct Work {
  const scalar::Block& block;
  InputPlaces places;                  // by input
  SmallList<LiteralBits, 2> literals;  // the numbers, in order
  Box box;                             // the results are the last places

  bool is_result(size_t place) const { return place + block.results().size() >= box.origins.size(); }
  bool is_counted(size_t place) const {
    return std::any_of(places.begin(), places.end(), [place](const InputPlace& input) {
      return input.counted && input.at == static_cast<int>(place);
    });
  }
};

// Axis |d| of |rank| when the box is padded with leading axes: their size, or where they lead in |place|.
int64_t padded_size(const Axes& axes, int rank, int d) {
  const int at = d - (rank - static_cast<int>(axes.size()));
  return at < 0 ? 1 : axes[static_cast<size_t>(at)].size;
}
int64_t padded_stride(const Axes& axes, int rank, int d, size_t place) {
  const int at = d - (rank - static_cast<int>(axes.size()));
  return at < 0 ? 0 : axes[static_cast<size_t>(at)].strides[place];
}

// The parameter buffer of emit.cpp: the numbers, where they lie there; where the strides do, rank, then from the
// innermost axis its size and the strides of the places that have some.
SmallList<uint32_t, 32> buffer_words(const Work& work, const Box& box, const Layout& layout) {
  SmallList<uint32_t, 32> words;
  if (layout.numbers_in_buffer)
    for (const LiteralBits& literal : work.literals)
      for (const uint32_t word : literal) words.push_back(word);
  if (!layout.in_buffer) return words;
  words.push_back(static_cast<uint32_t>(box.axes.size()));
  SmallList<size_t, 8> strided;
  for (size_t k = 0; k < work.places.size(); ++k)
    if (is_strided(layout.inputs[k])) strided.push_back(static_cast<size_t>(work.places[k].at));
  for (size_t p = 0; p < box.origins.size(); ++p)
    if (layout.out_strided && work.is_result(p)) strided.push_back(p);
  for (size_t a = box.axes.size(); a-- > 0;) {
    words.push_back(static_cast<uint32_t>(box.axes[a].size));
    for (const size_t p : strided) words.push_back(static_cast<uint32_t>(box.axes[a].strides[p]));
  }
  return words;
}

void fill_push(const Work& work, const Box& box, const Layout& layout, const Bounds& bounds, Dispatch& dispatch) {
  PushData push(dispatch);
  push.add(static_cast<uint32_t>(box.elements()));
  for (int d = 1; d < layout.rank; ++d) push.add(static_cast<uint32_t>(padded_size(box.axes, layout.rank, d)));
  const auto position = [&](size_t place, bool strided) {
    push.add(static_cast<uint32_t>(bounds[place].offset));
    for (int d = 0; strided && d < layout.rank; ++d)
      push.add(static_cast<uint32_t>(padded_stride(box.axes, layout.rank, d, place)));
  };
  for (size_t k = 0; k < work.places.size(); ++k)
    if (work.places[k].at >= 0) position(static_cast<size_t>(work.places[k].at), is_strided(layout.inputs[k]));
  for (size_t p = bounds.size() - work.block.results().size(); p < bounds.size(); ++p) position(p, layout.out_strided);
  if (layout.numbers_in_buffer) return;
  for (const LiteralBits& literal : work.literals) {
    if (literal.size() == 1)
      push.add(literal[0]);
    else if (literal.size() == 2)
      push.add(std::array{literal[0], literal[1]});
    else
      push.add(std::array{literal[0], literal[1], literal[2], literal[3]});
  }
}

Result<void> append_dispatch(const Work& work, Box& box, PlanBuilder& plan) {
  Bounds bounds;
  for (size_t p = 0; p < box.origins.size(); ++p)
    bounds.push_back(work.is_counted(p) ? Bound{{}, box.origins[p].offset}
                                        : plan.bind(box.origins[p], box.reach(p), work.is_result(p)));
  Layout layout = choose_layout(work.block, box, work.places);
  if (takes_vectors(work.block, box, bounds, work.places, plan.device()))
    make_vectors(layout, box, bounds, work.places);
  layout.turns = turns_of(work.block, layout, box, plan.device());
  Dispatch dispatch;
  dispatch.key = elementwise_key(work.block, layout);
  dispatch.emit = [block = work.block, layout, &device = plan.device()] {
    return emit_elementwise(block, layout, device);
  };
  dispatch.bindings.reserve(bounds.size() + 1);
  for (size_t p = 0; p < bounds.size(); ++p)
    if (!work.is_counted(p)) dispatch.bindings.push_back(bounds[p].binding);
  if (layout.has_buffer()) {
    const auto words = buffer_words(work, box, layout);
    plan.bind_parameters({words.begin(), words.size()}, dispatch);
  }
  fill_push(work, box, layout, bounds, dispatch);
  const auto elements = static_cast<uint64_t>(box.elements());
  plan.set_grid(divide_up(elements, uint64_t{layout.turns}), element_local_size(plan.device()), dispatch);
  dispatch.grid.units = static_cast<double>(elements);
  return plan.append(std::move(dispatch));
}

// Appends the dispatch of |part|, and of its tail where vectors leave one.
Result<void> append_part(const Work& work, Box& part, PlanBuilder& plan) {
  const int64_t rest = vector_tail(work.block, part, work.places, plan.device());
  if (rest > 0) {
    Box tail = part;
    Axis& whole = part.axes[0];
    whole.size -= rest;
    tail.axes[0].size = rest;
    for (size_t p = 0; p < tail.origins.size(); ++p) tail.origins[p].offset += whole.size * whole.strides[p];
    GPU_TRY(append_dispatch(work, tail, plan));
  }
  return append_dispatch(work, part, plan);
}

// Appends |work|, whose box it uses up.
Result<void> append_work(Work&& work, PlanBuilder& plan) {
  merge_axes(work.box.axes);
  if (fits(work.box, plan)) return append_part(work, work.box, plan);
  GPU_ASSIGN(std::vector<Box> boxes, cut(std::move(work.box), plan));
  for (Box& part : boxes) {
    merge_axes(part.axes);
    GPU_TRY(append_part(work, part, plan));
  }
  return {};
}

scalar::Block conversion(Dtype from, Dtype to) {
  static const ir::Op& kAsType = ir::op_called("as_type");
  scalar::Block block;
  block.result(block.step(kAsType, to, {block.input(from)}));
  return block;
}

// Keeps each value as it is, of |type|.
scalar::Block identity(Dtype type) { return conversion(type, type); }

}  // namespace

Result<void> append_block(const scalar::Block& block, std::span<const Source> inputs, std::span<const Place> to,
                          PlanBuilder& plan) {
  SmallList<BlockInput, 3> all;
  for (const Source& input : inputs) std::visit([&](const auto& one) { all.push_back(one); }, input);
  return append_block(block, all.span(), to, plan);
}

Result<void> append_block(const scalar::Block& block, std::span<const BlockInput> inputs, std::span<const Place> to,
                          PlanBuilder& plan) {
  GPU_TRY(check_computing(block, plan));
  Work work{block, {}, {}, Box(to[0].map.shape)};
  for (const BlockInput& input : inputs) {
    if (const auto* literal = std::get_if<Scalar>(&input)) {
      work.literals.push_back(literal_bits(*literal));
      work.literals.back().truncate(number_words(literal->dtype));
      work.places.push_back({});
      continue;
    }
    const auto* counter = std::get_if<ir::Counter>(&input);
    work.places.push_back({static_cast<int>(work.box.origins.size()), counter != nullptr});
    // To the box a counter is a place of bytes, so that no index exceeds what a storage has.
    work.box.add(counter != nullptr ? Place{Binding::Kind::kOperand, 0, Dtype::u8, counter->map}
                                    : std::get<Place>(input));
  }
  for (const Place& place : to) work.box.add(place);
  return append_work(std::move(work), plan);
}

Result<void> append_copy(const Source& from, const Place& to, PlanBuilder& plan) {
  if (const auto* value = std::get_if<Scalar>(&from)) return append_fill(*value, to, plan);
  GPU_ASSIGN(const Bits bits, bits_of(to.dtype, plan));
  const scalar::Block block = identity(bits.type);
  Work work{block, {{.at = 0}}, {}, Box(to.map.shape)};
  work.box.add(std::get<Place>(from));
  work.box.add(to);
  GPU_TRY(move_bits(work.box, bits, {0, 1}, plan));
  return append_work(std::move(work), plan);
}

Result<void> append_conversion(const Source& from, const Place& to, PlanBuilder& plan) {
  const Dtype type = type_of(from);
  if (type == to.dtype || std::holds_alternative<Scalar>(from)) return append_copy(from, to, plan);
  return append_block(conversion(type, to.dtype), {&from, 1}, to, plan);
}

Result<void> append_fill(const Scalar& value, const Place& to, PlanBuilder& plan) {
  const Source own = converted(converted(value, value.dtype), to.dtype);
  return append_block(identity(to.dtype), {&own, 1}, to, plan);
}

}  // namespace gpu_node::kernels
