// Unary, binary, ternary and cast ops: the index space is the result's, every operand a place in it.
#include <algorithm>

#include "kernels/elementwise/box.h"
#include "kernels/elementwise/emit.h"
#include "kernels/elementwise/layout.h"
#include "kernels/elementwise/op_code.h"
#include "kernels/families.h"
#include "kernels/literal.h"

namespace gpu_node::kernels {
namespace {

// A literal converts on the host where the op would convert it on the device, and for comparisons where no digit is
// lost: one kernel then serves more literals.
Scalar folded(const ir::Instruction& instruction, size_t operand, const Scalar& literal,
              std::span<const Arg> operands) {
  const ir::Op& op = *instruction.op;
  const Dtype result = instruction.results[0].type.dtype;
  if (converts_operands(op) || (op.code == ir::Code::kSelect && operand > 0))
    return converted(converted(literal, literal.dtype), result);
  if (op.type_rule == ir::TypeRule::kPredicate && operands.size() == 2)
    if (const auto* other = std::get_if<TensorArg>(&operands[1 - operand]); other != nullptr)
      if (is_exact(literal, other->dtype)) return converted(literal, other->dtype);
  return literal;
}

struct Work {
  ScalarProgram program;
  SmallList<std::array<uint32_t, 2>, kMaxInputs> literals;  // by input; unused for tensors
  InputPlaces places;                                       // by input: its place in the boxes, -1 for literals
  Box box;                                                  // the result's place is the last
};

Work work_of(const ir::Instruction& instruction, std::span<const Arg> operands) {
  Work work;
  const ir::TensorType& result = instruction.results[0].type;
  work.box.dims = result.shape;
  ScalarProgram::Step step{instruction.op, result.dtype, {}};
  for (size_t k = 0; k < operands.size(); ++k) {
    step.values.push_back(static_cast<uint8_t>(k));
    if (const auto* literal = std::get_if<Scalar>(&operands[k])) {
      const Scalar value = folded(instruction, k, *literal, operands);
      work.program.inputs.push_back(value.dtype);
      work.literals.push_back(literal_bits(value));
      work.places.push_back(-1);
      continue;
    }
    const auto& tensor = std::get<TensorArg>(operands[k]);
    work.program.inputs.push_back(tensor.dtype);
    work.literals.push_back({});
    work.places.push_back(static_cast<int>(work.box.places.size()));
    work.box.places.push_back(
        place_of(tensor.map, result.shape, dtype_size_bytes(tensor.dtype), Binding::Kind::kOperand, k));
  }
  work.box.places.push_back(
      {0, row_major_strides(result.shape), dtype_size_bytes(result.dtype), Binding::Kind::kResult, 0});
  work.program.steps.push_back(step);
  return work;
}

// Dimension |d| of |rank| when the box is padded with leading dimensions of 1.
int64_t padded(const Dims& values, int rank, int d, int64_t lead) {
  const int at = d - (rank - values.size());
  return at < 0 ? lead : values[at];
}

// The parameter buffer of emit.cpp: rank, then from the innermost dimension its size and the places' strides.
std::vector<std::byte> parameters(const Box& box, const Layout& layout) {
  std::vector<uint32_t> words = {static_cast<uint32_t>(box.dims.size())};
  for (int d = box.dims.size() - 1; d >= 0; --d) {
    words.push_back(static_cast<uint32_t>(box.dims[d]));
    for (const Place& place : box.places)
      if (&place != &box.places.back() || layout.out_strided) words.push_back(static_cast<uint32_t>(place.strides[d]));
  }
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

void fill_push(const Work& work, const Box& box, const Layout& layout, std::span<const Bound> bounds,
               Dispatch& dispatch) {
  PushData push(dispatch);
  push.add(static_cast<uint32_t>(box.elements()));
  for (int d = 1; d < layout.rank; ++d) push.add(static_cast<uint32_t>(padded(box.dims, layout.rank, d, 1)));
  const auto position = [&](size_t place, bool strided) {
    push.add(bounds[place].offset);
    for (int d = 0; strided && d < layout.rank; ++d)
      push.add(static_cast<uint32_t>(padded(box.places[place].strides, layout.rank, d, 0)));
  };
  for (size_t k = 0; k < work.places.size(); ++k)
    if (work.places[k] >= 0) position(static_cast<size_t>(work.places[k]), is_strided(layout.inputs[k]));
  position(bounds.size() - 1, layout.out_strided);
  for (size_t k = 0; k < work.places.size(); ++k)
    if (work.places[k] < 0) push.add(work.literals[k]);
}

void append_dispatch(const Work& work, Box& box, const vulkan::DeviceInfo& device, Plan& plan) {
  std::array<Bound, kMaxInputs + 1> all_bounds;
  const std::span<Bound> bounds = std::span(all_bounds).first(box.places.size());
  for (size_t p = 0; p < bounds.size(); ++p) bounds[p] = bind(box.places[p], box.dims, p + 1 == bounds.size(), device);
  Layout layout = choose_layout(box, work.places);
  if (takes_vectors(work.program, box, bounds)) make_vectors(layout, box, bounds, work.places);
  Dispatch& dispatch = plan.dispatches.emplace_back();
  dispatch.key = elementwise_key(work.program, layout);
  dispatch.emit = [program = work.program, layout, &device] { return emit_elementwise(program, layout, device); };
  dispatch.bindings.reserve(bounds.size() + 1);
  for (const Bound& bound : bounds) dispatch.bindings.push_back(bound.binding);
  if (layout.in_buffer) {
    std::vector<std::byte> bytes = parameters(box, layout);
    const auto scratch = static_cast<uint32_t>(plan.scratch_bytes.size());
    plan.scratch_bytes.push_back(bytes.size());
    dispatch.bindings.push_back({Binding::Kind::kScratch, scratch, 0, bytes.size(), false});
    plan.scratch_data.emplace_back(scratch, std::move(bytes));
  }
  fill_push(work, box, layout, bounds, dispatch);
  set_grid(dispatch, static_cast<uint64_t>(box.elements()), elementwise_local_size(device), device);
}

// Appends the dispatch of |part|, and of its tail where vectors leave one.
void append_part(const Work& work, Box& part, const vulkan::DeviceInfo& device, Plan& plan) {
  const int64_t rest = vector_tail(work.program, part);
  if (rest > 0) {
    Box tail = part;
    part.dims[0] -= rest;
    tail.dims[0] = rest;
    for (Place& place : tail.places) place.offset += part.dims[0] * place.strides[0];
    append_dispatch(work, tail, device, plan);
  }
  append_dispatch(work, part, device, plan);
}

// Plans |work|, whose box it uses up.
Result<Plan> plan_work(Work&& work, std::string_view what, const vulkan::DeviceInfo& device) {
  Plan plan;
  merge_dims(work.box);
  if (fits(work.box, device)) {
    append_part(work, work.box, device, plan);
    return plan;
  }
  GPU_ASSIGN(std::vector<Box> boxes, cut(work.box, device, what));
  for (Box& part : boxes) {
    merge_dims(part);
    append_part(work, part, device, plan);
  }
  return plan;
}

const ir::Op& as_type_op() {
  static const ir::Op& kOp = ir::op_called("as_type");
  return kOp;
}

// A copy moves bits: as unsigned integers of the element's size, or as rows of smaller ones where that size has none.
Dtype copied_as(int element_bytes, const vulkan::DeviceInfo& device) {
  if (element_bytes == 1) return Dtype::u8;
  if (element_bytes == 2) return Dtype::u16;
  return element_bytes >= 8 && device.has_i64 ? Dtype::u64 : Dtype::u32;
}

}  // namespace

Result<Plan> plan_elementwise(const ir::Instruction& instruction, std::span<const Arg> operands,
                              const vulkan::DeviceInfo& device) {
  return plan_work(work_of(instruction, operands), instruction.op->name, device);
}

Result<Plan> plan_fill(const Scalar& value, const ir::TensorType& type, const vulkan::DeviceInfo& device) {
  const Scalar own = converted(converted(value, value.dtype), type.dtype);
  Work work;
  work.program = {{type.dtype}, {{&as_type_op(), type.dtype, {0}}}};
  work.literals.push_back(literal_bits(own));
  work.places.push_back(-1);
  work.box.dims = type.shape;
  work.box.places.push_back(
      {0, row_major_strides(type.shape), dtype_size_bytes(type.dtype), Binding::Kind::kResult, 0});
  return plan_work(std::move(work), "constant", device);
}

Result<Plan> plan_copy(const TensorArg& from, const vulkan::DeviceInfo& device) {
  const int bytes = dtype_size_bytes(from.dtype);
  const Dtype type = copied_as(bytes, device);
  GPU_TRY(check_types("copy", {&type, 1}, device));
  const int words = bytes / dtype_size_bytes(type);
  Work work;
  work.program = {{type}, {{&as_type_op(), type, {0}}}};
  work.literals.push_back({});
  work.places.push_back(0);
  work.box.dims = from.map.shape;
  Place source = place_of(from.map, from.map.shape, dtype_size_bytes(type), Binding::Kind::kOperand, 0);
  Place target{0, row_major_strides(from.map.shape), dtype_size_bytes(type), Binding::Kind::kResult, 0};
  if (words > 1) {
    for (Place* place : {&source, &target}) {
      place->offset *= words;
      for (int d = 0; d < place->strides.size(); ++d) place->strides[d] *= words;
    }
    // The rank may be at its limit already: merging first leaves room unless nothing merges.
    work.box.places = {source, target};
    merge_dims(work.box);
    if (work.box.dims.size() == kMaxRank)
      return Error{ErrorCode::kUnsupported, "copy of " + type_text(from.dtype, from.map.shape) +
                                                ": no dimensions merge, and " + std::to_string(kMaxRank) +
                                                " are the limit for elements of " + std::to_string(bytes) + " bytes"};
    work.box.dims.push_back(words);
    for (Place& place : work.box.places) place.strides.push_back(1);
    return plan_work(std::move(work), "copy", device);
  }
  work.box.places = {source, target};
  return plan_work(std::move(work), "copy", device);
}

}  // namespace gpu_node::kernels
