// The GLSL of moves to and from where integers on the device say: which kernel it is, how its parameters lie, its text.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/small_list.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Everything that changes the text. An invocation is an element of the walk; a column is a tensor of indices that says
// how far along one axis of the named side the element lies, held between 0 and the axis's last.
struct MoveKernel {
  enum class Kind : uint8_t {
    kGather,       // to[walk] = from[named]
    kScatter,      // to[named] = from[walk], no two to one place
    kPlaces,       // last[walk] = named
    kClaim,        // last[named] = the greatest number of a row that names it, counted from 1
    kScatterLast,  // kScatter of the rows that last[named] has
  };
  Kind kind = Kind::kGather;
  Dtype element = Dtype::u32;
  SmallList<Dtype, 2> columns;
  uint32_t rank = 2;

  bool moves() const { return kind != Kind::kClaim && kind != Kind::kPlaces; }
  bool names() const { return !moves() || kind == Kind::kScatterLast; }  // places in |last|
  bool writes_last() const { return !moves(); }

  // The parameters, all of 32 bits: the count of invocations; the walk's sizes; for each place its offset and strides;
  // for each column the greatest index, what a step is in the named place, and for kinds that name places in |last|.
  // The places are, where the kind has them: from, the columns, to, and the number of the row.
  uint32_t places() const {
    return static_cast<uint32_t>(columns.size()) + (moves() ? 2 : 0) + (kind == Kind::kScatterLast ? 1 : 0);
  }
  uint32_t place_words() const { return 1 + rank; }
  uint32_t column_words() const { return names() ? 3 : 2; }
  uint32_t first_place() const { return 1 + rank; }
  uint32_t first_column() const { return first_place() + places() * place_words(); }
  uint32_t words() const { return first_column() + static_cast<uint32_t>(columns.size()) * column_words(); }

  std::string key() const;
  // Bindings, where the kind has them: from, the columns, last, to; then the parameters if they are in a buffer.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
