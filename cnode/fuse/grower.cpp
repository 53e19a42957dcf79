#include "fuse/grower.h"

#include <algorithm>

#include "fuse/rewriter.h"

namespace gpu_node::fuse {
namespace {

// How far from the seed, in instructions, what joins it may stand, which keeps the pass linear.
constexpr uint32_t kReach = 512;

}  // namespace

SeedGroup Grower::grow(uint32_t seed) {
  seed_ = seed;
  begin_ = seed < kReach ? 0 : seed - kReach;
  end_ = static_cast<uint32_t>(std::min<size_t>(program_.instructions.size(), size_t{seed} + kReach));
  kinds_.assign(end_ - begin_, Kind::kOutside);
  kinds_[seed - begin_] = group_.rows ? Kind::kOfRows : Kind::kElements;
  group_.seed = graph_.result(seed);
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

// Whether |value| is a tensor that the group reads for instruction |i|: the seed takes tensors alone.
bool Grower::is_read(uint32_t i, uint32_t value) const {
  return kind(value) == Kind::kOutside && (i == seed_ || !sources_.of(value));
}

bool Grower::has_room(uint32_t i) const {
  size_t reads = reads_.size();
  each_value(program_.instructions[i],
             [&](uint32_t value) { reads += is_read(i, value) && !contains(reads_, value) ? 1 : 0; });
  return weight_ + weight_of(program_.instructions[i]) <= weight_limit() && reads <= limits_.reads;
}

void Grower::join(uint32_t i) {
  group_.members.push_back(i);
  weight_ += weight_of(program_.instructions[i]);
  each_value(program_.instructions[i], [&](uint32_t value) {
    if (is_read(i, value) && !contains(reads_, value)) reads_.push_back(value);
  });
  std::erase(reads_, graph_.result(i));
  note(i);
}

uint32_t Grower::seen_through(uint32_t view) const {
  const uint32_t value = graph_.number(std::get<ir::ValueName>(program_.instructions[view].operands[0]));
  const auto known = group_.views.find(value);
  return known == group_.views.end() ? value : known->second;
}

void Grower::see(uint32_t view) {
  group_.views[graph_.result(view)] = seen_through(view);
  std::erase(reads_, graph_.result(view));
  note(view);
}

// What takes values of the group and waits for nothing that waits for it.
void Grower::join_later() {
  const uint32_t first = *std::min_element(group_.members.begin(), group_.members.end());
  for (uint32_t i = first + 1; i < end_; ++i) {
    Kind& own = kinds_[i - begin_];
    if (is_in(own)) continue;
    bool takes = false, waits = false;
    each_value(program_.instructions[i], [&](uint32_t value) {
      takes = takes || is_in(kind(value));
      waits = waits || kind(value) == Kind::kWaiting;
    });
    own = waits ? Kind::kWaiting : Kind::kOutside;
    if (waits || !takes) continue;
    own = joined(i);
    if (is_member(own) && !has_room(i)) own = Kind::kOutside;
    if (own == Kind::kOutside)
      own = Kind::kWaiting;
    else if (own == Kind::kView)
      see(i);
    else
      join(i);
  }
}

// What nobody but the group takes.
void Grower::join_earlier() {
  const uint32_t last = *std::max_element(group_.members.begin(), group_.members.end());
  for (uint32_t i = last; i-- > begin_;) {
    if (kinds_[i - begin_] != Kind::kOutside || program_.instructions[i].results.size() != 1 || !may_be_taken(i))
      continue;
    const Kind kind = joined(i);
    if (!is_member(kind) || !has_room(i)) continue;
    kinds_[i - begin_] = kind;
    note(i);
    std::vector<uint32_t> views;
    std::vector<uint32_t> reads = reads_;
    if (is_taken(i, views)) {
      join(i);
      continue;
    }
    reads_ = std::move(reads);
    kinds_[i - begin_] = Kind::kOutside;
    for (const uint32_t view : views) {
      kinds_[view - begin_] = Kind::kOutside;
      group_.views.erase(graph_.result(view));
    }
  }
}

// Whether only members, or views, take the value of instruction |i|.
bool Grower::may_be_taken(uint32_t i) const {
  const std::vector<uint32_t>& users = graph_[graph_.result(i)].users;
  return !users.empty() && std::all_of(users.begin(), users.end(), [this](uint32_t user) {
    return is_member(user) || is_view(program_.instructions[user]);
  });
}

// Whether the members and nobody else take the value of instruction |i|, as what it is now; views between become the
// group's, and are added to |views|.
bool Grower::is_taken(uint32_t i, std::vector<uint32_t>& views) {
  const Graph::Value& value = graph_[graph_.result(i)];
  if (value.is_output) return false;
  for (const uint32_t user : value.users) {
    if (user >= end_) return false;
    Kind& own = kinds_[user - begin_];
    if (is_in(own)) {
      if (joined(user) != own) return false;
      continue;
    }
    if (own != Kind::kOutside || !is_view(program_.instructions[user]) || joined(user) != Kind::kView) return false;
    own = Kind::kView;
    see(user);
    views.push_back(user);
    if (!is_taken(user, views)) return false;
  }
  return true;
}

// The values that others want.
std::vector<uint32_t> Grower::results() const {
  std::vector<uint32_t> values;
  for (const uint32_t i : group_.members)
    if (const uint32_t value = graph_.result(i); is_wanted(value)) values.push_back(value);
  return values;
}

bool Grower::is_wanted(uint32_t value) const {
  if (graph_[value].is_output) return true;
  const std::vector<uint32_t>& users = graph_[value].users;
  return std::any_of(users.begin(), users.end(), [this](uint32_t user) {
    if (is_member(user)) return false;
    return kind(graph_.result(user)) != Kind::kView || is_wanted(graph_.result(user));
  });
}

bool Grower::fits() const {
  const size_t written = results().size();
  return written <= limits_.results && reads_.size() + written + 1 <= limits_.buffers;
}

// The last but the seed, which nobody in the group takes.
void Grower::drop_last() {
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

}  // namespace gpu_node::fuse
