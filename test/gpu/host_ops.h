// Every elementwise op on the host: exact integers, long double for floats (more digits than f64 on x86).
#pragma once

#include <string>

#include "gpu/op_case.h"

namespace gpu_node::test {

// The oracle of |op|; fails the test for an op that has none.
Oracle oracle_of(const std::string& op);

// The ulps that |op| may be off for results of |dtype|: 0 for ops that must give the nearest number.
double ulp_bound(const std::string& op, Dtype dtype);

// The type rules, for tests that choose a result's type.
Dtype floating_type(Dtype dtype);
Dtype merged_type(Dtype a, Dtype b);

}  // namespace gpu_node::test
