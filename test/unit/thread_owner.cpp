// What belongs to a thread ends the process when another one uses it. In a child, which dies; debug builds only.
#include "base/thread_owner.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>

using gpu_node::ThreadOwner;

#ifndef NDEBUG

namespace {

struct Ended {
  int status = 0;
  std::string said;
};

// Uses |owner| in a child process, whose one thread is a copy of this one.
Ended use_in_child(const ThreadOwner& owner) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  std::fflush(nullptr);  // else the child may write again what waits here
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(pipe[1], STDERR_FILENO);
    owner.check("the thing");
    ::_exit(0);
  }
  ::close(pipe[1]);
  Ended ended;
  std::array<char, 512> buffer{};
  for (ssize_t n = 0; (n = ::read(pipe[0], buffer.data(), buffer.size())) > 0;)
    ended.said.append(buffer.data(), static_cast<size_t>(n));
  ::close(pipe[0]);
  REQUIRE(::waitpid(child, &ended.status, 0) == child);
  return ended;
}

void use_in_thread(const ThreadOwner& owner) {
  std::thread([&owner] { owner.check("the thing"); }).join();
}

}  // namespace

TEST_CASE("thread owner: another thread's use ends the process and says what was used") {
  ThreadOwner owner;
  use_in_thread(owner);
  const Ended ended = use_in_child(owner);
  REQUIRE(WIFSIGNALED(ended.status));
  CHECK(WTERMSIG(ended.status) == SIGABRT);
  CHECK(ended.said.find("wrong_thread used=\"the thing\"") != std::string::npos);
}

TEST_CASE("thread owner: the owner's own use, and one after it was handed on, are fine") {
  ThreadOwner owner;
  owner.check("the thing");
  CHECK(use_in_child(owner).status == 0);
  owner.hand_on();
  use_in_thread(owner);
  owner.hand_on();
  CHECK(use_in_child(owner).status == 0);
}

TEST_CASE("thread owner: a copy is nobody's, an assignment changes no owner") {
  ThreadOwner owner;
  use_in_thread(owner);
  const ThreadOwner copy(owner);
  CHECK(use_in_child(copy).status == 0);
  owner = ThreadOwner();
  CHECK(WIFSIGNALED(use_in_child(owner).status));
}

#endif
