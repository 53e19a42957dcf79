#include "base/heap.h"

#include <cstdlib>  // says which C library it is

#ifdef __GLIBC__
#include <malloc.h>
#endif

// Of mimalloc, where it is linked.
extern "C" {
__attribute__((weak)) void mi_collect(bool force);
__attribute__((weak)) int mi_version();
__attribute__((weak)) void mi_option_set_default(int option, long value);
}

namespace gpu_node {
namespace {

// The version whose option `reclaim_on_free` (its number there) is on by default; later ones have it off.
constexpr int kVersionThatReclaims = 301;
constexpr int kReclaimOnFree = 35;

}  // namespace

void prepare_heap() {
  if (mi_version == nullptr || mi_version() != kVersionThatReclaims) return;
  mi_option_set_default(kReclaimOnFree, 0);
}

void return_free_heap() {
  if (mi_collect != nullptr) return mi_collect(true);
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace gpu_node
