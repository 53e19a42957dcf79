#include "kernels/reduce/row_code.h"

#include <algorithm>

#include "base/concat.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

constexpr uint32_t kNone = ~uint32_t{0};

class Walker {
 public:
  Walker(const RowCode& code, bool keeps)
      : code_(code), keeps_(keeps), stages_(code.values()), computed_(code.values(), kNone) {
    out_.of_rows.resize(code.values());
    for (uint32_t v = 0; v < code.values(); ++v) place(v);
    uint32_t walks = 0;
    for (uint32_t v = 0; v < code.values(); ++v)
      if (code.is_reduction(v)) walks = std::max(walks, stages_[v]);
    for (const RowCode::Written& written : code.written)
      if (!written.of_rows) walks = std::max(walks, stages_[written.value] + 1);
    out_.walks.resize(walks);
  }

  RowWalks run() && {
    for (uint32_t s = 0; s < out_.walks.size(); ++s) {
      RowWalk& walk = out_.walks[s];
      walk.rows = rows_block(s);
      start();
      for (uint32_t v = 0; v < code_.values(); ++v)
        if (code_.is_reduction(v) && stages_[v] == s + 1) {
          walk.reductions.push_back(v);
          want(code_.step(v)->operands[0], s);
        }
      for (uint32_t w = 0; w < code_.written.size(); ++w)
        if (const RowCode::Written& written = code_.written[w]; !written.of_rows && stages_[written.value] == s) {
          walk.written.push_back(w);
          want(written.value, s);
        }
      walk.elements = std::move(block_);
    }
    for (RowWalk& walk : out_.walks)
      for (const KeptValue& kept : walk.kept) add_result(walk.elements, kept.value);
    out_.end = rows_block(static_cast<uint32_t>(out_.walks.size()));
    return std::move(out_);
  }

 private:
  void place(uint32_t v) {
    const RowCode::Step* step = code_.step(v);
    if (step == nullptr) {
      out_.of_rows[v] = code_.sources[v].of_rows;
      return;
    }
    bool of_rows = true;
    for (const uint32_t operand : step->operands) {
      of_rows = of_rows && out_.of_rows[operand];
      stages_[v] = std::max(stages_[v], stages_[operand]);
    }
    const bool reduces = code_.is_reduction(v);
    out_.of_rows[v] = of_rows || reduces;
    if (reduces) ++stages_[v];
  }

  void start() {
    block_ = RowBlock();
    numbers_.assign(code_.values(), kNone);
  }

  // One that the block computes.
  static void add_result(RowBlock& block, uint32_t value) {
    if (std::find(block.inputs.begin(), block.inputs.end(), value) != block.inputs.end()) return;
    if (std::find(block.results.begin(), block.results.end(), value) != block.results.end()) return;
    block.results.push_back(value);
    block.block.result(block.number(value));
  }

  void want(uint32_t value, uint32_t walk) {
    if (out_.of_rows[value]) return;
    compute(value, walk);
    add_result(block_, value);
  }

  uint32_t input(uint32_t value) {
    block_.inputs.push_back(value);
    block_.values.push_back(value);
    return numbers_[value] = block_.block.input(code_.type(value));
  }

  uint32_t step(uint32_t value) {
    const RowCode::Step& step = *code_.step(value);
    SmallList<scalar::ValueNumber, 3> operands;
    for (const uint32_t operand : step.operands) operands.push_back(numbers_[operand]);
    block_.values.push_back(value);
    return numbers_[value] = block_.block.step(*step.op, step.type, operands.span());
  }

  // The block's number of |value| in |walk|. Values lie as deep as code is long, a few hundred steps.
  void compute(uint32_t value, uint32_t walk) {
    if (numbers_[value] != kNone) return;
    const bool counts = value < code_.sources.size() && code_.sources[value].read == RowCode::Read::kCounter;
    if (out_.of_rows[value]) {
      input(value);
      return;
    }
    if (keeps_ && !counts && computed_[value] < walk) {
      keep(value, walk);
      input(value);
      return;
    }
    computed_[value] = std::min(computed_[value], walk);
    if (code_.step(value) == nullptr) {
      input(value);
      return;
    }
    for (const uint32_t operand : code_.step(value)->operands) compute(operand, walk);
    step(value);
  }

  void keep(uint32_t value, uint32_t walk) {
    std::vector<KeptValue>& kept = out_.walks[computed_[value]].kept;
    const auto known = std::find_if(kept.begin(), kept.end(), [&](const KeptValue& one) { return one.value == value; });
    if (known == kept.end())
      kept.push_back({value, walk});
    else
      known->last = walk;
  }

  // Those values of rows that wait for as many walks.
  RowBlock rows_block(uint32_t stage) {
    start();
    for (uint32_t v = 0; v < code_.values(); ++v) {
      if (!out_.of_rows[v] || code_.step(v) == nullptr || code_.is_reduction(v) || stages_[v] != stage) continue;
      for (const uint32_t operand : code_.step(v)->operands)
        if (numbers_[operand] == kNone) input(operand);
      step(v);
      add_result(block_, v);
    }
    return std::move(block_);
  }

  const RowCode& code_;
  const bool keeps_;
  std::vector<uint32_t> stages_;    // by value: the walks that it waits for
  std::vector<uint32_t> computed_;  // by value of elements: the walk that has it first
  RowWalks out_;
  RowBlock block_;  // that is written
  std::vector<uint32_t> numbers_;
};

}  // namespace

bool RowCode::is_reduction(uint32_t value) const {
  const Step* one = step(value);
  return one != nullptr && one->op->family == ir::Family::kReduce;
}

std::string RowCode::text() const {
  static constexpr char kReads[] = {'t', 'c', 'n'};
  std::string text;
  for (const Source& source : sources) {
    text += concat(text.empty() ? "" : " ", dtype_name(source.type), ".");
    text += kReads[static_cast<size_t>(source.read)];
    if (source.of_rows) text += 'r';
  }
  for (const Step& step : steps) {
    text += concat(" ", step.op->name);
    for (const uint32_t operand : step.operands) text += concat(",", operand);
    text += concat(":", dtype_name(step.type));
  }
  text += " >";
  for (const Written& one : written) text += concat(" ", one.value, one.of_rows ? "r" : "");
  return text;
}

scalar::ValueNumber RowBlock::number(uint32_t value) const {
  return static_cast<scalar::ValueNumber>(std::find(values.begin(), values.end(), value) - values.begin());
}

RowWalks walks_of(const RowCode& code, bool keeps) { return Walker(code, keeps).run(); }

RowAccumulator accumulator_of(const ir::Op& reduction, Dtype result) {
  const std::optional<Accumulator> accumulator = accumulator_of(reduction.code);
  return {*accumulator, accumulated(*accumulator, result)};
}

}  // namespace gpu_node::kernels
