// How a group grows around one instruction, its seed: what takes its value, or that of what joined before, and waits
// for nobody outside who does; what only such instructions take. So a group is computed at once: nothing goes out of it
// and comes back. What can be in it is for its kind to say (seed_groups.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "fuse/limits.h"
#include "fuse/row_domain.h"
#include "fuse/sources.h"

namespace gpu_node::fuse {

struct SeedGroup {
  uint32_t seed = 0;              // its value
  std::vector<uint32_t> members;  // instructions, ascending
  std::vector<uint32_t> results;  // values of members that others want
  std::optional<RowDomain> rows;  // of reductions; none where the seed is a product
  std::vector<bool> of_rows;      // by member: a number of each row, not of each element
  // What members may take for which value of a member: views.
  std::unordered_map<uint32_t, uint32_t> views;
  // Of a product's, by value of members and of views: the axis of the product that each of its axes is.
  std::unordered_map<uint32_t, Dims> axes;
};

class Grower {
 public:
  Grower(const ir::Program& program, const Graph& graph, const Sources& sources, const Limits& limits,
         const std::vector<uint32_t>& group_of)
      : program_(program), graph_(graph), sources_(sources), limits_(limits), group_of_(group_of) {}
  Grower(const Grower&) = delete;
  Grower& operator=(const Grower&) = delete;
  virtual ~Grower() = default;

  // REQUIRES: called once.
  SeedGroup grow(uint32_t seed);

 protected:
  // Of an instruction's value.
  enum class Kind : uint8_t {
    kOutside,
    kWaiting,   // it waits for the group
    kOfRows,    // a number of each row
    kElements,  // one for each element
    kView,      // a member's value seen in another way
  };

  // What instruction |i| would be in the group; kOutside where it can not be in it.
  virtual Kind joined(uint32_t i) const = 0;
  // Notes what is to be known of |i|, which becomes a member or a view.
  virtual void note(uint32_t) {}
  virtual size_t weight_limit() const { return limits_.weight; }

  Kind kind(uint32_t value) const {
    const uint32_t maker = graph_[value].maker;
    return maker == Graph::kNone || maker < begin_ || maker >= end_ ? Kind::kOutside : kinds_[maker - begin_];
  }
  static bool is_in(Kind kind) { return kind == Kind::kOfRows || kind == Kind::kElements || kind == Kind::kView; }

  bool is_seed(uint32_t i) const { return i == seed_; }

  template <typename Use>
  void each_value(const ir::Instruction& instruction, Use use) const {
    for (const ir::Operand& operand : instruction.operands)
      if (const auto* name = std::get_if<ir::ValueName>(&operand)) use(graph_.number(*name));
  }

  const ir::Program& program_;
  const Graph& graph_;
  const Sources& sources_;
  const Limits& limits_;
  const std::vector<uint32_t>& group_of_;
  SeedGroup group_;

 private:
  static bool is_member(Kind kind) { return kind == Kind::kOfRows || kind == Kind::kElements; }
  bool is_member(uint32_t i) const { return i >= begin_ && i < end_ && is_member(kinds_[i - begin_]); }
  bool is_read(uint32_t i, uint32_t value) const;
  bool has_room(uint32_t i) const;
  void join(uint32_t i);
  uint32_t seen_through(uint32_t view) const;
  void see(uint32_t view);
  void join_later();
  void join_earlier();
  bool may_be_taken(uint32_t i) const;
  bool is_taken(uint32_t i, std::vector<uint32_t>& views);
  std::vector<uint32_t> results() const;
  bool is_wanted(uint32_t value) const;
  bool fits() const;
  void drop_last();

  uint32_t seed_ = 0, begin_ = 0, end_ = 0;
  std::vector<Kind> kinds_;  // by instruction, from begin_ on
  std::vector<uint32_t> reads_;
  size_t weight_ = 0;
};

}  // namespace gpu_node::fuse
