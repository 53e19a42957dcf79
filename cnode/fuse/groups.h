// Which elementwise instructions are computed together.
//
// Instructions are looked at from the last to the first. One joins the part that all its users are in, where that has
// as many elements; parts of different users are merged for its sake where neither waits for the other. One that costs
// little is computed again by each user that it can not join otherwise, also where they are larger and repeat it. What
// somebody else wants too is one more result of the part. Concatenations are nodes with a part for each operand, which
// writes where the operand would be copied to.
#pragma once

#include <cstdint>
#include <vector>

#include "fuse/graph.h"
#include "fuse/limits.h"
#include "fuse/seed_groups.h"
#include "fuse/sources.h"
#include "ir/map.h"

namespace gpu_node::fuse {

// Where a part writes what is a piece of a concatenation.
struct Slot {
  uint32_t value = 0;  // what is written
  uint32_t whole = 0;  // the concatenation's result
  IndexMap map;        // of the part's shape in that
};

struct Part {
  Shape shape;
  std::vector<uint32_t> members;  // instructions; ascending when grouping is over
  std::vector<uint32_t> reads;    // values that it does not make, but for those that Sources has
  std::vector<uint32_t> results;  // values of members that others want
  std::vector<Slot> slots;
  size_t weight = 0;
};

// Parts that are one instruction. Of a concatenation in which nothing is computed, that one.
struct Node {
  std::vector<uint32_t> parts;
  std::vector<uint32_t> concatenations;
};

class Groups {
 public:
  // What is in |seeded| is in none.
  Groups(const ir::Program& program, const Graph& graph, const Sources& sources, const SeedGroups& seeded,
         const Limits& limits);

  const std::vector<Part>& parts() const { return parts_; }
  // Those that are left have parts.
  const std::vector<Node>& nodes() const { return nodes_; }
  // Whether an instruction is in a node (or in several).
  bool is_grouped(uint32_t instruction) const { return !parts_of_[instruction].empty(); }

 private:
  using PartIds = SmallList<uint32_t, 2>;

  void add_concatenation(uint32_t i);
  void add_elementwise(uint32_t i);
  void merge_readers();

  uint32_t find(uint32_t part) const;
  uint32_t add_part(Shape shape, uint32_t node);
  // The parts that take |value| as an operand; the users that are in none go to |others|.
  PartIds readers_of(uint32_t value, std::vector<uint32_t>& others) const;
  // What an instruction takes and no source stands for, each once.
  std::vector<uint32_t> reads_of(uint32_t i) const;
  bool fits(const Part& part, uint32_t i, bool as_result) const;
  void join(uint32_t part, uint32_t i);
  bool merge(uint32_t to, uint32_t from);
  bool is_cheap(uint32_t i) const;
  // A bitcast costs nothing where it stands, so it is computed only between two that are.
  bool is_free_view(uint32_t i) const;
  bool is_of_elementwise(uint32_t i) const;
  bool join_all(uint32_t i, const PartIds& parts, const std::vector<uint32_t>& others, bool is_output);
  bool repeat(uint32_t i, const PartIds& parts);
  // Whether what |from|, instructions, give is needed by |node|; true where that would take long to find out.
  bool reaches(std::vector<uint32_t> from, uint32_t node, uint32_t without) const;
  void push_users(uint32_t node, std::vector<uint32_t>& list) const;

  const ir::Program& program_;
  const Graph& graph_;
  const Sources& sources_;
  const SeedGroups& seeded_;
  const Limits limits_;
  std::vector<Part> parts_;
  std::vector<Node> nodes_;
  mutable std::vector<uint32_t> merged_into_;  // by part: itself, or the one that it is in now
  std::vector<uint32_t> node_of_;              // by part
  std::vector<PartIds> parts_of_;              // by instruction
  std::vector<PartIds> pieces_;                // by value: the parts of concatenations that it is a piece of
  std::vector<uint32_t> repeats_;              // by instruction: how many behind it are computed several times
  mutable std::vector<uint32_t> seen_, seen_node_, seen_part_;  // the round in which one was seen last
  mutable uint32_t round_ = 0;
};

}  // namespace gpu_node::fuse
