#include "program/recorded_loop.h"

#include <algorithm>
#include <cstring>

namespace gpu_node::program {
namespace {

// Rounds until the first look, and at most. Of these the states take about so much memory at most.
constexpr size_t kFirstRounds = 4, kMostRounds = 256;
constexpr uint64_t kMostStateBytes = uint64_t{32} << 20;

// Of whether the condition holds, the gate and the count of the round before: the round's. Once none is wanted, none
// is.
CompiledProgramRef make_gate() {
  constexpr Dtype kWord = Dtype::u32;
  ir::Program program{{{Dtype::u8, {}}, {kWord, {}}, {kWord, {}}}, {}, {-1, -2}, {}};
  const auto append = [&](std::string_view op, ir::ValueName result, std::initializer_list<ir::Operand> operands) {
    ir::Instruction& made = program.instructions.emplace_back();
    made.op = &ir::op_called(op);
    made.operands.append(operands.begin(), operands.end());
    made.results.push_back({result, {kWord, {}}});
  };
  append("select", -1, {ir::ValueName{0}, ir::ValueName{1}, Scalar{kWord, uint64_t{0}}});
  append("add", -2, {ir::ValueName{2}, ir::ValueName{-1}});
  return CompiledProgram::make(std::move(program)).value();
}

// What is remembered of the gate's runs serves all sessions: none pays.
Result<Payment> for_all(uint64_t /*bytes*/) { return Payment(); }

bool has_loop(const CompiledProgram& program) {
  return std::any_of(program.work().begin(), program.work().end(), [](const fuse::Step& step) {
    return step.instruction() != nullptr && step.instruction()->op->has_bodies();
  });
}

uint64_t bytes_of(const Tensors& state) {
  uint64_t bytes = 1;
  for (const Tensor& tensor : state)
    if (tensor.storage != nullptr) bytes += tensor.storage->size_bytes;
  return bytes;
}

}  // namespace

RecordedLoop::RecordedLoop(Executor& executor, CompiledProgramRef condition, CompiledProgramRef body,
                           std::span<const Operand> state, size_t results)
    : executor_(executor),
      transfer_(executor.device()),
      condition_(std::move(condition)),
      body_(std::move(body)),
      ahead_(executor.info().has_conditions && !has_loop(*condition_) && !has_loop(*body_)),
      states_(1),
      rounds_(ahead_ ? kFirstRounds : 1) {
  for (size_t i = 0; i < state.size(); ++i) (i < results ? states_[0] : fixed_).push_back(*state[i].tensor);
}

Result<bool> RecordedLoop::advance(const Charges& charges, Tensors& results) {
  for (;;) {
    GPU_ASSIGN(const bool done, take_phase(charges));
    if (!done) return false;
    if (phase_ == Phase::kLook && readback_) {
      if (!awaits_.is_over()) return false;
      if (is_over()) {
        results = std::move(states_[0]);
        return true;
      }
    }
    if (!executor_.goes_on()) return false;
  }
}

Result<bool> RecordedLoop::take_phase(const Charges& charges) {
  bool done = true;
  switch (phase_) {
    case Phase::kCondition: {
      GPU_ASSIGN(done, run("condition", condition_, [this] { return inputs(); }, gate_ ? &*gate_ : nullptr, charges));
      if (done) phase_ = ahead_ ? Phase::kGate : Phase::kLook;
      break;
    }
    case Phase::kGate: {
      static const Scalar kOne{Dtype::u32, uint64_t{1}}, kNone{Dtype::u32, uint64_t{0}};
      const Tensor more = made_.empty() ? Tensor() : made_[0];
      const auto inputs = [&] {
        return std::vector<Operand>{more, gate_ ? Operand(*gate_) : Operand(kOne),
                                    count_ ? Operand(*count_) : Operand(kNone)};
      };
      CompiledProgramRef& gate = executor_.loop_gate();
      if (gate == nullptr) gate = make_gate();
      const Charge host = for_all;
      GPU_ASSIGN(done, run("gate", gate, inputs, nullptr, {charges.device, host}));
      if (!done) break;
      gate_ = made_[0];
      count_ = made_[1];
      phase_ = Phase::kBody;
      break;
    }
    case Phase::kBody: {
      GPU_ASSIGN(done, run("body", body_, [this] { return inputs(); }, gate_ ? &*gate_ : nullptr, charges));
      if (!done) break;
      states_.push_back(std::move(made_));
      if (!ahead_) states_.erase(states_.begin());
      phase_ = states_.size() > rounds_ ? Phase::kLook : Phase::kCondition;
      break;
    }
    case Phase::kLook:
      if (!readback_) GPU_TRY(begin_look(charges));
  }
  return done;
}

template <typename Inputs>
Result<bool> RecordedLoop::run(const char* who, const CompiledProgramRef& program, Inputs inputs, const Tensor* gate,
                               const Charges& charges) {
  if (!run_) {
    run_.emplace(executor_, who);
    step_ = 0;
    const std::vector<Operand> operands = inputs();
    GPU_TRY(run_->begin(program, operands));
  }
  while (step_ < run_->steps()) {
    const Executor::Gated gated(executor_, gate);
    GPU_ASSIGN(const bool done, run_->step(step_, charges));
    if (!done) return false;
    if (++step_ < run_->steps() && !executor_.goes_on()) return false;
  }
  run_->finish(made_, charges.host);
  run_.reset();
  return true;
}

std::vector<Operand> RecordedLoop::inputs() const {
  std::vector<Operand> all;
  for (const Tensors* tensors : {&states_.back(), &fixed_})
    for (const Tensor& tensor : *tensors) all.emplace_back(tensor);
  return all;
}

Result<void> RecordedLoop::begin_look(const Charges& charges) {
  GPU_ASSIGN(const Tensor seen, executor_.contiguous(ahead_ ? *count_ : made_[0], charges.device));
  GPU_ASSIGN(readback_, transfer_.read(seen, 0, size_bytes(seen)));
  awaits_ = AwaitedSubmission::of_all(executor_.device().recorder());
  return {};
}

bool RecordedLoop::is_over() {
  uint32_t seen = 0;
  std::memcpy(&seen, readback_->bytes.data(), readback_->bytes.size());
  readback_.reset();
  awaits_ = {};
  known_rounds_ += ahead_ ? seen : seen != 0 ? 1 : 0;
  if (!ahead_) {
    phase_ = Phase::kBody;
    return seen == 0;
  }
  const bool over = seen < rounds_;
  states_[0] = std::move(states_[seen]);
  states_.resize(1);
  gate_.reset();
  count_.reset();
  rounds_ = std::clamp<size_t>(kMostStateBytes / bytes_of(states_[0]), 1, std::min(2 * rounds_, kMostRounds));
  phase_ = Phase::kCondition;
  return over;
}

}  // namespace gpu_node::program
