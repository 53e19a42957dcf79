// What ops of matrices take beside their operands: see attributes.h.
#pragma once

#include <cstdint>

namespace gpu_node::ir {

enum class TransformA : uint8_t { kNone, kTranspose, kConjugate };
enum class QrMode : uint8_t { kReduced, kComplete };

struct TriangularSolveAttributes {
  bool lower = true, left_side = true;
  TransformA transform_a = TransformA::kNone;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("lower", self.lower);
    visit("left_side", self.left_side);
    visit("transform_a", self.transform_a);
  }
};

struct QrAttributes {
  QrMode mode = QrMode::kReduced;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("mode", self.mode);
  }
};

struct SvdAttributes {
  bool full_matrices = true;

  template <typename Self, typename Visit>
  static void visit(Self& self, Visit&& visit) {
    visit("full_matrices?", self.full_matrices);
  }
};

}  // namespace gpu_node::ir
