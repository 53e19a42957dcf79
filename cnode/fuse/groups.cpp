#include "fuse/groups.h"

#include <algorithm>

#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

// Of what is computed again: how long the line of instructions may be, by how many parts, from how many tensors.
constexpr uint32_t kRepeatedLine = 4;
constexpr size_t kRepeatingParts = 4;
constexpr size_t kRepeatedReads = 2;
// A search for a way from one node to another that visits more is given up, as if there were one: it keeps the whole
// linear.
constexpr size_t kMaxVisited = 256;

void add_once(std::vector<uint32_t>& list, uint32_t value) {
  if (!contains(list, value)) list.push_back(value);
}

Slot slot_of(const ir::Instruction& concatenation, size_t k, const Shape& shape, int64_t start) {
  const int axis = axis_of(concatenation);
  const Dims strides = row_major_strides(concatenation.results[0].type.shape);
  Slot slot;
  slot.map.shape = shape;
  const bool stacks = concatenation.op->code == ir::Code::kStack;
  for (int d = 0; d < strides.size(); ++d)
    if (!stacks || d != axis) slot.map.strides.push_back(strides[d]);
  slot.map.offset = (stacks ? static_cast<int64_t>(k) : start) * strides[axis];
  return slot;
}

}  // namespace

Groups::Groups(const ir::Program& program, const Graph& graph, const Sources& sources, const SeedGroups& seeded,
               const Limits& limits)
    : program_(program),
      graph_(graph),
      sources_(sources),
      seeded_(seeded),
      limits_(limits),
      parts_of_(program.instructions.size()),
      pieces_(graph.values()),
      repeats_(program.instructions.size()),
      seen_(program.instructions.size()) {
  for (auto i = static_cast<uint32_t>(program.instructions.size()); i-- > 0;) {
    const ir::Instruction& instruction = program.instructions[i];
    if (element_count(instruction.results[0].type.shape) == 0 || seeded.group_of(i) != Graph::kNone) continue;
    if (is_elementwise(instruction))
      add_elementwise(i);
    else if (is_concatenation(instruction))
      add_concatenation(i);
  }
  merge_readers();
  for (Part& part : parts_) std::sort(part.members.begin(), part.members.end());
}

uint32_t Groups::find(uint32_t part) const {
  while (merged_into_[part] != part) part = merged_into_[part] = merged_into_[merged_into_[part]];
  return part;
}

uint32_t Groups::add_part(Shape shape, uint32_t node) {
  const auto part = static_cast<uint32_t>(parts_.size());
  parts_.push_back({std::move(shape), {}, {}, {}, {}, 0});
  merged_into_.push_back(part);
  seen_part_.push_back(0);
  node_of_.push_back(node);
  nodes_[node].parts.push_back(part);
  return part;
}

void Groups::add_concatenation(uint32_t i) {
  const ir::Instruction& instruction = program_.instructions[i];
  const int axis = axis_of(instruction);
  // Of numbers, and of what nothing computes, it stays as it is.
  bool computed = false;
  for (const ir::Operand& operand : instruction.operands) {
    const auto* name = std::get_if<ir::ValueName>(&operand);
    if (name == nullptr) return;
    const uint32_t maker = graph_.value(*name).maker;
    computed = computed || (maker != Graph::kNone && is_elementwise(program_.instructions[maker]) &&
                            seeded_.group_of(maker) == Graph::kNone);
  }
  if (!computed) return;
  const auto node = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({{}, {i}});
  seen_node_.push_back(0);
  int64_t start = 0;
  for (size_t k = 0; k < instruction.operands.size(); ++k) {
    const uint32_t value = graph_.number(std::get<ir::ValueName>(instruction.operands[k]));
    const Shape& shape = graph_[value].type->shape;
    Slot slot = slot_of(instruction, k, shape, start);
    if (instruction.op->code == ir::Code::kConcatenate) start += shape[axis];
    if (element_count(shape) == 0) continue;
    slot.value = value;
    slot.whole = graph_.result(i);
    const uint32_t part = add_part(shape, node);
    parts_[part].reads.push_back(value);
    parts_[part].slots.push_back(std::move(slot));
    parts_of_[i].push_back(part);
    pieces_[value].push_back(part);
  }
}

Groups::PartIds Groups::readers_of(uint32_t value, std::vector<uint32_t>& others) const {
  PartIds parts;
  ++round_;
  uint32_t last = Graph::kNone;
  for (const uint32_t user : graph_[value].users) {
    if (user == last) continue;
    last = user;
    if (parts_of_[user].empty()) others.push_back(user);
    for (const uint32_t id : is_elementwise(program_.instructions[user]) ? parts_of_[user] : pieces_[value]) {
      const uint32_t part = find(id);
      if (std::exchange(seen_part_[part], round_) != round_ && contains(parts_[part].reads, value))
        parts.push_back(part);
    }
  }
  return parts;
}

std::vector<uint32_t> Groups::reads_of(uint32_t i) const {
  std::vector<uint32_t> reads;
  for (const ir::Operand& operand : program_.instructions[i].operands)
    if (const auto* name = std::get_if<ir::ValueName>(&operand))
      if (const uint32_t value = graph_.number(*name); !sources_.of(value)) add_once(reads, value);
  return reads;
}

bool Groups::fits(const Part& part, uint32_t i, bool as_result) const {
  size_t reads = part.reads.size();
  for (const uint32_t value : reads_of(i)) reads += contains(part.reads, value) ? 0 : 1;
  // What it makes is no longer read.
  reads -= contains(part.reads, graph_.result(i)) ? 1 : 0;
  const size_t results = part.results.size() + part.slots.size() + (as_result ? 1 : 0);
  return part.weight + weight_of(program_.instructions[i]) <= limits_.weight && reads <= limits_.reads &&
         results <= std::max(limits_.results, part.slots.size()) && reads + results + 1 <= limits_.buffers;
}

void Groups::join(uint32_t id, uint32_t i) {
  Part& part = parts_[id];
  std::erase(part.reads, graph_.result(i));
  part.members.push_back(i);
  part.weight += weight_of(program_.instructions[i]);
  for (const uint32_t value : reads_of(i)) add_once(part.reads, value);
  parts_of_[i].push_back(id);
}

void Groups::push_users(uint32_t node, std::vector<uint32_t>& list) const {
  const auto push = [&](uint32_t value) {
    list.insert(list.end(), graph_[value].users.begin(), graph_[value].users.end());
  };
  for (const uint32_t part : nodes_[node].parts)
    for (const uint32_t value : parts_[part].results) push(value);
  for (const uint32_t i : nodes_[node].concatenations) push(graph_.result(i));
}

bool Groups::reaches(std::vector<uint32_t> from, uint32_t target, uint32_t without) const {
  ++round_;
  for (size_t visited = 0; !from.empty();) {
    const uint32_t i = from.back();
    from.pop_back();
    if (std::exchange(seen_[i], round_) == round_) continue;
    if (++visited > kMaxVisited) return true;
    if (const uint32_t group = seeded_.group_of(i); group != Graph::kNone) {
      for (const uint32_t value : seeded_.groups()[group].results)
        from.insert(from.end(), graph_[value].users.begin(), graph_[value].users.end());
      continue;
    }
    if (parts_of_[i].empty()) {
      for (size_t k = 0; k < program_.instructions[i].results.size(); ++k) {
        const std::vector<uint32_t>& users = graph_[graph_.result(i, k)].users;
        from.insert(from.end(), users.begin(), users.end());
      }
      continue;
    }
    for (const uint32_t part : parts_of_[i]) {
      const uint32_t node = node_of_[find(part)];
      if (node == target) return true;
      if (node != without && std::exchange(seen_node_[node], round_) != round_) push_users(node, from);
      if (!is_elementwise(program_.instructions[i])) break;  // a concatenation's parts are of one node
    }
  }
  return false;
}

bool Groups::merge(uint32_t to, uint32_t from) {
  if (to == from) return true;
  Part& a = parts_[to];
  Part& b = parts_[from];
  std::vector<uint32_t> reads = a.reads;
  for (const uint32_t value : b.reads) add_once(reads, value);
  const size_t results = a.results.size() + b.results.size() + a.slots.size() + b.slots.size();
  if (a.shape != b.shape || a.weight + b.weight > limits_.weight || reads.size() > limits_.reads ||
      results > limits_.results || reads.size() + results + 1 > limits_.buffers)
    return false;
  const uint32_t node = node_of_[to], other = node_of_[from];
  if (node != other) {
    for (const auto& [first, second] : {std::pair(node, other), std::pair(other, node)}) {
      std::vector<uint32_t> users;
      push_users(first, users);
      if (reaches(std::move(users), second, first)) return false;
    }
  }
  a.reads = std::move(reads);
  for (const uint32_t i : b.members) add_once(a.members, i);
  a.results.insert(a.results.end(), b.results.begin(), b.results.end());
  a.slots.insert(a.slots.end(), b.slots.begin(), b.slots.end());
  a.weight += b.weight;
  b = {};
  merged_into_[from] = to;
  std::erase(nodes_[other].parts, from);
  if (node == other) return true;
  for (const uint32_t part : nodes_[other].parts) {
    node_of_[part] = node;
    nodes_[node].parts.push_back(part);
  }
  nodes_[node].concatenations.insert(nodes_[node].concatenations.end(), nodes_[other].concatenations.begin(),
                                     nodes_[other].concatenations.end());
  nodes_[other] = {};
  return true;
}

bool Groups::is_cheap(uint32_t i) const {
  return weight_of(program_.instructions[i]) == 1 && repeats_[i] < kRepeatedLine &&
         reads_of(i).size() <= kRepeatedReads;
}

bool Groups::join_all(uint32_t i, const PartIds& parts, const std::vector<uint32_t>& others, bool is_output) {
  const int64_t elements = element_count(program_.instructions[i].results[0].type.shape);
  for (const uint32_t part : parts)
    if (element_count(parts_[part].shape) != elements || parts_[part].shape != parts_[parts[0]].shape) return false;
  const bool as_result = !others.empty() || is_output;
  if (parts.size() == 1 && !fits(parts_[parts[0]], i, as_result)) return false;
  for (const uint32_t part : parts)
    if (!merge(parts[0], part)) return false;
  if (!fits(parts_[parts[0]], i, as_result)) return false;
  if (!others.empty() && reaches(others, node_of_[parts[0]], Graph::kNone)) return false;
  join(parts[0], i);
  if (as_result) parts_[parts[0]].results.push_back(graph_.result(i));
  return true;
}

bool Groups::repeat(uint32_t i, const PartIds& parts) {
  if (parts.size() > kRepeatingParts || !is_cheap(i)) return false;
  for (const uint32_t part : parts)
    if (!fits(parts_[part], i, false)) return false;
  for (const uint32_t part : parts) join(part, i);
  // Its operands would be repeated with it.
  for (const ir::Operand& operand : program_.instructions[i].operands)
    if (const auto* name = std::get_if<ir::ValueName>(&operand))
      if (const uint32_t maker = graph_.value(*name).maker; maker != Graph::kNone)
        repeats_[maker] = std::max(repeats_[maker], repeats_[i] + 1);
  return true;
}

bool Groups::is_free_view(uint32_t i) const {
  const ir::Instruction& instruction = program_.instructions[i];
  if (instruction.is_literal(0)) return false;
  return kernels::is_view(instruction, graph_.value(std::get<ir::ValueName>(instruction.operands[0])).type->dtype);
}

bool Groups::is_of_elementwise(uint32_t i) const {
  const uint32_t maker = graph_.value(std::get<ir::ValueName>(program_.instructions[i].operands[0])).maker;
  return maker != Graph::kNone && is_elementwise(program_.instructions[maker]);
}

void Groups::add_elementwise(uint32_t i) {
  const ir::Instruction& instruction = program_.instructions[i];
  const uint32_t value = graph_.result(i);
  std::vector<uint32_t> others;
  const PartIds parts = readers_of(value, others);
  const bool is_output = graph_[value].is_output;
  const bool is_alone = others.empty() && !is_output;
  const bool is_view = is_free_view(i);
  if (is_view && (!is_alone || !is_of_elementwise(i))) return;
  if (!parts.empty() && join_all(i, parts, others, is_output)) return;
  if (!parts.empty() && is_alone && repeat(i, parts)) return;
  if (is_view) return;
  const auto node = static_cast<uint32_t>(nodes_.size());
  nodes_.emplace_back();
  seen_node_.push_back(0);
  const uint32_t part = add_part(instruction.results[0].type.shape, node);
  join(part, i);
  parts_[part].results.push_back(value);
}

// Parts that read one tensor of their own size do so together.
void Groups::merge_readers() {
  for (uint32_t value = 0; value < graph_.values(); ++value) {
    if (sources_.of(value)) continue;
    const int64_t elements = element_count(graph_[value].type->shape);
    std::vector<uint32_t> others;
    uint32_t first = Graph::kNone;
    for (const uint32_t id : readers_of(value, others)) {
      const uint32_t part = find(id);
      if (element_count(parts_[part].shape) != elements || parts_[part].members.empty() || part == first) continue;
      if (first == Graph::kNone || !merge(first, part)) first = part;
    }
  }
}

}  // namespace gpu_node::fuse
