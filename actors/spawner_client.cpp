// The broker's side; see spawner_client.hpp. Requests go down: accept, take_frames, send_once.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/spawner_client.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include <sys/prctl.h>
#include <sys/resource.h>

namespace hactor {

namespace {

/// What one sendmsg takes: more than the socket's buffer holds is no use.
constexpr size_t send_size_max = 256u << 10;
constexpr size_t send_pieces_max = 128;

caf::error disconnected() {
  return make_error(ec::disconnected, "the supervisor of this broker has gone");
}

/// The supervisor, whose limit is ours, holds what is in flight beside what it has itself.
size_t window_within_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return std::clamp<rlim_t>(files.rlim_cur / 4, spawn_fds_max, spawn_window_fds);
}

} // namespace

spawner_client::spawner_client(int fd, spawner_listener& listener)
    : socket_(fd), listener_(listener), window_fds_{window_within_limit()} {}

void spawner_client::watch() { ::prctl(PR_SET_PDEATHSIG, 0); }

caf::error spawner_client::enqueue_spawn(spawn_request& request) {
  auto bytes = encode_spawn(request); // outside the lock: it copies the environment
  if (!bytes)
    return bytes.error();
  frame f{std::move(*bytes), std::move(request.fds), request.token, true};
  return accept(std::move(f), leads(request.group));
}

caf::error spawner_client::accept(frame&& f, bool own_group) {
  std::lock_guard guard{mutex_};
  if (lost_)
    return disconnected();
  task t{stage::queued, own_group, static_cast<uint16_t>(f.fds.size()), 0};
  if (!tasks_.emplace(f.token, t).second)
    return make_error(ec::bad_argument,
                      "spawn: token " + std::to_string(f.token) + " is that of a live task");
  waiting_.push_back(std::move(f));
  return caf::none;
}

caf::error spawner_client::spawn(spawn_request request) {
  if (auto problem = enqueue_spawn(request))
    return problem;
  flush();
  return caf::none;
}

std::vector<caf::error> spawner_client::spawn(std::vector<spawn_request> requests) {
  std::vector<caf::error> problems;
  problems.reserve(requests.size());
  for (auto& request : requests)
    problems.push_back(enqueue_spawn(request));
  flush();
  return problems;
}

caf::error spawner_client::signal(uint64_t token, int signo, bool whole_group) {
  if (signo < 1 || signo >= NSIG)
    return make_error(ec::bad_argument, "no signal has number " + std::to_string(signo));
  frame f;
  f.token = token;
  append_frame(f.bytes, spawner_op::signal, token, signal_body{signo, whole_group});
  {
    std::lock_guard guard{mutex_};
    if (lost_)
      return disconnected();
    auto at = tasks_.find(token);
    if (at == tasks_.end())
      return caf::none;
    auto& queue = at->second.at == stage::queued ? waiting_ : urgent_;
    queue.push_back(std::move(f));
  }
  flush();
  return caf::none;
}

caf::error spawner_client::sweep(int64_t grace_ms) {
  frame f;
  append_frame(f.bytes, spawner_op::sweep, 0,
               sweep_body{static_cast<uint64_t>(std::max<int64_t>(grace_ms, 0))});
  return send(std::move(f));
}

caf::error spawner_client::ready() {
  frame f;
  append_frame(f.bytes, spawner_op::ready, 0, ready_body{});
  return send(std::move(f));
}

caf::error spawner_client::send(frame&& f) {
  {
    std::lock_guard guard{mutex_};
    if (lost_)
      return disconnected();
    waiting_.push_back(std::move(f));
  }
  flush();
  return caf::none;
}

/// Moves what may be sent now into `sending_`. Under the lock.
void spawner_client::take_frames() {
  auto room = [&] {
    return sending_.size() < send_pieces_max && sending_size_ - sending_offset_ < send_size_max;
  };
  auto take = [&](std::deque<frame>& queue) {
    sending_size_ += queue.front().bytes.size();
    sending_.push_back(std::move(queue.front()));
    queue.pop_front();
  };
  while (!urgent_.empty() && room())
    take(urgent_);
  while (!waiting_.empty() && room()) {
    auto& next = waiting_.front();
    if (next.is_spawn) {
      if (unanswered_ >= spawn_window || unanswered_fds_ + next.fds.size() > window_fds_)
        return;
      ++unanswered_;
      unanswered_fds_ += next.fds.size();
      tasks_[next.token].at = stage::sent;
    }
    take(waiting_);
  }
}

/// Sends what is in `sending_` with one call. Returns true if there may be more to send. Called and
/// left with the lock held; it is open during the call, when only this thread touches sending_.
bool spawner_client::send_once(std::unique_lock<std::mutex>& lock) {
  take_frames();
  if (sending_.empty())
    return false;
  lock.unlock();
  std::vector<iovec> pieces;
  std::vector<int> fds;
  pieces.reserve(sending_.size());
  auto offset = sending_offset_;
  for (auto& f : sending_) {
    pieces.push_back({f.bytes.data() + offset, f.bytes.size() - offset});
    offset = 0;
    for (const auto& fd : f.fds)
      fds.push_back(fd.get());
  }
  size_t sent = 0;
  auto result = send_frames(socket_.get(), pieces, fds, sent);
  if (sent > 0) // all descriptors went with the first byte; our copies would keep pipes open
    for (auto& f : sending_)
      f.fds.clear();
  lock.lock();
  sending_offset_ += sent;
  while (!sending_.empty() && sending_offset_ >= sending_.front().bytes.size()) {
    sending_offset_ -= sending_.front().bytes.size();
    sending_size_ -= sending_.front().bytes.size();
    sending_.pop_front();
  }
  if (result == transfer::done)
    return true;
  if (result == transfer::blocked)
    blocked_.store(true, std::memory_order_release);
  else // the reader will meet the end of the stream and tell
    lost_ = true;
  return false;
}

void spawner_client::flush() {
  std::unique_lock lock{mutex_};
  if (writing_ || lost_ || blocked_.load(std::memory_order_relaxed))
    return; // the writer at work, or the next on_writable, takes it along
  writing_ = true;
  while (send_once(lock)) {
  }
  writing_ = false;
  auto blocked = blocked_.load(std::memory_order_relaxed);
  lock.unlock();
  if (blocked)
    listener_.write_blocked();
}

void spawner_client::on_writable() {
  {
    std::lock_guard guard{mutex_};
    if (writing_)
      return;
    blocked_.store(false, std::memory_order_release);
  }
  flush();
}

void spawner_client::on_readable() {
  for (;;) {
    auto result = reader_.receive(socket_.get());
    frame_header header;
    std::vector<owned_fd> no_fds;
    while (auto* body = reader_.next(header, no_fds))
      on_reply(header, body);
    if (result == transfer::closed || reader_.broken())
      return lose();
    flush(); // answers make room in the window
    if (result == transfer::blocked)
      return;
  }
}

void spawner_client::on_reply(const frame_header& header, const char* body) {
  swept_body swept;
  switch (header.op) {
  case spawner_op::started:
    return on_started(header, body);
  case spawner_op::failed:
    return on_failed(header, body);
  case spawner_op::exited:
    return on_exited(header, body);
  case spawner_op::swept:
    HACTOR_CHECK(read_body(body, header.size, swept));
    return listener_.swept(swept.left);
  default:
    HACTOR_CHECK(false && "a reply of the spawner"); // both ends are one program
  }
}

void spawner_client::answered(const task& t) {
  --unanswered_;
  unanswered_fds_ -= t.fd_count;
}

void spawner_client::on_started(const frame_header& header, const char* body) {
  started_body started;
  HACTOR_CHECK(read_body(body, header.size, started));
  {
    std::lock_guard guard{mutex_};
    auto& t = tasks_[header.token];
    answered(t);
    t.at = stage::live;
    t.pid = static_cast<pid_t>(started.pid);
  }
  listener_.started(header.token, static_cast<pid_t>(started.pid));
}

void spawner_client::on_failed(const frame_header& header, const char* body) {
  failed_body failed;
  HACTOR_CHECK(read_body(body, header.size, failed));
  {
    std::lock_guard guard{mutex_};
    answered(tasks_[header.token]);
    tasks_.erase(header.token);
  }
  listener_.failed(header.token, failed.step, failed.errno_value);
}

void spawner_client::on_exited(const frame_header& header, const char* body) {
  exited_body exited;
  HACTOR_CHECK(read_body(body, header.size, exited));
  {
    std::lock_guard guard{mutex_};
    tasks_.erase(header.token);
  }
  listener_.exited(header.token, static_cast<int>(exited.wait_status), exited.usage);
}

void spawner_client::lose() {
  {
    std::lock_guard guard{mutex_};
    if (std::exchange(told_lost_, true))
      return;
    lost_ = true;
    blocked_.store(false, std::memory_order_release);
    urgent_.clear();
    waiting_.clear();
  }
  listener_.lost();
}

std::vector<pid_t> spawner_client::live_pids() const {
  std::lock_guard guard{mutex_};
  std::vector<pid_t> pids;
  for (const auto& [token, t] : tasks_)
    if (t.at == stage::live)
      pids.push_back(t.pid);
  return pids;
}

size_t spawner_client::task_count() const {
  std::lock_guard guard{mutex_};
  return tasks_.size();
}

void spawner_client::kill_all() const {
  std::lock_guard guard{mutex_};
  for (const auto& [token, t] : tasks_)
    if (t.at == stage::live)
      ::kill(t.own_group ? -t.pid : t.pid, SIGKILL);
}

} // namespace hactor
