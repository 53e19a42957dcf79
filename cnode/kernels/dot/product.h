// The piece of work that multiplies: any contracting, batch and free axes of strided places, never a physical
// transpose. Declared to other families.
#pragma once

#include <optional>

#include "kernels/epilogue.h"
#include "kernels/plan_builder.h"
#include "kernels/reduce/reduction.h"

namespace gpu_node::kernels {

// Which axes of the left and of the right place belong together. The others are free.
struct ProductAxes {
  Dims contract_left, batch_left, contract_right, batch_right;
};

ProductAxes product_axes(const ir::DotAttributes& dot);

// Writes batch axes, the left place's free ones, the right one's, in row-major order; both are converted to
// what holds them and |to|'s type, their products are added up in it and each sum is rounded once. REQUIRES at least
// one result. With an epilogue that takes the results, where they are computed if it fits there, of |to| only the type
// counts. Errors: kUnsupported, with the numbers.
Result<void> append_product(const Place& left, const Place& right, const ProductAxes& axes, const Place& to,
                            PlanBuilder& plan, const Epilogue* epilogue = nullptr);

// The product that append_product computes as a reduction of products; nothing where it goes by tiles.
Result<std::optional<Reduction>> thin_product(const Place& left, const Place& right, const ProductAxes& axes,
                                              Dtype result, const PlanBuilder& plan);

}  // namespace gpu_node::kernels
