// Names for threads, as debuggers, top and /proc show them.
#pragma once

#include <pthread.h>
#if defined(__FreeBSD__) || defined(__OpenBSD__)
#include <pthread_np.h>
#endif

namespace gpu_node {

// Names the calling thread; at most 15 characters.
inline void name_this_thread(const char* name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#elif defined(__linux__) || defined(__NetBSD__)
  pthread_setname_np(pthread_self(), name);
#elif defined(__FreeBSD__) || defined(__OpenBSD__)
  pthread_set_name_np(pthread_self(), name);
#else
  (void)name;
#endif
}

}  // namespace gpu_node
