// Concatenations of which nobody needs the whole.
#pragma once

#include "fuse/steps.h"

namespace gpu_node::fuse {

// A view that sees one piece of a concatenation, and nothing beside it, becomes a view of that piece, where all who
// look at the concatenation do so: then it need not be there.
void see_pieces(Traced& traced);

// A concatenation of counters, constants and single elements, one behind the other, becomes a choice among them by the
// number of the element: so it is read from nowhere, through views either.
void choose_pieces(Traced& traced);

}  // namespace gpu_node::fuse
