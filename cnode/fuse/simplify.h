// Less of the same: instructions that nobody wants go, equal ones become one. Every op of the table is a function of
// its operands and attributes, so equal ones give the same bits.
#pragma once

#include "fuse/steps.h"

namespace gpu_node::fuse {

// Drops instructions none of whose results is used.
void drop_unused(Traced& traced);

// Makes instructions of equal op, attributes, operands and results' types one. A value that was several outputs' is
// then an output several times.
void share_equal(Traced& traced);

}  // namespace gpu_node::fuse
