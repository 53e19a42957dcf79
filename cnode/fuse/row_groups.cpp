#include "fuse/row_groups.h"

#include <algorithm>

#include "fuse/rewriter.h"
#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

constexpr uint32_t kNone = Graph::kNone;
// How far from a reduction, in instructions, what joins it may stand, which keeps the pass linear.
constexpr uint32_t kReach = 512;
// A search for a way out of a group and back through others that visits more is given up, as if there were one.
constexpr size_t kMaxVisited = 512;

// Grows the group of one reduction.
class Grower {
 public:
  Grower(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits,
         const std::vector<uint32_t>& group_of)
      : program_(program), graph_(graph), sources_(sources), limits_(limits), group_of_(group_of) {}

  RowGroup grow(uint32_t seed, RowDomain domain) && {
    group_.domain = std::move(domain);
    seed_ = seed;
    begin_ = seed < kReach ? 0 : seed - kReach;
    end_ = static_cast<uint32_t>(std::min<size_t>(program_.instructions.size(), size_t{seed} + kReach));
    kinds_.assign(end_ - begin_, Kind::kOutside);
    kinds_[seed - begin_] = Kind::kOfRows;
    join(seed);
    for (size_t before = 0; before != group_.members.size();) {
      before = group_.members.size();
      join_later();
      join_earlier();
    }
    while (!fits() && group_.members.size() > 1) drop_last();
    std::sort(group_.members.begin(), group_.members.end());
    for (const uint32_t i : group_.members) group_.of_rows.push_back(kinds_[i - begin_] == Kind::kOfRows);
    group_.results = results();
    return std::move(group_);
  }

 private:
  // Of an instruction's value.
  enum class Kind : uint8_t {
    kOutside,
    kWaiting,   // it waits for the group
    kOfRows,    // a number of each row
    kElements,  // one for each element
    kView,      // numbers of rows as a tensor for each row or element
  };

  Kind kind(uint32_t value) const {
    const uint32_t maker = graph_[value].maker;
    return maker == kNone || maker < begin_ || maker >= end_ ? Kind::kOutside : kinds_[maker - begin_];
  }
  static bool is_member(Kind kind) { return kind == Kind::kOfRows || kind == Kind::kElements; }
  bool is_member(uint32_t i) const { return i >= begin_ && i < end_ && is_member(kinds_[i - begin_]); }

  template <typename Use>
  void each_value(const ir::Instruction& instruction, Use use) const {
    for (const ir::Operand& operand : instruction.operands)
      if (const auto* name = std::get_if<ir::ValueName>(&operand)) use(graph_.number(*name));
  }

  // Whether the group has room for one more instruction.
  bool has_room(const ir::Instruction& instruction) const {
    size_t reads = reads_.size();
    each_value(instruction, [&](uint32_t value) {
      reads += kind(value) == Kind::kOutside && !sources_.of(value) && !contains(reads_, value) ? 1 : 0;
    });
    return weight_ + weight_of(instruction) <= limits_.weight && reads <= limits_.reads;
  }

  static bool contains(const std::vector<uint32_t>& list, uint32_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  void join(uint32_t i) {
    group_.members.push_back(i);
    weight_ += weight_of(program_.instructions[i]);
    each_value(program_.instructions[i], [&](uint32_t value) {
      if (kind(value) == Kind::kOutside && !sources_.of(value) && !contains(reads_, value)) reads_.push_back(value);
    });
    std::erase(reads_, graph_.result(i));
  }

  // What instruction |i| would be in the group; kOutside where it can not be in it.
  Kind joined(uint32_t i) const {
    const ir::Instruction& instruction = program_.instructions[i];
    if (group_of_[i] != kNone) return Kind::kOutside;
    const ir::TensorType& type = instruction.results[0].type;
    if (instruction.op->family == ir::Family::kReduce) {
      const std::optional<RowDomain> domain = RowDomain::of(instruction, graph_);
      return domain && *domain == group_.domain && reduces_elements(instruction) ? Kind::kOfRows : Kind::kOutside;
    }
    if (is_view(instruction)) return seen(instruction);
    if (!is_elementwise(instruction) || is_complex(type.dtype)) return Kind::kOutside;
    if (type.shape == group_.domain.shape && takes_elements(instruction)) return Kind::kElements;
    return group_.domain.axes_of_rows(type.shape) && takes_rows(instruction) ? Kind::kOfRows : Kind::kOutside;
  }

  // What need not be read has no order in which it would lie.
  bool reduces_elements(const ir::Instruction& instruction) const {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(instruction.operands[0]));
    return kind(value) == Kind::kElements || (kind(value) == Kind::kOutside && !sources_.of(value));
  }

  Kind seen(const ir::Instruction& view) const {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(view.operands[0]));
    if (kind(value) != Kind::kOfRows && kind(value) != Kind::kView) return Kind::kOutside;
    const Shape& shape = graph_[value].type->shape;
    if (element_count(shape) != group_.domain.rows) return Kind::kOutside;
    const std::optional<IndexMap> map = kernels::view_of(view, IndexMap::row_major(shape));
    const bool fits = map && !is_bitcast(view) && (group_.domain.sees_elements(*map) || group_.domain.sees_rows(*map));
    return fits ? Kind::kView : Kind::kOutside;
  }

  bool is_bitcast(const ir::Instruction& view) const {
    return graph_.value(std::get<ir::ValueName>(view.operands[0])).type->dtype != view.results[0].type.dtype;
  }

  bool takes_elements(const ir::Instruction& instruction) const {
    bool fits = true;
    each_value(instruction, [&](uint32_t value) {
      const ir::TensorType& type = *graph_[value].type;
      fits = fits && !is_complex(type.dtype);
      if (kind(value) == Kind::kOfRows || kind(value) == Kind::kView)
        fits = fits && (type.shape == group_.domain.shape || group_.domain.broadcasts(type.shape));
      if (kind(value) == Kind::kElements) fits = fits && type.shape == group_.domain.shape;
    });
    return fits;
  }

  bool takes_rows(const ir::Instruction& instruction) const {
    bool fits = true;
    each_value(instruction, [&](uint32_t value) {
      const ir::TensorType& type = *graph_[value].type;
      fits = fits && !is_complex(type.dtype) && kind(value) != Kind::kElements;
      if (kind(value) == Kind::kOfRows || kind(value) == Kind::kView)
        fits = fits && element_count(type.shape) == group_.domain.rows;
    });
    return fits;
  }

  // What takes values of the group and waits for nothing that waits for it.
  void join_later() {
    const uint32_t first = *std::min_element(group_.members.begin(), group_.members.end());
    for (uint32_t i = first + 1; i < end_; ++i) {
      Kind& own = kinds_[i - begin_];
      if (is_member(own)) continue;
      bool takes = false, waits = false;
      each_value(program_.instructions[i], [&](uint32_t value) {
        const Kind operand = kind(value);
        takes = takes || is_member(operand) || operand == Kind::kView;
        waits = waits || operand == Kind::kWaiting;
      });
      own = waits ? Kind::kWaiting : Kind::kOutside;
      if (waits || !takes) continue;
      own = joined(i);
      if (is_member(own) && !has_room(program_.instructions[i])) own = Kind::kOutside;
      if (own == Kind::kOutside)
        own = Kind::kWaiting;
      else if (own == Kind::kView)
        group_.views[graph_.result(i)] = seen_through(i);
      else
        join(i);
    }
  }

  uint32_t seen_through(uint32_t view) const {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(program_.instructions[view].operands[0]));
    const auto known = group_.views.find(value);
    return known == group_.views.end() ? value : known->second;
  }

  // What nobody but the group takes.
  void join_earlier() {
    const uint32_t last = *std::max_element(group_.members.begin(), group_.members.end());
    for (uint32_t i = last; i-- > begin_;) {
      if (kinds_[i - begin_] != Kind::kOutside || program_.instructions[i].results.size() != 1) continue;
      const Graph::Value& value = graph_[graph_.result(i)];
      if (value.is_output || value.users.empty() ||
          !std::all_of(value.users.begin(), value.users.end(), [this](uint32_t user) { return is_member(user); }))
        continue;
      const Kind kind = joined(i);
      if (!is_member(kind) || !is_taken_as(i, kind) || !has_room(program_.instructions[i])) continue;
      kinds_[i - begin_] = kind;
      join(i);
    }
  }

  // Whether all who take instruction |i| could if it were |kind|.
  bool is_taken_as(uint32_t i, Kind kind) {
    Kind& own = kinds_[i - begin_];
    own = kind;
    const std::vector<uint32_t>& users = graph_[graph_.result(i)].users;
    const bool fits = std::all_of(users.begin(), users.end(),
                                  [this](uint32_t user) { return joined(user) == kinds_[user - begin_]; });
    own = Kind::kOutside;
    return fits;
  }

  // The values that others want.
  std::vector<uint32_t> results() const {
    std::vector<uint32_t> values;
    for (const uint32_t i : group_.members)
      if (const uint32_t value = graph_.result(i); is_wanted(value)) values.push_back(value);
    return values;
  }

  bool is_wanted(uint32_t value) const {
    if (graph_[value].is_output) return true;
    const std::vector<uint32_t>& users = graph_[value].users;
    return std::any_of(users.begin(), users.end(), [this](uint32_t user) {
      if (is_member(user)) return false;
      return kind(graph_.result(user)) != Kind::kView || is_wanted(graph_.result(user));
    });
  }

  bool fits() const {
    const size_t written = results().size();
    return written <= limits_.results && reads_.size() + written + 1 <= limits_.buffers;
  }

  // The last but the seed, which nobody in the group takes.
  void drop_last() {
    std::vector<uint32_t>& members = group_.members;
    auto last = members.end();
    for (auto at = members.begin(); at != members.end(); ++at)
      if (*at != seed_ && (last == members.end() || *at > *last)) last = at;
    kinds_[*last - begin_] = Kind::kWaiting;
    members.erase(last);
    weight_ = 0;
    reads_.clear();
    for (const uint32_t i : std::exchange(members, {})) join(i);
  }

  const ir::Program& program_;
  const Graph& graph_;
  const Sources& sources_;
  const Limits& limits_;
  const std::vector<uint32_t>& group_of_;
  RowGroup group_;
  uint32_t seed_ = 0, begin_ = 0, end_ = 0;
  std::vector<Kind> kinds_;  // by instruction, from begin_ on
  std::vector<uint32_t> reads_;
  size_t weight_ = 0;
};

}  // namespace

RowGroups::RowGroups(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits)
    : program_(program), graph_(graph), group_of_(program.instructions.size(), kNone) {
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    if (group_of_[i] != kNone) continue;
    std::optional<RowDomain> domain = RowDomain::of(program.instructions[i], graph);
    if (!domain || sources.of(graph.number(std::get<ir::ValueName>(program.instructions[i].operands[0])))) continue;
    RowGroup group = Grower(program, graph, sources, limits, group_of_).grow(i, *std::move(domain));
    if (group.members.size() < 2 || !is_apart(group)) continue;
    for (const uint32_t member : group.members) group_of_[member] = static_cast<uint32_t>(groups_.size());
    groups_.push_back(std::move(group));
  }
}

// Whether no way leads out of |group| and back, through other groups.
bool RowGroups::is_apart(const RowGroup& group) const {
  const uint32_t first = group.members.front();
  uint32_t end = group.members.back();
  bool alone = true;
  for (const RowGroup& other : groups_) {
    if (other.members.back() < first || other.members.front() > group.members.back()) continue;
    alone = false;
    end = std::max(end, other.members.back());
  }
  if (alone) return true;
  const auto is_own = [&](uint32_t i) { return std::binary_search(group.members.begin(), group.members.end(), i); };
  std::vector<uint32_t> open;
  const auto push_users = [&](uint32_t value, bool own) {
    for (const uint32_t user : graph_[value].users)
      if (user <= end && (own || !is_own(user))) open.push_back(user);
  };
  for (const uint32_t value : group.results) push_users(value, false);
  std::vector<bool> seen(program_.instructions.size());
  for (size_t visited = 0; !open.empty();) {
    const uint32_t i = open.back();
    open.pop_back();
    if (seen[i]) continue;
    seen[i] = true;
    if (is_own(i) || ++visited > kMaxVisited) return false;
    if (group_of_[i] == kNone) {
      // Its members see through its views.
      const bool own = !group.views.contains(graph_.result(i));
      for (size_t k = 0; k < program_.instructions[i].results.size(); ++k) push_users(graph_.result(i, k), own);
      continue;
    }
    for (const uint32_t value : groups_[group_of_[i]].results) push_users(value, true);
  }
  return true;
}

}  // namespace gpu_node::fuse
