// Locks that clang checks: what a mutex guards says so, and -Wthread-safety makes touching it without the lock an
// error.
//
// Under other compilers the annotations are nothing and these are the locks of the standard library. A condition's
// predicate is a lambda that REQUIRES the mutex, for the analysis does not look out of a lambda.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <utility>

#ifdef __clang__
#define GPU_NODE_THREAD_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define GPU_NODE_THREAD_ATTRIBUTE(...)
#endif

// Of data: read and written only with the mutex held (a SharedMutex: read with either hold).
#define GPU_NODE_GUARDED_BY(mutex) GPU_NODE_THREAD_ATTRIBUTE(guarded_by(mutex))
// Of functions: the caller holds the mutex, or must not.
#define GPU_NODE_REQUIRES(...) GPU_NODE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define GPU_NODE_REQUIRES_SHARED(...) GPU_NODE_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define GPU_NODE_EXCLUDES(...) GPU_NODE_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
// Of locks: what they do to the mutex.
#define GPU_NODE_CAPABILITY(name) GPU_NODE_THREAD_ATTRIBUTE(capability(name))
#define GPU_NODE_SCOPED_CAPABILITY GPU_NODE_THREAD_ATTRIBUTE(scoped_lockable)
#define GPU_NODE_ACQUIRE(...) GPU_NODE_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define GPU_NODE_ACQUIRE_SHARED(...) GPU_NODE_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define GPU_NODE_RELEASE(...) GPU_NODE_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define GPU_NODE_RETURN_CAPABILITY(mutex) GPU_NODE_THREAD_ATTRIBUTE(lock_returned(mutex))
#define GPU_NODE_UNCHECKED GPU_NODE_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace gpu_node {

class GPU_NODE_CAPABILITY("mutex") Mutex {
 public:
  void lock() GPU_NODE_ACQUIRE() { mutex_.lock(); }
  void unlock() GPU_NODE_RELEASE() { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

// Holds a mutex for its scope, with pauses where unlock() and lock() make them.
class GPU_NODE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) GPU_NODE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() GPU_NODE_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() GPU_NODE_RELEASE() {
    mutex_.unlock();
    held_ = false;
  }
  void lock() GPU_NODE_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// Many readers or one writer.
class GPU_NODE_CAPABILITY("shared mutex") SharedMutex {
 public:
  void lock() GPU_NODE_ACQUIRE() { mutex_.lock(); }
  void unlock() GPU_NODE_RELEASE() { mutex_.unlock(); }
  void lock_shared() GPU_NODE_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() GPU_NODE_THREAD_ATTRIBUTE(release_shared_capability()) { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class GPU_NODE_SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) GPU_NODE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() GPU_NODE_RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class GPU_NODE_SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) GPU_NODE_ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.lock_shared(); }
  ~ReaderLock() GPU_NODE_RELEASE() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// What threads wait for. The mutex is held before and after each wait; |ready| is asked with it held.
class Condition {
 public:
  void notify_one() { waiting_.notify_one(); }
  void notify_all() { waiting_.notify_all(); }

  template <typename Ready>
  void wait(Mutex& mutex, Ready ready) GPU_NODE_REQUIRES(mutex) GPU_NODE_UNCHECKED {
    Borrowed lock(mutex);
    waiting_.wait(lock.lock, std::move(ready));
  }
  // False when |until| came and it was not ready.
  template <typename Time, typename Ready>
  bool wait_until(Mutex& mutex, const Time& until, Ready ready) GPU_NODE_REQUIRES(mutex) GPU_NODE_UNCHECKED {
    Borrowed lock(mutex);
    return waiting_.wait_until(lock.lock, until, std::move(ready));
  }
  template <typename Duration, typename Ready>
  bool wait_for(Mutex& mutex, const Duration& time, Ready ready) GPU_NODE_REQUIRES(mutex) GPU_NODE_UNCHECKED {
    Borrowed lock(mutex);
    return waiting_.wait_for(lock.lock, time, std::move(ready));
  }

 private:
  // The held mutex as the standard library wants to see it; held on when that is done with it.
  struct Borrowed {
    explicit Borrowed(Mutex& mutex) : lock(mutex.mutex_, std::adopt_lock) {}
    ~Borrowed() { (void)lock.release(); }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    std::unique_lock<std::mutex> lock;
  };

  std::condition_variable waiting_;
};

}  // namespace gpu_node
