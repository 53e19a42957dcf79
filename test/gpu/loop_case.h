// What tests of loops are made of: a state of numbers and vectors, and loops that count their rounds.
#pragma once

#include <utility>
#include <vector>

#include "gpu/program_case.h"
#include "program_builder.h"

namespace gpu_node::test {

inline Scalar number(Dtype dtype, double value) {
  return is_float(dtype) ? Scalar{dtype, value} : Scalar{dtype, static_cast<int64_t>(value)};
}

inline program::Value scalar(Dtype dtype, double value) {
  return to_device(
      HostTensor(dtype, {}, {is_float(dtype) ? Number::of_real(value) : Number::of(static_cast<int64_t>(value))}));
}

inline program::Value vector(const std::vector<float>& values) {
  std::vector<Number> numbers;
  for (const float value : values) numbers.push_back(Number::of_real(value));
  return to_device(HostTensor(Dtype::f32, {static_cast<int64_t>(values.size())}, numbers));
}

inline std::vector<float> floats(const HostTensor& tensor) {
  std::vector<float> values;
  for (int64_t i = 0; i < tensor.count(); ++i) values.push_back(static_cast<float>(tensor.number(i).as_real()));
  return values;
}

// Of a state whose first value is an s64 counter: whether it is below the last value.
inline ir::Program below_last(const std::vector<ir::TensorType>& state) {
  ProgramBuilder p;
  std::vector<ir::ValueName> values;
  for (const ir::TensorType& type : state) values.push_back(p.input(type.dtype, type.shape));
  return p.with_outputs({p.op("less", Dtype::u8, {}, {values.front(), values.back()})});
}

// A loop over {counter, ...} with the number of rounds behind it, whose rounds |body| writes: given the builder and the
// state, it returns the new values of what is between.
template <typename Body>
ir::Program counted_loop(const std::vector<ir::TensorType>& between, Body body) {
  std::vector<ir::TensorType> state = {{Dtype::s64, {}}};
  state.insert(state.end(), between.begin(), between.end());
  std::vector<ir::TensorType> changed = state;
  state.push_back({Dtype::s64, {}});
  ProgramBuilder round;
  std::vector<ir::ValueName> values;
  for (const ir::TensorType& type : state) values.push_back(round.input(type.dtype, type.shape));
  const ir::ValueName next = round.op("add", Dtype::s64, {}, {values[0], number(Dtype::s64, 1)});
  std::vector<ir::ValueName> outputs = body(round, values);
  outputs.insert(outputs.begin(), next);
  ir::Program work = round.with_outputs({});
  work.outputs = std::move(outputs);
  ProgramBuilder p;
  std::vector<ir::ValueName> inputs;
  for (const ir::TensorType& type : state) inputs.push_back(p.input(type.dtype, type.shape));
  const std::vector<ir::ValueName> results = p.loop(inputs, changed, below_last(state), std::move(work));
  ir::Program made = p.with_outputs({});
  made.outputs = results;
  return made;
}

}  // namespace gpu_node::test
