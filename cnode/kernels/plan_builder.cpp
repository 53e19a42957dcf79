#include "kernels/plan_builder.h"

#include <algorithm>

#include "base/divide_up.h"
#include "kernels/literal.h"

namespace gpu_node::kernels {
namespace {

constexpr std::string_view kKinds[] = {"operand ", "result ", "scratch "};

uint64_t bytes_of(Dtype dtype, int64_t elements) {
  return static_cast<uint64_t>(elements) * static_cast<uint64_t>(dtype_size_bytes(dtype));
}

}  // namespace

Source source_of(const Arg& arg, uint32_t index) {
  if (const auto* literal = std::get_if<Scalar>(&arg)) return *literal;
  const auto& tensor = std::get<TensorArg>(arg);
  return Place{Binding::Kind::kOperand, index, tensor.dtype, tensor.map};
}

Dtype type_of(const Source& source) {
  return std::visit([](const auto& one) { return one.dtype; }, source);
}

Dims dims_of(const ir::Axes& axes) {
  Dims dims;
  for (const int64_t axis : axes) dims.push_back(axis);
  return dims;
}

Dims axes_or_all(const std::optional<ir::Axes>& axes, const Shape& shape) {
  if (axes) return dims_of(*axes);
  Dims all;
  for (int d = 0; d < shape.size(); ++d) all.push_back(d);
  return all;
}

Place part_of(const Place& whole, const Dims& from, const Shape& shape) {
  Place part = whole;
  part.map.shape = shape;
  for (int d = 0; d < from.size(); ++d) part.map.offset += from[d] * whole.map.strides[d];
  return part;
}

void PlanBuilder::add_result(const ir::TensorType& type) {
  results_.push_back(
      {Binding::Kind::kResult, static_cast<uint32_t>(results_.size()), type.dtype, IndexMap::row_major(type.shape)});
}

uint32_t PlanBuilder::add_scratch(uint64_t bytes) {
  plan_.scratch_bytes.push_back(bytes);
  return static_cast<uint32_t>(plan_.scratch_bytes.size() - 1);
}

uint32_t PlanBuilder::add_scratch(std::span<const std::byte> contents) {
  const uint32_t scratch = add_scratch(contents.size());
  plan_.scratch_data.emplace_back(scratch, std::vector<std::byte>(contents.begin(), contents.end()));
  return scratch;
}

Place PlanBuilder::add_scratch(Dtype dtype, const Shape& shape) {
  return {Binding::Kind::kScratch, add_scratch(bytes_of(dtype, element_count(shape))), dtype,
          IndexMap::row_major(shape)};
}

Result<uint32_t> PlanBuilder::add_parts(int64_t parts, int64_t elements, uint32_t bytes) {
  const uint64_t size = static_cast<uint64_t>(parts) * static_cast<uint64_t>(elements) * bytes;
  if (!fits_range(size))
    return unsupported(concat(parts, " partial results of ", elements, " elements take ", size,
                              " bytes, above the device's storage range of ", device_.max_storage_range, " bytes"));
  return add_scratch(size);
}

Place PlanBuilder::placed(const Source& source) {
  if (const auto* place = std::get_if<Place>(&source)) return *place;
  const auto& literal = std::get<Scalar>(source);
  const LiteralBits bits = literal_bits(literal);
  return {Binding::Kind::kScratch, add_scratch(std::as_bytes(std::span(bits.begin(), bits.size()))),
          computing_type(literal.dtype), IndexMap::row_major({})};
}

Bound PlanBuilder::bind(const Origin& origin, const Reach& reach, bool written) const {
  const auto element = static_cast<uint64_t>(dtype_size_bytes(origin.dtype));
  const uint64_t from =
      static_cast<uint64_t>(reach.first) * element / device_.storage_alignment * device_.storage_alignment;
  const uint64_t to = (static_cast<uint64_t>(reach.last) + 1) * element;
  return {{origin.kind, origin.index, from, to - from, written}, origin.offset - static_cast<int64_t>(from / element)};
}

Result<Bound> PlanBuilder::bind(const Place& place, bool written) const {
  const Bound bound = bind(place.origin(), reach_of(place.map), written);
  const uint64_t size = bound.binding.size_bytes;
  if (fits_range(size)) return bound;
  const std::string limit = concat(" bytes, above the device's storage range of ", device_.max_storage_range, " bytes");
  if (written)
    return unsupported(concat("a result of ", element_count(place.map.shape), " ", dtype_name(place.dtype),
                              " elements takes ", size, limit));
  return unsupported(concat(kKinds[static_cast<size_t>(place.kind)], place.index, ", ",
                            type_text(place.dtype, place.map.shape), ", spans ", size, limit));
}

bool PlanBuilder::is_dense(const Place& place) const {
  return place.map.is_row_major() && bytes_of(place.dtype, place.map.offset) % device_.storage_alignment == 0;
}

void PlanBuilder::set_parameters(std::span<const uint32_t> words, Dispatch& dispatch) {
  dispatch.push_bytes = 0;
  if (!fits_push(words.size())) return bind_parameters(words, dispatch);
  dispatch.push_bytes = static_cast<uint32_t>(words.size_bytes());
  std::memcpy(dispatch.push.data(), words.data(), words.size_bytes());
}

void PlanBuilder::bind_parameters(std::span<const uint32_t> words, Dispatch& dispatch) {
  dispatch.bindings.push_back(
      {Binding::Kind::kScratch, add_scratch(std::as_bytes(words)), 0, words.size_bytes(), false});
}

void PlanBuilder::set_grid(uint64_t count, uint32_t local_size, Dispatch& dispatch) const {
  const uint64_t groups = divide_up(count, uint64_t{local_size});
  const uint64_t x = std::min<uint64_t>(groups, device_.max_groups[0]);
  dispatch.grid.groups[0] = static_cast<uint32_t>(x);
  dispatch.grid.groups[1] = static_cast<uint32_t>(divide_up(groups, x));
  dispatch.grid.groups[2] = 1;
  dispatch.grid.units = static_cast<double>(count);
}

Result<void> PlanBuilder::append(Dispatch&& dispatch) {
  if (dispatch.bindings.size() > device_.max_buffers)
    return unsupported(concat("binds ", counted(dispatch.bindings.size(), "buffer"), ", the limit of the device ",
                              device_.name, " is ", device_.max_buffers));
  if (dispatch.push_bytes > kMaxPushBytes)
    return unsupported(concat("more offsets and numbers than ", kMaxPushBytes, " bytes of push constants hold"));
  plan_.dispatches.push_back(std::move(dispatch));
  return {};
}

}  // namespace gpu_node::kernels
