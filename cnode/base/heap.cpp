#include "base/heap.h"

#include <cstdlib>  // says which C library it is

#ifdef __GLIBC__
#include <malloc.h>
#endif

// Of mimalloc, where it is linked.
extern "C" __attribute__((weak)) void mi_collect(bool force);

namespace gpu_node {

void return_free_heap() {
  if (mi_collect != nullptr) return mi_collect(true);
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace gpu_node
