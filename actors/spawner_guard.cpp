// Read from the bottom: run_guarded, which waits for its child and then sweeps.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner_guard.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/descendants.hpp"
#include "actors/owned_fd.hpp"
#include "actors/spawner_sweep.hpp"
#include "runtime/clock.hpp"

namespace hactor {

namespace {

constexpr int exit_no_supervisor = 71; // EX_OSERR of sysexits.h

int64_t now_ms() { return steady_ns() / 1'000'000; }

guarded_end fail(const char* what) {
  std::fprintf(stderr, "hactor: guard: %s: %s\n", what, std::strerror(errno));
  return {exit_no_supervisor, false};
}

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (auto signo : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD})
    ::sigaddset(&set, signo);
  return set;
}

[[noreturn]] void become_supervisor(const sigset_t& mask, int guard_fd,
                                    const std::function<int(int)>& supervise) {
  if (::isatty(0) == 0)
    ::setpgid(0, 0);
  // Nobody may read what we say any more, or a terminal may stop who is not in its foreground.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGTTOU, SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  auto code = supervise(guard_fd);
  std::fflush(nullptr);
  ::_exit(code);
}

bool is_ready(int supervisor_fd) {
  char told = 0;
  return ::recv(supervisor_fd, &told, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/// Passes signals on until the child has ended; returns its wait status. They go as bytes over the
/// socket: of two signals of a number that are pending the kernel keeps one, and the other may be a
/// task's, that counts for nothing. A SIGUSR1 of `notifier`
/// tells that another rank was lost: the broker hears of that anyway, but not before it is ready,
/// when it may wait for that rank for ever.
int wait_for(pid_t child, const sigset_t& watched, pid_t notifier, int supervisor_fd) {
  for (;;) {
    siginfo_t info{};
    if (::sigwaitinfo(&watched, &info) < 0)
      continue;
    int status = 0;
    if (info.si_signo == SIGUSR1 && info.si_pid == notifier) {
      if (!is_ready(supervisor_fd))
        ::shutdown(supervisor_fd, SHUT_WR); // as if we had gone: it ends all and cleans up
    } else if (info.si_signo != SIGCHLD) {
      auto signo = static_cast<unsigned char>(info.si_signo);
      (void)!::send(supervisor_fd, &signo, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else if (::waitpid(child, &status, WNOHANG) == child) {
      return status;
    }
  }
}

/// Ends what a killed supervisor has left to us. Costs one system call when there is nothing.
void sweep_orphans(std::vector<process_mark> older, int64_t kill_wait_ms) {
  spawner_sweep sweep{::getpid()};
  sweep.begin(now_ms(), 0, kill_wait_ms, std::move(older));
  sigset_t child_ended;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    sweep.step(now_ms(), true);
    if (!sweep.running())
      break;
    auto ms = std::max<int64_t>(sweep.next_ms() - now_ms(), 0);
    timespec wait{ms / 1000, ms % 1000 * 1'000'000};
    ::sigtimedwait(&child_ended, nullptr, &wait);
  }
  if (sweep.left() > 0)
    std::fprintf(stderr, "hactor: %llu processes would not die and are left behind\n",
                 static_cast<unsigned long long>(sweep.left()));
}

} // namespace

guarded_end run_guarded(const guard_options& options,
                        const std::function<int(int guard_fd)>& supervise) {
  auto older = marked_descendants_of(::getpid());
  auto launcher = ::getppid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGCHLD, SIG_DFL); // where it is ignored, the kernel reaps for us and keeps no status
  auto watched = watched_signals();
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, &watched, &mask);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail("cannot make a socketpair");
  owned_fd theirs{ends[0]};
  owned_fd ours{ends[1]};
  std::fflush(nullptr); // or both processes would write what is buffered
  auto child = ::fork();
  if (child < 0)
    return fail("cannot fork the supervisor");
  if (child == 0) {
    ours.reset();
    become_supervisor(mask, theirs.release(), supervise);
  }
  theirs.reset();
  auto status = wait_for(child, watched, options.exit_zero_on_kill ? launcher : -1,
                         ours.get());
  sweep_orphans(std::move(older), options.kill_wait_ms);
  auto ready = is_ready(ours.get());
  if (!WIFSIGNALED(status))
    return {WEXITSTATUS(status), !ready && WEXITSTATUS(status) > 128};
  std::fprintf(stderr, "hactor: the supervisor (process %d) was ended by signal %d (%s)\n",
               static_cast<int>(child), WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return {options.exit_zero_on_kill && ready ? 0 : 128 + WTERMSIG(status), !ready};
}

} // namespace hactor
