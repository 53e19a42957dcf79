// The sampler's oracle: the same iterations, chain by chain, in double on the host. Nothing is learned here.
#pragma once

#include "gpu/sampler_case.h"

namespace gpu_node::test {

// REQUIRES: step_size and path_length are given; |position| [chains][d], or empty: where the sampler starts by itself.
Samples sample_on_host(const ChainCase& chains, const chain::SamplerOptions& options,
                       const std::vector<double>& position = {});

}  // namespace gpu_node::test
