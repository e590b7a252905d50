// See the header.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "actors/pmix_host.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include "actors/launch_plan.hpp"
#include "runtime/here.hpp"
#include "runtime/log.hpp"
#include "runtime/loopback.hpp"

extern char** environ;

namespace hactor {

/// Somebody knocks.
class pmix_host::door final : public poller::handler {
public:
  explicit door(pmix_host& host) : host_{host} {}
  void on_ready(uint32_t) override { host_.start_server(); }

private:
  pmix_host& host_; // outlives the poller's watch: both are there until the broker ends
};

/// Passes what the server says on; what it prints goes to the log.
class pmix_host::server_sink final : public task_sink {
public:
  explicit server_sink(std::shared_ptr<pmix_host> host) : host_{std::move(host)} {}
  void started(pid_t) override {}
  void failed(spawn_step step, int errno_value) override {
    host_->on_server_end(fmt::format("could not be started: {}: {}: {}", host_->options_.program,
                                     to_string(step), std::strerror(errno_value)));
  }
  void output(int, std::string bytes) override {
    while (!bytes.empty() && bytes.back() == '\n')
      bytes.pop_back();
    log_warning("hactor-pmix: {}", bytes);
  }
  void control(std::string bytes) override { host_->on_server_bytes(bytes); }
  void exited(int status, const task_usage&) override {
    host_->on_server_end(WIFSIGNALED(status)
                             ? fmt::format("was ended by signal {}", WTERMSIG(status))
                             : fmt::format("ended with exit code {}", WEXITSTATUS(status)));
  }

private:
  std::shared_ptr<pmix_host> host_;
};

std::shared_ptr<pmix_host> pmix_host::make(poller& p, std::shared_ptr<task_host> tasks,
                                           pmix_options options) {
  return std::shared_ptr<pmix_host>{new pmix_host{p, std::move(tasks), std::move(options)}};
}

caf::expected<uint16_t> pmix_host::open() {
  std::lock_guard guard{mutex_};
  if (door_)
    return port_;
  if (::mkdir(options_.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return make_errno_error(ec::system_failed, "folder " + options_.folder, errno);
  auto listening = listen_on_loopback();
  if (!listening)
    return std::move(listening.error());
  door_.reset(listening->fd);
  port_ = listening->port;
  poller_.post([self = shared_from_this()] { self->watch_door(); });
  return port_;
}

void pmix_host::add(const std::string& space, shell_actor shell) {
  std::lock_guard guard{mutex_};
  shells_[space] = std::move(shell);
}

void pmix_host::remove(const std::string& space, bool known) {
  {
    std::lock_guard guard{mutex_};
    shells_.erase(space);
  }
  if (known)
    send({pmix_kind::forget, space, 0, 0, 0, {}});
}

void pmix_host::send(const pmix_word& word) {
  uint64_t server = 0;
  {
    std::lock_guard guard{mutex_};
    server = server_;
  }
  if (server != 0)
    tasks_->control(server, frame_of(word));
}

void pmix_host::watch_door() {
  (void)poller_.watch(door_.get(), EPOLLIN, std::make_shared<door>(*this));
}

void pmix_host::start_server() {
  poller_.unwatch(door_.get()); // from here on it is the server's
  reader_ = {};
  served_ = false;
  spawn_request r;
  r.argv = {options_.program, options_.folder, options_.host};
  for (auto** e = environ; *e != nullptr; ++e)
    if (std::string_view text = *e; !is_launcher_variable(text.substr(0, text.find('='))))
      r.environment.append(text) += '\0';
  r.pass(pmix_door_fd, owned_fd{::fcntl(door_.get(), F_DUPFD_CLOEXEC, 0)});
  task_pipes pipes;
  pipes.output = pipes.error = pipes.control = true;
  pipes.gated = false;
  auto token =
      tasks_->start(std::move(r), pipes, std::make_shared<server_sink>(shared_from_this()));
  if (!token) {
    on_server_end("could not be started: " + render(token.error()));
    return;
  }
  std::lock_guard guard{mutex_};
  server_ = *token;
}

void pmix_host::on_server_bytes(std::string_view bytes) {
  served_ = true;
  reader_.add(bytes);
  while (auto word = reader_.next()) {
    shell_actor shell;
    {
      std::lock_guard guard{mutex_};
      if (auto it = shells_.find(word->space); it != shells_.end())
        shell = it->second;
    }
    if (shell)
      send_here(shell, std::move(*word));
    else if (word->kind == pmix_kind::lookup)
      send({pmix_kind::job, word->space, word->id, 0, 0, {}});
    else if (word->kind == pmix_kind::connected || word->kind == pmix_kind::finalized)
      send({pmix_kind::answer, word->space, word->id, 0, 0, {}});
  }
  if (reader_.broken()) {
    log_error("hactor-pmix: says what means nothing; it is ended");
    tasks_->signal(server_, SIGKILL);
  }
}

void pmix_host::on_server_end(const std::string& how) {
  log_error("the PMIx server of this broker {}", how);
  if (!served_)
    turn_away(); // or the same knock would start the next, and so on
  std::unordered_map<std::string, shell_actor> shells;
  {
    std::lock_guard guard{mutex_};
    server_ = 0;
    shells = shells_;
  }
  for (auto& [space, shell] : shells)
    send_here(shell, pmix_word{pmix_kind::ended, space, 0, 0, 0, how});
  watch_door();
}

void pmix_host::turn_away() {
  for (int fd; (fd = ::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
    ::close(fd);
}

} // namespace hactor
