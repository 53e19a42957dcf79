// Tensors in row-major order, as those want them who read them.
#include "ir/op.h"
#include "service/interpreter.h"

namespace gpu_node::service {
namespace {

ir::Instruction conversion_to_double(const program::Tensor& tensor) {
  ir::Instruction convert;
  convert.op = &ir::op_called("as_type");
  convert.results.emplace_back(0, ir::TensorType{Dtype::f64, tensor.map.shape});
  convert.operands.emplace_back(ir::ValueName{0});
  return convert;
}

}  // namespace

Result<program::Tensor> Interpreter::in_double(const Session& session, const program::Tensor& tensor) {
  if (tensor.dtype == Dtype::f64) return contiguous(session, tensor);
  const auto charge = [&session](uint64_t bytes) { return Result(session.account->charge_anyway(bytes)); };
  const program::Operand operand = tensor;
  program::Tensors doubles;
  GPU_TRY(with_room(session,
                    [&] { return executor_.record(conversion_to_double(tensor), {&operand, 1}, charge, doubles); }));
  return std::move(doubles[0]);
}

Result<program::Tensor> Interpreter::contiguous(const Session& session, const program::Tensor& tensor) {
  const auto charge = [&session](uint64_t bytes) { return Result(session.account->charge_anyway(bytes)); };
  return with_room(session, [&] { return executor_.contiguous(tensor, charge); });
}

Result<program::Readback> Interpreter::read(const Session& session, const program::Tensor& tensor, uint64_t offset,
                                            uint64_t size_bytes) {
  return with_room(session, [&] { return transfer_.read(tensor, offset, size_bytes); });
}

}  // namespace gpu_node::service
