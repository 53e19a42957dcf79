#include "program/program_run.h"

#include <algorithm>

#include "base/concat.h"

namespace gpu_node::program {

Result<void> ProgramRun::check_input(size_t i, const Operand& input) const {
  const ir::TensorType& declared = program_->sent().inputs[i];
  const ir::OperandType type = input.type();
  const ir::TensorType given{type.dtype, *type.shape};
  if (given == declared) return {};
  return Error{ErrorCode::kInvalidArgument,
               concat(who_, ": input ", i, " is declared ", ir::text(declared), ", but is ", ir::text(given))};
}

Result<void> ProgramRun::begin(std::shared_ptr<CompiledProgram> program, std::span<const Operand> inputs) {
  clear();
  program_ = std::move(program);
  const size_t wanted = program_->sent().inputs.size();
  if (inputs.size() != wanted)
    return Error{ErrorCode::kInvalidArgument,
                 concat(who_, ": takes ", counted(wanted, "input"), ", not ", inputs.size())};
  key_.clear();
  for (size_t i = 0; i < inputs.size(); ++i) {
    GPU_TRY(check_input(i, inputs[i]));
    if (const Tensor* tensor = inputs[i].tensor)
      key_.add(tensor->dtype, tensor->map);
    else
      key_.add(*inputs[i].literal);
  }
  known_ = program_->find(key_.words());
  values_.resize(program_->places());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (const Tensor* tensor = inputs[i].tensor)
      values_[i].emplace(*tensor);
    else
      values_[i].emplace(*inputs[i].literal);
  }
  return {};
}

Result<bool> ProgramRun::step(size_t i, const Charges& charges) {
  const bool is_loop = program_->steps()[i].body != nullptr;
  Result<bool> recorded = is_loop ? record_loop(i, charges)
                          : rest_ ? executor_.go_on(*rest_, results_)
                                  : record(i, charges.device);
  if (!recorded.ok()) return explained(i, std::move(recorded).error());
  if (!*recorded) {
    if (!is_loop && !rest_) rest_ = executor_.take_rest();
    return false;
  }
  rest_.reset();
  const CompiledProgram::Step& step = program_->steps()[i];
  for (size_t k = 0; k < results_.size(); ++k) values_[step.first_result + k].emplace(std::move(results_[k]));
  for (const uint32_t place : step.dying) values_[place].reset();
  return true;
}

Error ProgramRun::explained(size_t i, Error error) const {
  const fuse::Step& step = program_->work()[i];
  const std::vector<ir::Instruction>& sent = program_->sent().instructions;
  uint32_t origin = step.origin;
  if (step.instruction() == nullptr) {
    for (const std::string_view own : {"map: ", "rows: "})
      if (error.message.starts_with(own)) error.message.erase(0, own.size());
    // Of what it was made from, the first that could not have been planned by itself.
    std::vector<uint32_t> origins;
    step.each_origin([&origins](uint32_t one) { origins.push_back(one); });
    std::sort(origins.begin(), origins.end());
    for (const uint32_t one : origins) {
      if (error.code != ErrorCode::kUnsupported) break;
      std::optional<Error> refusal = executor_.refusal(sent[one], program_->sent_operands(one));
      if (!refusal) continue;
      error = *std::move(refusal);
      origin = one;
      break;
    }
  }
  return with_context(ir::with_instruction(std::move(error), sent[origin], program_->sent_operands(origin)),
                      concat(who_, ": instruction ", origin));
}

void ProgramRun::find_operands(size_t i) {
  const CompiledProgram::Step& step = program_->steps()[i];
  const fuse::Step& work = program_->work()[i];
  operands_.clear();
  for (size_t k = 0; k < step.operands.size(); ++k) {
    const uint32_t place = step.operands[k];
    if (place == CompiledProgram::kLiteral)
      operands_.emplace_back(std::get<Scalar>(work.instruction()->operands[k]));
    else
      operands_.emplace_back(*values_[place]);
  }
}

Result<bool> ProgramRun::place_numbers(size_t i, const Charge& charge) {
  for (const uint32_t place : program_->steps()[i].operands) {
    const Scalar* number = std::get_if<Scalar>(&*values_[place]);
    if (number == nullptr) continue;
    if (!rest_) {
      ir::Instruction constant;
      constant.op = &ir::op_called("constant");
      constant.results.push_back({-1, {number->dtype, {}}});
      constant.attributes = ir::ConstantAttributes{*number};
      GPU_ASSIGN(const bool done, executor_.begin(constant, {}, charge, results_));
      if (!done) rest_ = executor_.take_rest();
    } else {
      GPU_ASSIGN(const bool done, executor_.go_on(*rest_, results_));
      if (done) rest_.reset();
    }
    if (rest_) return false;
    values_[place].emplace(std::move(results_[0]));
  }
  return true;
}

Result<bool> ProgramRun::record_loop(size_t i, const Charges& charges) {
  if (loop_ == nullptr) {
    GPU_ASSIGN(const bool placed, place_numbers(i, charges.device));
    if (!placed) return false;
    find_operands(i);
    loop_ = begin_loop(executor_, program_->steps()[i], operands_, program_->work()[i].results().size());
  }
  GPU_ASSIGN(const bool over, loop_->advance(charges, results_));
  if (!over) return false;
  loop_.reset();
  if (known_ == nullptr) remember({});
  return true;
}

Result<bool> ProgramRun::record(size_t i, const Charge& charge) {
  find_operands(i);
  const CompiledProgram::Step& step = program_->steps()[i];
  const fuse::Step& work = program_->work()[i];
  if (known_ != nullptr) return executor_.execute(known_->steps[i], operands_, charge, results_);
  resolved_.types.resize(work.results().size());
  for (size_t k = 0; k < resolved_.types.size(); ++k) resolved_.types[k] = program_->types()[step.first_result + k];
  GPU_TRY(std::visit([&](const auto& what) { return executor_.resolve(what, operands_, resolved_); }, work.work));
  GPU_ASSIGN(const bool whole, executor_.execute(resolved_, operands_, charge, results_));
  remember(resolved_);
  return whole;
}

void ProgramRun::remember(const Resolved& resolved) {
  learned_.steps.push_back(resolved);
  if (resolved.plan != nullptr) learned_.plans.push_back(resolved.plan->shared_from_this());
}

void ProgramRun::finish(Tensors& outputs, const Charge& host) {
  outputs.clear();
  for (const uint32_t place : program_->outputs()) outputs.push_back(std::get<Tensor>(*values_[place]));
  if (known_ == nullptr) remember_run(host);
  clear();
}

// Nothing where it would be too much: then each run is planned anew, as its instructions would be by themselves.
void ProgramRun::remember_run(const Charge& host) {
  learned_.inputs = key_.words();
  uint64_t bytes = learned_.inputs.size() * sizeof(uint64_t);
  bytes += learned_.steps.size() * sizeof(Resolved);
  for (const auto& plan : learned_.plans) bytes += sizeof(plan) + plan->host_bytes();
  Result<Payment> payment = host(bytes);
  if (!payment.ok()) return;
  learned_.payment = std::move(payment).value();
  program_->keep(std::move(learned_));
}

void ProgramRun::clear() {
  values_.clear();
  rest_.reset();
  loop_.reset();
  operands_.clear();
  learned_ = {};
  known_ = nullptr;
  program_ = nullptr;
}

}  // namespace gpu_node::program
