#include "fuse/fuse.h"

#include <numeric>

#include "fuse/expand.h"
#include "fuse/maps.h"
#include "fuse/pieces.h"
#include "fuse/reshapes.h"
#include "fuse/simplify.h"
#include "fuse/views.h"

namespace gpu_node::fuse {

Steps fused(const ir::Program& program, const Limits& limits) {
  Traced traced{program, std::vector<uint32_t>(program.instructions.size())};
  std::iota(traced.origins.begin(), traced.origins.end(), 0);
  drop_unused(traced);
  expand_reductions(traced);
  share_equal(traced);
  see_pieces(traced);
  choose_pieces(traced);
  drop_unused(traced);
  sink_views(traced);
  split_concatenations(traced);
  see_pieces(traced);
  lift_reshapes(traced);
  drop_unused(traced);
  share_equal(traced);
  const Graph graph(traced.program);
  const Sources sources(traced.program, graph);
  const SeedGroups seeded(traced.program, graph, sources, limits);
  const Groups groups(traced.program, graph, sources, seeded, limits);
  return with_maps(traced, graph, sources, seeded, groups);
}

Steps as_sent(const ir::Program& program) {
  Steps steps{{}, program.outputs};
  for (const ir::Instruction& instruction : program.instructions)
    steps.steps.push_back({instruction, static_cast<uint32_t>(steps.steps.size())});
  return steps;
}

}  // namespace gpu_node::fuse
