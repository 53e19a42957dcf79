#include "command/signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace gpu_node {
namespace {

int g_pipe[2] = {-1, -1};

void on_terminate(int) {
  const int saved = errno;
  const char byte = 1;
  (void)!::write(g_pipe[1], &byte, 1);
  errno = saved;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

void install_signal_handlers() {
  if (::pipe(g_pipe) != 0) return;
  for (const int fd : g_pipe) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  handle(SIGTERM, on_terminate);
  handle(SIGINT, on_terminate);
  handle(SIGHUP, SIG_IGN);
  handle(SIGPIPE, SIG_IGN);
}

bool wait_for_event(bool watch_input, int timeout_ms, Event* event) {
  for (;;) {
    pollfd fds[2] = {{g_pipe[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    const int ready = ::poll(fds, watch_input ? 2 : 1, timeout_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char block[512];
    if (fds[0].revents != 0 && ::read(g_pipe[0], block, 1) == 1) {
      *event = Event::kTerminate;
      return true;
    }
    if (watch_input && fds[1].revents != 0) {
      const ssize_t n = ::read(STDIN_FILENO, block, sizeof block);
      if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        *event = Event::kInputClosed;
        return true;
      }
    }
  }
}

}  // namespace gpu_node
