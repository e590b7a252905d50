// Read from the bottom: run_supervisor, then supervisor::run, one turn of which is wait, signals,
// requests, deaths, sweep, replies.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/descendants.hpp"
#include "actors/spawner_child.hpp"
#include "actors/spawner_protocol.hpp"
#include "actors/spawner_sweep.hpp"
#include "runtime/clock.hpp"

namespace hactor {

namespace {

/// Spawns between two looks at signals and replies: 3 ms, so that ends are not told late.
constexpr int spawns_per_turn_max = 8;

/// A `started` waits so long for company: the end of a short task, more starts. Waking the broker
/// for it alone would cost a task of 1 ms several percent of its time; nobody sees 3 ms.
constexpr int64_t started_delay_ms = 3;

/// Starts that are told at once: a quarter of the client's window, which must not run dry.
constexpr int started_batch = static_cast<int>(spawn_window / 4);

/// The shortest slice that Linux takes (100 us); a turn of ours is shorter, but for the spawns.
constexpr uint64_t short_slice_ns = 100'000;
constexpr uint64_t reset_on_fork = 1; // SCHED_FLAG_RESET_ON_FORK of linux/sched.h

/// Bytes of sent replies that are kept before unsent ones behind them are moved to the front.
constexpr size_t reply_backlog_size = 1u << 20;

constexpr long blocks_per_kb = 2; // of getrusage(2): 512 bytes each

constexpr int exit_no_broker = 71; // EX_OSERR of sysexits.h

constexpr int forwarded_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGUSR2};

int64_t now_ms() { return steady_ns() / 1'000'000; }

void say(const char* what, int errno_value) {
  std::fprintf(stderr, "hactor: supervisor: %s: %s\n", what, std::strerror(errno_value));
}

/// What the process was given, to hand it on unchanged to the broker and the tasks.
struct start_state {
  sigset_t mask{};
  rlimit open_files{};
  std::vector<int> ignored_signals;
  std::vector<process_mark> children; ///< Not ours, nor what they have made: spared at the end.
};

class supervisor {
public:
  supervisor(const supervisor_options& options, const start_state& start, owned_fd socket,
             pid_t broker);
  int run();

private:
  struct task {
    uint64_t token;
    bool own_group;
    bool kill_group;
    bool is_ours;     // the instance's own command; else what a job has started
    std::string job;  // whose group it is in; empty: it has one of its own
  };
  struct job_group {
    pid_t leader;
    std::vector<pid_t> tasks;
  };

  bool open();
  int wait_ms() const;
  void on_signals();
  enum class sender : uint8_t { other, own_command, task, gone };
  sender sender_of(pid_t pid);
  bool is_ignored(const signalfd_siginfo& info);
  void hear_guard();
  void on_guard_lost();
  pid_t group_of(const std::string& job);
  void forward(int signo);
  void read_socket();
  void close_socket();
  void serve_requests();
  void serve(const frame_header& header, char* frame);
  void start_task(const frame_header& header, char* frame);
  void signal_task(const frame_header& header, const char* frame);
  void reap();
  void on_exit(pid_t pid, int status, const rusage& usage);
  void on_broker_exit(int status);
  void begin_sweep(int64_t grace_ms);
  void step_sweep();
  bool may_wait() const;
  void flush();
  void watch_socket();

  supervisor_options options_;
  owned_fd socket_;
  owned_fd signals_;
  owned_fd epoll_;
  owned_fd null_;
  pid_t broker_; // 0 once it has been reaped
  process_mark broker_mark_;
  int exit_code_ = 0;
  start_state start_;
  std::optional<child_starter> starter_;
  std::unordered_map<pid_t, task> tasks_;
  std::unordered_map<uint64_t, pid_t> pids_;
  std::unordered_map<std::string, job_group> groups_; // of jobs with nosetpgrp
  frame_reader reader_;
  spawn_view view_;
  std::vector<owned_fd> fds_;
  std::string out_;
  size_t out_sent_ = 0;
  int started_waiting_ = 0;  // number of `started` in out_ ...
  bool only_started_ = true; // ... which holds nothing else
  int64_t started_since_ms_ = 0;
  uint32_t watched_ = 0;
  bool more_requests_ = false;
  bool child_ended_ = true; // a child may have ended before our signalfd was open
  bool reply_swept_ = false;
  bool told_of_ignored_ = false; // that a signal to us was
  bool ready_ = false; // the others would survive the loss of this broker
  spawner_sweep sweep_;
};

supervisor::supervisor(const supervisor_options& options, const start_state& start, owned_fd socket,
                       pid_t broker)
    : options_(options), socket_(std::move(socket)), broker_(broker), broker_mark_(mark_of(broker)),
      start_(start), sweep_(::getpid()) {}

/// Opens what the loop needs. The signals have been blocked since before the broker's fork.
bool supervisor::open() {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signo : forwarded_signals)
    ::sigaddset(&set, signo);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGUSR1);
  signals_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!signals_ || !epoll_ || !null_) {
    say("cannot open its descriptors", errno);
    return false;
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = signals_.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event);
  if (event.data.fd = options_.guard_fd; options_.guard_fd >= 0)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, options_.guard_fd, &event);
  event.events = watched_ = EPOLLIN;
  event.data.fd = socket_.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event);
  const auto& files = start_.open_files;
  starter_.emplace(child_defaults{::getpid(), null_.get(), start_.ignored_signals,
                                  files.rlim_cur != files.rlim_max, files});
  return true;
}

int supervisor::wait_ms() const {
  if (more_requests_ || child_ended_)
    return 0;
  auto at_ms = std::numeric_limits<int64_t>::max();
  if (sweep_.running())
    at_ms = sweep_.next_ms();
  if (may_wait())
    at_ms = std::min(at_ms, started_since_ms_ + started_delay_ms);
  if (at_ms == std::numeric_limits<int64_t>::max())
    return -1;
  return static_cast<int>(std::max<int64_t>(at_ms - now_ms(), 0));
}

void supervisor::on_signals() {
  signalfd_siginfo infos[16];
  for (;;) {
    auto n = ::read(signals_.get(), infos, sizeof infos);
    if (n <= 0)
      return;
    for (size_t i = 0; i < static_cast<size_t>(n) / sizeof infos[0]; ++i) {
      auto signo = static_cast<int>(infos[i].ssi_signo);
      if (signo == SIGCHLD)
        child_ended_ = true;
      else if (options_.guard_fd >= 0 && infos[i].ssi_code == SI_KERNEL)
        continue; // a terminal's, which the guard has got as well and passes on
      else if (signo != SIGUSR1 && is_ignored(infos[i]))
        continue;
      else if (signo != SIGUSR1 || broker_ > 0)
        forward(signo);
    }
  }
}

/// From whom a process comes. What a task has started may be gone by now, and nobody can tell.
supervisor::sender supervisor::sender_of(pid_t pid) {
  auto self = ::getpid();
  for (auto first = true; pid > 1; first = false) {
    auto parent = parent_of(pid);
    if (parent == self) {
      auto at = tasks_.find(pid);
      return at == tasks_.end()   ? sender::other
             : at->second.is_ours ? sender::own_command
                                  : sender::task;
    }
    if (parent < 0)
      return first ? sender::gone : sender::other;
    pid = parent;
  }
  return sender::other;
}

/// A task of a job ends no instance, in which others have jobs too: `kill $PPID` of a script means
/// its shell's parent, whoever that is. The instance's own command may. Who else means the instance
/// signals the guard, which is what the launcher has started.
bool supervisor::is_ignored(const signalfd_siginfo& info) {
  auto from = sender_of(static_cast<pid_t>(info.ssi_pid));
  auto may_be_task =
      from == sender::gone && options_.guard_fd >= 0
      && std::any_of(tasks_.begin(), tasks_.end(), [](const auto& t) { return !t.second.is_ours; });
  if (from != sender::task && !may_be_task)
    return false;
  if (!std::exchange(told_of_ignored_, true))
    std::fprintf(stderr,
                 "hactor: supervisor: %s %u has sent signal %u (%s) to hactor-start: ignored; to "
                 "end a job there is hactor cancel, for the instance hactor shutdown, or a signal "
                 "to process %d\n",
                 from == sender::task ? "a task's process" : "a process that has gone,",
                 info.ssi_pid, info.ssi_signo, ::strsignal(static_cast<int>(info.ssi_signo)),
                 static_cast<int>(options_.guard_fd < 0 ? ::getpid() : ::getppid()));
  return true;
}

/// It passes signals on, or has gone.
void supervisor::hear_guard() {
  unsigned char signals[64];
  auto n = ::recv(options_.guard_fd, signals, sizeof signals, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0)
    return on_guard_lost();
  for (ssize_t i = 0; i < n; ++i)
    if (signals[i] != SIGUSR1 || broker_ > 0)
      forward(signals[i]);
}

/// Whoever killed the guard wants no grace either.
void supervisor::on_guard_lost() {
  ::close(std::exchange(options_.guard_fd, -1)); // leaves the epoll set with it
  options_.term_grace_ms = 0;
  if (broker_ <= 0) { // at the end a launcher may be faster than we are
    begin_sweep(0);
    return;
  }
  std::fprintf(stderr, "hactor: hactor-start was killed, or a rank lost during the start: all here "
                       "is ended\n");
  ::kill(broker_, SIGKILL);
}

void supervisor::forward(int signo) {
  if (broker_ > 0)
    ::kill(broker_, signo);
  else // whoever asks again while we wait for the rest does not want the grace
    begin_sweep(0);
}

void supervisor::read_socket() {
  if (reader_.receive(socket_.get()) == transfer::closed) {
    if (reader_.broken())
      std::fprintf(stderr, "hactor: supervisor: lost descriptors or framing of the broker's "
                           "requests; raise the limit of open files\n");
    close_socket();
  }
}

/// The broker has gone or is about to: nothing more is asked or told.
void supervisor::close_socket() {
  socket_.reset(); // leaves the epoll set with it
  more_requests_ = false;
  out_.clear();
  out_sent_ = 0;
}

void supervisor::serve_requests() {
  more_requests_ = false;
  frame_header header;
  int spawned = 0;
  while (socket_) {
    if (spawned == spawns_per_turn_max) {
      more_requests_ = true;
      return;
    }
    auto* frame = reader_.next(header, fds_);
    if (frame == nullptr) {
      if (reader_.broken())
        read_socket(); // says so and closes
      return;
    }
    serve(header, frame);
    spawned += header.op == spawner_op::spawn;
  }
}

void supervisor::serve(const frame_header& header, char* frame) {
  sweep_body sweep;
  switch (header.op) {
  case spawner_op::spawn:
    return start_task(header, frame);
  case spawner_op::signal:
    return signal_task(header, frame);
  case spawner_op::sweep:
    if (!read_body(frame, header.size, sweep))
      return;
    reply_swept_ = true;
    return begin_sweep(static_cast<int64_t>(sweep.grace_ms));
  case spawner_op::ready:
    ready_ = true;
    if (options_.guard_fd >= 0)
      (void)!::send(options_.guard_fd, "r", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  default:
    std::fprintf(stderr, "hactor: supervisor: unknown request %u\n",
                 static_cast<unsigned>(header.op));
  }
}

/// The instance's own command alone is given descriptors of ours.
bool is_own_command(const spawn_view& view) {
  return std::any_of(view.fd_map.begin(), view.fd_map.end(),
                     [](const fd_mapping& m) { return m.source == fd_source::inherited; });
}

/// Returns the job of a task that is to be in its job's group, else "".
std::string job_of_group(const spawn_view& view) {
  constexpr std::string_view name = "HACTOR_JOB_ID_PATH=";
  if (view.head.group != spawn_group::job)
    return {};
  for (const char* variable : view.envp)
    if (variable != nullptr && std::string_view{variable}.substr(0, name.size()) == name)
      return variable + name.size();
  return {};
}

void supervisor::start_task(const frame_header& header, char* frame) {
  spawn_outcome outcome{-1, spawn_step::request, EINVAL};
  std::string job;
  if (!decode_spawn(frame, header.size, view_)) {
    job = job_of_group(view_);
    outcome = starter_->start(view_, fds_, group_of(job));
  }
  fds_.clear(); // the task has its copies; readers of its pipes now depend on it alone
  if (outcome.pid < 0) {
    append_frame(out_, spawner_op::failed, header.token,
                 failed_body{outcome.errno_value, outcome.step});
    only_started_ = false;
    return;
  }
  auto own_group = leads(view_.head.group);
  if (!job.empty()) {
    auto& group = groups_.try_emplace(job, job_group{outcome.pid, {}}).first->second;
    group.tasks.push_back(outcome.pid);
    if (auto leader = ::getpgid(outcome.pid); leader > 0)
      group.leader = leader; // its own, when the group that it was to be in had gone
  }
  tasks_[outcome.pid] = {header.token, own_group, own_group && view_.head.kill_group != 0,
                         is_own_command(view_), std::move(job)};
  pids_[header.token] = outcome.pid;
  append_frame(out_, spawner_op::started, header.token, started_body{outcome.pid});
  if (started_waiting_++ == 0)
    started_since_ms_ = now_ms();
}

void supervisor::signal_task(const frame_header& header, const char* frame) {
  signal_body body;
  auto at = pids_.find(header.token);
  if (at == pids_.end() || !read_body(frame, header.size, body))
    return; // it has just ended
  auto pid = at->second;
  auto whole = body.whole_group != 0 && tasks_[pid].own_group;
  if (whole)
    ::kill(-pid, body.signo);
  if (!whole || ::getpgid(pid) != pid) // it may have left its group for another
    ::kill(pid, body.signo);
}

/// The group that a task of the job is to be in; 0: a new one. A group's number is its own as long
/// as somebody is in it, which need not be so when its first has ended and others have left it.
pid_t supervisor::group_of(const std::string& job) {
  auto group = groups_.find(job);
  if (group == groups_.end())
    return 0;
  auto& [leader, tasks] = group->second;
  auto is_in = [leader = leader](pid_t pid) { return ::getpgid(pid) == leader; };
  return std::any_of(tasks.begin(), tasks.end(), is_in) ? leader : 0;
}

void supervisor::reap() {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
      return;
    // While the dead leader has not been reaped, no other group can get its number.
    auto at = tasks_.find(info.si_pid);
    if (at != tasks_.end() && at->second.kill_group)
      ::kill(-info.si_pid, SIGKILL);
    on_signals(); // of whom its signals are can be seen as long as it is there
    int status = 0;
    rusage usage{};
    if (::wait4(info.si_pid, &status, WNOHANG, &usage) != info.si_pid)
      return;
    on_exit(info.si_pid, status, usage);
  }
}

void supervisor::on_exit(pid_t pid, int status, const rusage& usage) {
  if (pid == broker_)
    return on_broker_exit(status);
  auto at = tasks_.find(pid);
  if (at == tasks_.end()) { // an orphan that came to us, or a child from before our time
    std::erase_if(start_.children, [pid](const process_mark& m) { return m.pid == pid; });
    return;
  }
  auto us = [](const timeval& t) { return int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
  if (socket_) {
    append_frame(out_, spawner_op::exited, at->second.token,
                 exited_body{status, {usage.ru_maxrss, us(usage.ru_utime), us(usage.ru_stime),
                                      usage.ru_inblock / blocks_per_kb,
                                      usage.ru_oublock / blocks_per_kb}});
    only_started_ = false;
  }
  pids_.erase(at->second.token);
  if (auto group = groups_.find(at->second.job); group != groups_.end())
    if (std::erase(group->second.tasks, pid); group->second.tasks.empty())
      groups_.erase(group);
  tasks_.erase(at);
}

void supervisor::on_broker_exit(int status) {
  if (WIFSIGNALED(status)) {
    exit_code_ = options_.exit_zero_on_kill && ready_ ? 0 : 128 + WTERMSIG(status);
    std::fprintf(stderr, "hactor: the broker (process %d) was ended by signal %d (%s)\n",
                 static_cast<int>(broker_), WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  } else {
    exit_code_ = WEXITSTATUS(status);
  }
  broker_ = 0;
  close_socket();
  begin_sweep(options_.term_grace_ms);
}

void supervisor::begin_sweep(int64_t grace_ms) {
  auto skip = start_.children;
  if (broker_ > 0)
    skip.push_back(broker_mark_);
  sweep_.begin(now_ms(), grace_ms, options_.kill_wait_ms, std::move(skip));
}

void supervisor::step_sweep() {
  if (!sweep_.running())
    return;
  sweep_.step(now_ms(), child_ended_);
  if (sweep_.running())
    return;
  if (sweep_.left() > 0)
    std::fprintf(stderr, "hactor: %llu processes would not die and are left behind\n",
                 static_cast<unsigned long long>(sweep_.left()));
  if (socket_ && std::exchange(reply_swept_, false)) {
    append_frame(out_, spawner_op::swept, 0, swept_body{sweep_.left()});
    only_started_ = false;
  }
}

/// True if what there is to tell need not be told before `started_delay_ms` has passed.
bool supervisor::may_wait() const {
  return started_waiting_ > 0 && started_waiting_ < started_batch && only_started_;
}

void supervisor::flush() {
  if (may_wait() && now_ms() < started_since_ms_ + started_delay_ms)
    return;
  started_waiting_ = 0;
  only_started_ = true;
  while (socket_ && out_sent_ < out_.size()) {
    size_t sent = 0;
    auto result =
        send_frames(socket_.get(), {{out_.data() + out_sent_, out_.size() - out_sent_}}, {}, sent);
    if (result == transfer::blocked)
      break;
    if (result == transfer::closed)
      return close_socket();
    out_sent_ += sent;
  }
  if (out_sent_ == out_.size() || out_sent_ >= reply_backlog_size) {
    out_.erase(0, out_sent_);
    out_sent_ = 0;
  }
  watch_socket();
}

void supervisor::watch_socket() {
  uint32_t wanted = out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT;
  if (!socket_ || wanted == watched_)
    return;
  epoll_event event{};
  event.events = watched_ = wanted;
  event.data.fd = socket_.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket_.get(), &event);
}

int supervisor::run() {
  if (!open()) {
    ::kill(broker_, SIGKILL);
    ::waitpid(broker_, nullptr, 0);
    return exit_no_broker;
  }
  while (broker_ > 0 || sweep_.running()) {
    epoll_event events[3];
    auto n = ::epoll_wait(epoll_.get(), events, 3, wait_ms());
    for (int i = 0; i < n; ++i) {
      if (events[i].data.fd == signals_.get())
        on_signals();
      else if (events[i].data.fd == options_.guard_fd)
        hear_guard();
      else if (socket_ && !more_requests_ && (events[i].events & ~uint32_t{EPOLLOUT}) != 0)
        read_socket();
    }
    serve_requests();
    if (child_ended_)
      reap();
    step_sweep();
    child_ended_ = false;
    flush();
  }
  return exit_code_;
}

/// Makes sure that 0, 1 and 2 are there, or a socket of ours would become one of them.
void open_standard_descriptors() {
  for (int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC); fd >= 0;) {
    if (fd > 2) {
      ::close(fd);
      break;
    }
    ::fcntl(fd, F_SETFD, 0);
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  }
}

/// Descriptors from the launcher stay open here (hydra watches its PMI socket) but must not reach
/// the tasks.
void guard_descriptors() {
#if defined(SYS_close_range)
  constexpr unsigned close_range_cloexec = 4;
  if (::syscall(SYS_close_range, 3u, ~0u, close_range_cloexec) == 0)
    return;
#endif
  auto* dir = ::opendir("/proc/self/fd"); // Linux before 5.11
  if (dir == nullptr)
    return;
  while (auto* entry = ::readdir(dir)) {
    auto fd = std::atoi(entry->d_name);
    if (fd > 2)
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ::closedir(dir);
}

/// Asks for short time slices: on a node whose cores are all busy with tasks, we then run when we
/// wake and not 3 ms later. Needs no privilege; Linux before 6.12 ignores it. Children do not
/// inherit it, at the price that they would not inherit a negative niceness either, so not then.
void ask_for_short_slices() {
  struct { // struct sched_attr in its first version, which glibc 2.36 does not declare
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
  } attr{};
  if (::syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) != 0 || attr.policy != SCHED_OTHER
      || attr.nice < 0)
    return;
  attr.size = sizeof attr;
  attr.flags = reset_on_fork;
  attr.runtime_ns = short_slice_ns;
  ::syscall(SYS_sched_setattr, 0, &attr, 0);
}

/// Takes over the signals and limits of the process; returns what they were.
start_state take_over() {
  start_state start;
  for (int signo = 1; signo < NSIG; ++signo) {
    struct sigaction action {};
    if (::sigaction(signo, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      start.ignored_signals.push_back(signo);
  }
  sigset_t set;
  ::sigemptyset(&set);
  for (int signo : forwarded_signals)
    ::sigaddset(&set, signo);
  ::sigaddset(&set, SIGCHLD);
  ::sigaddset(&set, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &set, &start.mask);
  ::signal(SIGCHLD, SIG_DFL); // where it is ignored, the kernel reaps for us and keeps no status
  ::getrlimit(RLIMIT_NOFILE, &start.open_files);
  auto raised = start.open_files;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    start.children = marked_descendants_of(::getpid());
  return start;
}

/// What the broker's process does before its own main.
[[noreturn]] void become_broker(const start_state& start, pid_t supervisor_pid, int fd,
                                const std::function<int(int)>& broker_main) {
  ::setpgid(0, 0);
  // Outside the terminal's foreground group, writing a message must not stop us.
  ::signal(SIGTTOU, SIG_IGN);
  ::signal(SIGTTIN, SIG_IGN);
  ::signal(SIGUSR1, SIG_IGN); // until the broker waits for it: hydra may be early
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor_pid)
    ::_exit(exit_no_broker);
  ::sigprocmask(SIG_SETMASK, &start.mask, nullptr);
  auto code = broker_main(fd);
  std::fflush(nullptr);
  ::_exit(code);
}

} // namespace

int run_supervisor(const supervisor_options& options,
                   const std::function<int(int spawner_fd)>& broker_main) {
  int ends[2];
  auto start = take_over();
  open_standard_descriptors();
  std::fflush(nullptr); // or both processes would write what is buffered
  auto self = ::getpid();
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    say("cannot make a socketpair", errno);
    return exit_no_broker;
  }
  owned_fd ours{ends[0]};
  owned_fd theirs{ends[1]};
  auto broker = ::fork();
  if (broker < 0) {
    say("cannot fork the broker", errno);
    return exit_no_broker;
  }
  if (broker == 0) {
    ours.reset();
    become_broker(start, self, theirs.release(), broker_main);
  }
  theirs.reset();
  guard_descriptors();
  ask_for_short_slices();
  return supervisor{options, start, std::move(ours), broker}.run();
}

} // namespace hactor
