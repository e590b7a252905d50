// From a request to a running program; see spawner_child.hpp. What runs between vfork and execve
// is run_child and what it calls: system calls only.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner_child.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hactor {

namespace {

/// CPU numbers above this are a caller's mistake; Linux is built for 8192 at most.
constexpr int32_t cpu_number_max = 65535;

/// POSIX's search path where PATH is unset (confstr(_CS_PATH) of glibc).
constexpr std::string_view default_path = "/bin:/usr/bin";

/// True for errors after which the next directory of PATH is tried.
bool try_next_path(int error) {
  switch (error) {
  case ENOENT:
  case ENOTDIR:
  case EACCES:
  case ELOOP:
  case ENAMETOOLONG:
  case ESTALE:
  case ENODEV:
  case ETIMEDOUT:
    return true;
  default:
    return false;
  }
}

std::string_view path_of(const std::vector<char*>& envp) {
  for (const char* entry : envp)
    if (entry != nullptr && std::strncmp(entry, "PATH=", 5) == 0)
      return entry + 5;
  return default_path;
}

/// A child that asked to be traced has stopped in execve: lets go of it, and it stays stopped. One
/// that was killed meanwhile is left to be reaped as all are.
void leave_stopped(pid_t pid) {
  siginfo_t info{};
  for (;;) {
    auto found = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WSTOPPED | WNOWAIT);
    if (found < 0 && errno == EINTR)
      continue;
    if (found < 0 || info.si_code != CLD_TRAPPED)
      return;
    // Another signal may come first; it is passed on, and execve goes on.
    auto of_exec = info.si_status == SIGTRAP;
    ::ptrace(of_exec ? PTRACE_DETACH : PTRACE_CONT, pid, nullptr,
             of_exec ? SIGSTOP : info.si_status);
    if (of_exec)
      return;
  }
}

} // namespace

bool child_starter::prepare_fds(const spawn_view& view, const std::vector<owned_fd>& fds) {
  moves_.clear();
  highest_target_ = 2;
  bool mapped[3] = {};
  for (const auto& m : view.fd_map) {
    int source = m.value;
    if (m.source == fd_source::null)
      source = defaults_.null_fd;
    if (m.source == fd_source::passed) {
      if (m.value < 0 || static_cast<size_t>(m.value) >= fds.size())
        return false;
      source = fds[static_cast<size_t>(m.value)].get();
    }
    moves_.push_back({source, m.child_fd});
    highest_target_ = std::max(highest_target_, m.child_fd);
    if (m.child_fd >= 0 && m.child_fd < 3)
      mapped[m.child_fd] = true;
  }
  for (int fd = 0; fd < 3; ++fd)
    if (!mapped[fd])
      moves_.push_back({defaults_.null_fd, fd});
  return true;
}

void child_starter::prepare_paths(const spawn_view& view) {
  path_text_.clear();
  path_offsets_.clear();
  std::string_view command = view.argv[0];
  auto add = [&](std::string_view directory) {
    path_offsets_.push_back(path_text_.size());
    if (!directory.empty())
      path_text_.append(directory).push_back('/');
    path_text_.append(command).push_back('\0');
  };
  if (command.find('/') != command.npos) {
    add("");
  } else if (!command.empty()) {
    auto path = path_of(view.envp);
    for (;;) { // an empty entry is the working directory
      auto colon = path.find(':');
      add(path.substr(0, colon));
      if (colon == path.npos)
        break;
      path.remove_prefix(colon + 1);
    }
  }
  static char shell_name[] = "sh";
  shell_argv_.assign({shell_name, nullptr});
  shell_argv_.insert(shell_argv_.end(), view.argv.begin() + 1, view.argv.end());
}

bool child_starter::prepare_cpus(const spawn_view& view) {
  cpu_mask_.clear();
  constexpr size_t bits = sizeof(unsigned long) * CHAR_BIT;
  for (auto cpu : view.cpus) {
    if (cpu < 0 || cpu > cpu_number_max)
      return false;
    auto word = static_cast<size_t>(cpu) / bits;
    if (cpu_mask_.size() <= word)
      cpu_mask_.resize(word + 1);
    cpu_mask_[word] |= 1ul << (static_cast<size_t>(cpu) % bits);
  }
  return true;
}

void child_starter::prepare_oom(const spawn_view& view) {
  oom_text_ = view.head.oom_adjust == 0 ? std::string{} : std::to_string(view.head.oom_adjust);
}

void child_starter::give_up(spawn_step step, int errno_value) {
  failed_step_ = step;
  failed_errno_ = errno_value;
  ::_exit(127);
}

void child_starter::place_fds() {
  // A source that another move may overwrite goes out of the way first.
  for (auto& m : moves_) {
    if (m.source > highest_target_ || m.source == m.target)
      continue;
    m.source = ::fcntl(m.source, F_DUPFD_CLOEXEC, highest_target_ + 1);
    if (m.source < 0)
      give_up(spawn_step::fd, errno);
  }
  for (const auto& m : moves_) {
    auto result = m.source == m.target ? ::fcntl(m.source, F_SETFD, 0) : ::dup2(m.source, m.target);
    if (result < 0)
      give_up(spawn_step::fd, errno);
  }
}

void child_starter::adjust_oom() {
  auto fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, oom_text_.data(), oom_text_.size()) < 0)
    give_up(spawn_step::oom, errno);
  ::close(fd);
}

bool child_starter::enter_group(spawn_group group) {
  switch (group) {
  case spawn_group::supervisor:
    return true;
  case spawn_group::session:
  case spawn_group::terminal:
    return ::setsid() >= 0;
  case spawn_group::job: // it is gone if all in it have left it: then there is a new one
    return (group_ > 0 && ::setpgid(0, group_) == 0) || ::setpgid(0, 0) == 0;
  default:
    return ::setpgid(0, 0) == 0;
  }
}

void child_starter::become_task(const spawn_view& view) {
  if (!enter_group(view.head.group))
    give_up(spawn_step::group, errno);
  // The signal comes when the supervisor ends; if it had ended before this call, nobody is told.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    give_up(spawn_step::fork, errno);
  if (::getppid() != defaults_.supervisor)
    ::_exit(127);
  for (int signo : defaults_.ignored_signals)
    ::signal(signo, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Descriptors first: once the limit is back at its old value, high numbers cannot be made.
  place_fds();
  if (!oom_text_.empty())
    adjust_oom();
  if (view.head.group == spawn_group::terminal && ::ioctl(0, TIOCSCTTY, 0) != 0)
    give_up(spawn_step::group, errno);
  if (defaults_.restore_open_files)
    ::setrlimit(RLIMIT_NOFILE, &defaults_.open_files);
  for (const auto& limit : view.limits) {
    // Nobody can raise what is hard: a soft limit that was asked for is cut to it.
    rlimit value{};
    auto which = static_cast<__rlimit_resource>(limit.resource);
    if (::getrlimit(which, &value) != 0)
      give_up(spawn_step::limit, errno);
    value.rlim_cur = std::min<rlim_t>(limit.soft, value.rlim_max);
    value.rlim_max = std::min<rlim_t>(limit.hard, value.rlim_max);
    if (::setrlimit(which, &value) != 0)
      give_up(spawn_step::limit, errno);
  }
  // The raw call takes any size; glibc's wants a cpu_set_t.
  if (!cpu_mask_.empty()
      && ::syscall(SYS_sched_setaffinity, 0, cpu_mask_.size() * sizeof(unsigned long),
                   cpu_mask_.data())
             < 0)
    give_up(spawn_step::cpus, errno);
  if (*view.cwd != '\0' && ::chdir(view.cwd) != 0)
    give_up(spawn_step::cwd, errno);
  // Last: from here on a signal stops this process until its tracer lets it go on.
  if (view.head.stop_in_exec != 0 && ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
    give_up(spawn_step::stop, errno);
}

void child_starter::execute(const spawn_view& view) {
  int error = ENOENT;
  bool denied = false;
  for (auto offset : path_offsets_) {
    auto* path = path_text_.data() + offset;
    // Asking first is cheap; a failing execve has copied all arguments by then.
    if (path_offsets_.size() > 1 && ::access(path, X_OK) != 0) {
      error = errno;
    } else {
      ::execve(path, view.argv.data(), view.envp.data());
      error = errno;
      if (error == ENOEXEC) { // a script without "#!" is the shell's, as for execvp
        shell_argv_[1] = path;
        ::execve("/bin/sh", shell_argv_.data(), view.envp.data());
        error = errno;
      }
    }
    denied = denied || error == EACCES;
    if (!try_next_path(error))
      give_up(spawn_step::command, error);
  }
  give_up(spawn_step::command, denied ? EACCES : error);
}

void child_starter::run_child(const spawn_view& view) {
  become_task(view);
  execute(view);
  ::_exit(127);
}

__attribute__((noinline)) pid_t child_starter::fork_child(const spawn_view& view) {
  auto pid = ::vfork();
  if (pid == 0)
    run_child(view);
  return pid;
}

spawn_outcome child_starter::start(spawn_view& view, const std::vector<owned_fd>& fds,
                                   pid_t group) {
  group_ = group;
  if (!prepare_fds(view, fds))
    return {-1, spawn_step::request, EBADF};
  if (!prepare_cpus(view))
    return {-1, spawn_step::cpus, EINVAL};
  prepare_paths(view);
  prepare_oom(view);
  failed_errno_ = 0;
  auto pid = fork_child(view);
  if (pid < 0)
    return {-1, spawn_step::fork, errno};
  if (failed_errno_ == 0) {
    if (view.head.stop_in_exec != 0)
      leave_stopped(pid);
    return {pid, spawn_step::fork, 0};
  }
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {-1, failed_step_, failed_errno_};
}

} // namespace hactor
