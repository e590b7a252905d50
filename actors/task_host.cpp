// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/task_host.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/pmi_core.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

namespace hactor {

// -- pipes ----------------------------------------------------------------------------------------

/// The read end of a task's stdout or stderr. Used on the transport thread only.
class task_host::pipe_reader final : public poller::handler,
                                     public std::enable_shared_from_this<pipe_reader> {
public:
  pipe_reader(task_host& host, owned_fd fd, int stream, const task_pipes& how,
              std::shared_ptr<task_sink> sink)
    : host_{host}, fd_{std::move(fd)}, stream_{stream}, how_{how}, sink_{std::move(sink)},
      gate_{how.gated ? host.gate_.get() : sink_->own_gate()} {}

  void watch() {
    if (fd_)
      (void)host_.poller_.watch(fd_.get(), EPOLLIN, shared_from_this());
  }
  void on_ready(uint32_t) override {
    if (!is_stopped())
      read_once();
  }
  void resume() {
    if (!is_stopped())
      watch();
  }
  /// The task has ended: what it wrote is in the pipe; who else holds the pipe is not waited for.
  void drain() {
    while (fd_ && read_once()) {
    }
    close();
  }

private:
  /// While the gate is closed the pipe is not watched: its end would be told without end.
  bool is_stopped() {
    if (gate_ == nullptr || !gate_->closed())
      return false;
    if (fd_) {
      host_.poller_.unwatch(fd_.get());
      host_.stopped_.push_back(shared_from_this());
    }
    return true;
  }
  /// Reads what is there, up to one buffer. False when there was nothing.
  bool read_once() {
    thread_local char buffer[limits::output_chunk_bytes];
    auto n = ::read(fd_.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      return errno == EINTR;
    if (n <= 0) { // a terminal that nobody has open any more is an error (EIO)
      close();
      return false;
    }
    partial_.append(buffer, static_cast<size_t>(n));
    auto whole = partial_.size();
    if (!how_.unbuffered && partial_.size() < limits::output_chunk_bytes) {
      auto newline = partial_.rfind('\n');
      whole = newline == std::string::npos ? 0 : newline + 1;
    }
    pass(whole);
    return true;
  }
  void pass(size_t bytes) {
    if (bytes == 0)
      return;
    auto rest = partial_.substr(bytes);
    partial_.resize(bytes);
    if (gate_ != nullptr)
      gate_->add(static_cast<int64_t>(bytes));
    auto whole = std::exchange(partial_, std::move(rest));
    if (stream_ == pmi_fd)
      sink_->control(std::move(whole));
    else
      sink_->output(stream_, std::move(whole));
  }
  void close() {
    if (!fd_)
      return;
    pass(partial_.size());
    host_.poller_.unwatch(fd_.get());
    fd_.reset();
    std::erase(host_.stopped_, shared_from_this());
  }

  task_host& host_;
  owned_fd fd_;
  int stream_;
  task_pipes how_;
  std::shared_ptr<task_sink> sink_;
  output_gate* gate_; // null: none
  std::string partial_; // a line that has not ended
};

/// The write end of a task's stdin. Used on the transport thread only.
class task_host::pipe_writer final : public poller::handler,
                                     public std::enable_shared_from_this<pipe_writer> {
public:
  pipe_writer(task_host& host, owned_fd fd, bool terminal)
    : host_{host}, fd_{std::move(fd)}, terminal_{terminal} {}

  void write(std::string bytes, std::shared_ptr<void> ticket) {
    if (bytes.empty() && terminal_)
      bytes = "\4\4"; // ends the line that was begun, then the input
    if (bytes.empty())
      ended_ = true;
    else if (fd_)
      queue_.emplace_back(std::move(bytes), std::move(ticket));
    on_ready(0);
  }
  void resize(uint16_t rows, uint16_t columns) {
    winsize size{rows, columns, 0, 0};
    if (fd_ && terminal_)
      (void)::ioctl(fd_.get(), TIOCSWINSZ, &size);
  }
  void on_ready(uint32_t events) override {
    while (fd_ && !queue_.empty()) {
      auto& front = queue_.front().first;
      auto n = ::write(fd_.get(), front.data() + offset_, front.size() - offset_);
      auto full = n < 0 && errno == EAGAIN;
      if (full && (events & (EPOLLERR | EPOLLHUP)) == 0)
        return watch();
      if (full || (n < 0 && errno != EINTR))
        return close(); // the task reads no more
      offset_ += n > 0 ? static_cast<size_t>(n) : 0;
      if (offset_ == front.size()) {
        queue_.pop_front();
        offset_ = 0;
      }
    }
    if (fd_ && ended_)
      close();
    else
      unwatch();
  }
  void close() {
    unwatch();
    fd_.reset();
    queue_.clear();
  }

private:
  void watch() {
    if (!watched_)
      watched_ = static_cast<bool>(host_.poller_.watch(fd_.get(), EPOLLOUT, shared_from_this()));
  }
  /// Nothing waits: that the task reads no more would be told without end.
  void unwatch() {
    if (std::exchange(watched_, false))
      host_.poller_.unwatch(fd_.get());
  }

  task_host& host_;
  owned_fd fd_;
  bool terminal_;
  std::deque<std::pair<std::string, std::shared_ptr<void>>> queue_; // bytes, and their ticket
  size_t offset_ = 0;
  bool ended_ = false;
  bool watched_ = false;
};

/// The spawner's socket.
class task_host::socket_handler final : public poller::handler {
public:
  explicit socket_handler(task_host& host) : host_{host} {}
  void on_ready(uint32_t events) override {
    auto& client = *host_.client_;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
      client.on_readable();
    if (events & EPOLLOUT)
      client.on_writable();
    if ((events & EPOLLOUT) == 0 || client.wants_write())
      return;
    (void)host_.poller_.modify(client.fd(), EPOLLIN);
    // A thread that has found the socket full meanwhile may have asked for it before us.
    if (client.wants_write())
      host_.write_blocked();
  }

private:
  task_host& host_;
};

// -- host -----------------------------------------------------------------------------------------

std::shared_ptr<task_host> task_host::make(poller& p, int fd, std::shared_ptr<output_gate> gate,
                                           std::function<void()> on_lost) {
  auto host = std::shared_ptr<task_host>(new task_host{p, std::move(gate), std::move(on_lost)});
  host->client_ = std::make_unique<spawner_client>(fd, *host);
  // From here on the poller tells us when the supervisor is gone.
  spawner_client::watch();
  (void)p.watch(fd, EPOLLIN, std::make_shared<socket_handler>(*host));
  host->resume_when_open(*host->gate_);
  return host;
}

void task_host::resume_when_open(output_gate& gate) {
  gate.on_open([weak = weak_from_this(), &p = poller_] {
    p.post([weak] {
      if (auto h = weak.lock())
        h->resume_reading();
    });
  });
}

namespace {

/// Makes the pipes of a task and gives it their other ends; ours go to `ours`, by stream.
caf::error make_pipes(spawn_request& request, const task_pipes& pipes, owned_fd (&ours)[3]) {
  for (int stream = 0; stream < 3; ++stream) {
    if (!(stream == 0 ? pipes.input : stream == 1 ? pipes.output : pipes.error))
      continue;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return make_errno_error(ec::system_failed, "pipe for a task", errno);
    owned_fd read_end{ends[0]}, write_end{ends[1]};
    auto& mine = stream == 0 ? write_end : read_end;
    ::fcntl(mine.get(), F_SETFL, O_NONBLOCK);
    ours[stream] = std::move(mine);
    request.pass(stream, stream == 0 ? std::move(read_end) : std::move(write_end));
  }
  return caf::none;
}

/// Makes a terminal and gives the task its end of it as standard input, output and error.
caf::error make_terminal(spawn_request& request, const task_pipes& pipes, owned_fd (&ours)[3]) {
  auto failed = [] { return make_errno_error(ec::system_failed, "terminal for a task", errno); };
  owned_fd keyboard{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  char name[64];
  if (!keyboard || ::grantpt(keyboard.get()) != 0 || ::unlockpt(keyboard.get()) != 0
      || ::ptsname_r(keyboard.get(), name, sizeof name) != 0)
    return failed();
  owned_fd screen{::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)};
  winsize size{pipes.rows, pipes.columns, 0, 0};
  if (!screen || ::ioctl(keyboard.get(), TIOCSWINSZ, &size) != 0
      || ::fcntl(keyboard.get(), F_SETFL, O_RDWR | O_NONBLOCK) != 0)
    return failed();
  for (int stream = 0; stream < 3; ++stream) {
    owned_fd copy{::fcntl(screen.get(), F_DUPFD_CLOEXEC, 3)};
    if (!copy)
      return failed();
    request.pass(stream, std::move(copy));
  }
  request.group = spawn_group::terminal;
  ours[0] = owned_fd{::fcntl(keyboard.get(), F_DUPFD_CLOEXEC, 3)};
  ours[1] = std::move(keyboard);
  return ours[0] ? caf::error{} : failed();
}

} // namespace

caf::expected<uint64_t> task_host::start(spawn_request request, const task_pipes& pipes,
                                         std::shared_ptr<task_sink> sink) {
  auto token = ++last_token_;
  request.token = token;
  task t;
  t.sink = sink;
  if (auto* gate = sink->own_gate())
    resume_when_open(*gate);
  owned_fd ours[3];
  if (auto e = pipes.terminal ? make_terminal(request, pipes, ours)
                              : make_pipes(request, pipes, ours))
    return e;
  if (ours[0])
    t.in = std::make_shared<pipe_writer>(*this, std::move(ours[0]), pipes.terminal);
  if (ours[1])
    t.out = std::make_shared<pipe_reader>(*this, std::move(ours[1]), 1, pipes, sink);
  if (ours[2])
    t.err = std::make_shared<pipe_reader>(*this, std::move(ours[2]), 2, pipes, sink);
  if (pipes.control)
    if (auto err = add_control(t, request, pipes.control_gated, sink))
      return err;
  {
    std::lock_guard guard{mutex_};
    tasks_.emplace(token, std::move(t));
  }
  if (auto err = client_->spawn(std::move(request))) {
    take(token);
    return err;
  }
  return token;
}

caf::error task_host::add_control(task& t, spawn_request& request, bool gated,
                                  std::shared_ptr<task_sink> sink) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return make_errno_error(ec::system_failed, "control socket for a task", errno);
  owned_fd mine{ends[0]};
  request.pass(pmi_fd, owned_fd{ends[1]});
  ::fcntl(mine.get(), F_SETFL, O_NONBLOCK);
  owned_fd again{::fcntl(mine.get(), F_DUPFD_CLOEXEC, 0)}; // the poller wants one for each of us
  if (!again)
    return make_errno_error(ec::system_failed, "control socket for a task", errno);
  task_pipes how;
  how.unbuffered = true;
  how.gated = gated;
  t.control_in = std::make_shared<pipe_reader>(*this, std::move(mine), pmi_fd, how, sink);
  t.control_out = std::make_shared<pipe_writer>(*this, std::move(again), false);
  return caf::none;
}

task_host::task task_host::take(uint64_t token) {
  std::lock_guard guard{mutex_};
  auto it = tasks_.find(token);
  if (it == tasks_.end())
    return {};
  auto t = std::move(it->second);
  tasks_.erase(it);
  return t;
}

/// What the task has written is read first.
void task_host::close_pipes(const task& t) {
  for (auto& r : {t.out, t.err, t.control_in})
    if (r)
      r->drain();
  for (auto& w : {t.in, t.control_out})
    if (w)
      w->close();
}

void task_host::signal(uint64_t token, int signo, bool whole_group) {
  (void)client_->signal(token, signo, whole_group);
}

void task_host::ready() { (void)client_->ready(); }

/// Calls `f` on the transport thread with one of the task's writers, if it has it.
void task_host::with_writer(uint64_t token, std::shared_ptr<pipe_writer> task::*which,
                            std::function<void(pipe_writer&)> f) {
  poller_.post([self = shared_from_this(), token, which, f = std::move(f)] {
    std::shared_ptr<pipe_writer> writer;
    {
      std::lock_guard guard{self->mutex_};
      if (auto it = self->tasks_.find(token); it != self->tasks_.end())
        writer = it->second.*which;
    }
    if (writer)
      f(*writer);
  });
}

void task_host::input(uint64_t token, std::string bytes, std::shared_ptr<void> ticket) {
  with_writer(token, &task::in,
              [bytes = std::move(bytes), ticket = std::move(ticket)](pipe_writer& in) {
                in.write(bytes, ticket);
              });
}

void task_host::resize(uint64_t token, uint16_t rows, uint16_t columns) {
  with_writer(token, &task::in,
              [rows, columns](pipe_writer& in) { in.resize(rows, columns); });
}

void task_host::control(uint64_t token, std::string bytes) {
  with_writer(token, &task::control_out,
              [bytes = std::move(bytes)](pipe_writer& out) { out.write(bytes, {}); });
}

void task_host::abandon(std::vector<uint64_t> tokens, std::function<void()> done) {
  poller_.post([self = shared_from_this(), tokens = std::move(tokens), done = std::move(done)] {
    for (auto token : tokens)
      close_pipes(self->take(token));
    done();
  });
}

void task_host::sweep(int64_t grace_ms, std::function<void()> done) {
  {
    std::lock_guard guard{mutex_};
    swept_ = std::move(done);
  }
  if (client_->sweep(grace_ms))
    swept(0); // the supervisor is gone, and all that it started
}

void task_host::resume_reading() {
  for (auto& r : std::exchange(stopped_, {}))
    r->resume();
}

// -- what the spawner tells -----------------------------------------------------------------------

void task_host::started(uint64_t token, pid_t pid) {
  std::shared_ptr<task_sink> sink;
  std::shared_ptr<pipe_reader> out, err, control;
  {
    std::lock_guard guard{mutex_};
    auto it = tasks_.find(token);
    if (it == tasks_.end())
      return;
    sink = it->second.sink;
    out = it->second.out;
    err = it->second.err;
    control = it->second.control_in;
  }
  for (auto& r : {out, err, control})
    if (r)
      r->watch();
  sink->started(pid);
}

void task_host::failed(uint64_t token, spawn_step step, int errno_value) {
  if (auto t = take(token); t.sink)
    t.sink->failed(step, errno_value);
}

void task_host::exited(uint64_t token, int wait_status, const task_usage& used) {
  auto t = take(token);
  if (!t.sink)
    return;
  close_pipes(t);
  t.sink->exited(wait_status, used);
}

void task_host::swept(uint64_t left) {
  if (left > 0)
    log_error("{} processes of this node would not die", left);
  std::function<void()> done;
  {
    std::lock_guard guard{mutex_};
    done = std::exchange(swept_, nullptr);
  }
  if (done)
    done();
}

void task_host::lost() {
  client_->kill_all();
  on_lost_();
}

void task_host::write_blocked() { (void)poller_.modify(client_->fd(), EPOLLIN | EPOLLOUT); }

} // namespace hactor
