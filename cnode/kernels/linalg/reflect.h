// Reflections in blocks (shaders/linalg/reflect.glsl): many go over a matrix at a time, as products.
#pragma once

#include "kernels/linalg/matrices.h"

namespace gpu_node::kernels {

// Of each matrix of a batch |count| reflections I - t v v^H.
struct Reflectors {
  Place rows;      // {batch, reflections, length}: the v, zeros before their 1 and all
  Place adjoints;  // the same conjugated; |rows| where numbers are real
  Place factors;   // {batch, reflections}: the t
  uint32_t count = 1;
  uint32_t shift = 0;  // reflection j has its 1 in row j + |shift|
};

// At most kPanel of them over the dense matrices |x| of as many rows, from |column| on: as they were made, the first of
// them first, or with |back| as Q is made of them. With |settles| what is as good as 0 becomes so.
struct ReflectBlock {
  uint32_t from = 0, to = 1, column = 0;
  bool back = false, settles = false;
};

class BlockReflection {
 public:
  // With scratch that the blocks share.
  static Result<BlockReflection> over(const Reflectors& of, const Place& x, PlanBuilder& plan);
  Result<void> append(const ReflectBlock& block, PlanBuilder& plan) const;
  // All from the last on; with |narrows| |x| is the identity, so that columns before those of a block stay as they are.
  Result<void> append_all_back(bool narrows, PlanBuilder& plan) const;

 private:
  Reflectors of_;
  Place x_;
  Place grams_, factor_, products_, turned_, taken_;
};

// Rows |from| to |to| of |of| out of the columns of |r|, which have them below the diagonal.
Result<void> append_reflector_rows(const Reflectors& of, const Place& r, uint32_t from, uint32_t to, PlanBuilder& plan);
// Room for |count| of |length|, and for what conjugates them.
Result<Reflectors> reflectors_of(Dtype number, uint32_t batch, uint32_t count, uint32_t length, PlanBuilder& plan);

// |to| becomes |from| conjugated; both dense.
Result<void> append_conjugate(const Place& from, const Place& to, PlanBuilder& plan);
// Each matrix of |x| becomes the identity.
Result<void> append_identity(const Place& x, PlanBuilder& plan);

}  // namespace gpu_node::kernels
