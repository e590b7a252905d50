// The tasks of one rank on the transport thread: starts them through the spawner, reads their
// pipes, feeds their standard input, tells their ends. A task's output is told before its end,
// whole lines at a time unless asked otherwise. All public functions may be called from any thread;
// a sink is called on the transport thread.
// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/output_gate.hpp"
#include "actors/spawner_client.hpp"
#include "runtime/poller.hpp"

namespace hactor {

/// Who hears of one task.
struct task_sink {
  virtual ~task_sink() = default;
  virtual void started(pid_t pid) = 0;
  virtual void failed(spawn_step step, int errno_value) = 0;
  virtual void output(int stream, std::string bytes) = 0; // 1 stdout, 2 stderr
  virtual void control(std::string) {} // what it wrote to its process manager
  virtual void exited(int wait_status, const task_usage& used) = 0;
  /// What counts its output in the place of the broker's gate, of pipes that are not `gated`; lives
  /// as long as the sink. Null: its output is bounded otherwise.
  virtual output_gate* own_gate() { return nullptr; }
};

/// What of a task's standard streams goes through us.
struct task_pipes {
  bool input = false;
  bool output = false;
  bool error = false;
  bool unbuffered = false; // pass bytes on as they come
  bool gated = true;       // counts for the output gate (the sink's bytes go to the spool)
  bool terminal = false;   // all three streams are one terminal, which the task controls
  uint16_t rows = 24;
  uint16_t columns = 80;
  bool control = false;    // a socket to its process manager, as descriptor pmi_fd
  bool control_gated = false; // what comes by it counts for the output gate, too
};

class task_host final : public spawner_listener, public std::enable_shared_from_this<task_host> {
public:
  /// `fd` is the spawner's socket. `on_lost`: the supervisor has died, the broker must leave.
  static std::shared_ptr<task_host> make(poller& p, int fd, std::shared_ptr<output_gate> gate,
                                         std::function<void()> on_lost);

  /// Starts a task; returns its token. The request's token and the piped descriptors are filled in
  /// here. Errors: as spawner_client::spawn, ec::system_failed (no descriptors left).
  caf::expected<uint64_t> start(spawn_request request, const task_pipes& pipes,
                                std::shared_ptr<task_sink> sink);

  /// Sends a signal to the task's process group, or to its process alone.
  void signal(uint64_t token, int signo, bool whole_group = true);

  /// Bytes for a task's standard input; an empty text ends it. Dropped when it has no input pipe.
  /// `ticket` is let go when the task's pipe has taken the bytes, or nobody will.
  void input(uint64_t token, std::string bytes, std::shared_ptr<void> ticket = {});

  /// Sets the size of the task's terminal, if it has one.
  void resize(uint64_t token, uint16_t rows, uint16_t columns);

  /// Bytes for a task that has a control socket.
  void control(uint64_t token, std::string bytes);

  /// Nobody waits for these tasks any more, though they have not ended: what they have written is
  /// told, then their pipes are closed. After `done`, which is called on the transport thread,
  /// their sinks hear nothing; the supervisor still knows them.
  void abandon(std::vector<uint64_t> tokens, std::function<void()> done);

  /// Kills what the supervisor started on this node, but the broker; see spawner_client::sweep.
  void sweep(int64_t grace_ms, std::function<void()> done);

  /// This broker and the others know each other (spawner_client::ready).
  void ready();

  size_t task_count() const { return client_->task_count(); }

  // -- spawner_listener ---------------------------------------------------------------------------
  void started(uint64_t token, pid_t pid) override;
  void failed(uint64_t token, spawn_step step, int errno_value) override;
  void exited(uint64_t token, int wait_status, const task_usage& used) override;
  void swept(uint64_t left) override;
  void lost() override;
  void write_blocked() override;

private:
  class pipe_reader;
  class pipe_writer;
  class socket_handler;
  struct task {
    std::shared_ptr<task_sink> sink;
    std::shared_ptr<pipe_reader> out, err;
    std::shared_ptr<pipe_writer> in;
    std::shared_ptr<pipe_reader> control_in;
    std::shared_ptr<pipe_writer> control_out;
  };

  task_host(poller& p, std::shared_ptr<output_gate> gate, std::function<void()> on_lost)
    : poller_{p}, gate_{std::move(gate)}, on_lost_{std::move(on_lost)} {}
  task take(uint64_t token);
  static void close_pipes(const task& t);
  caf::error add_control(task& t, spawn_request& request, bool gated,
                         std::shared_ptr<task_sink> sink);
  void with_writer(uint64_t token, std::shared_ptr<pipe_writer> task::*which,
                   std::function<void(pipe_writer&)> f);
  void resume_reading();
  void resume_when_open(output_gate& gate);

  poller& poller_;
  std::shared_ptr<output_gate> gate_;
  std::function<void()> on_lost_;
  std::unique_ptr<spawner_client> client_;
  std::atomic<uint64_t> last_token_{0};
  std::mutex mutex_; // guards tasks_ and swept_
  std::unordered_map<uint64_t, task> tasks_;
  std::function<void()> swept_;
  std::vector<std::shared_ptr<pipe_reader>> stopped_; // wait for a gate; transport thread only
};

} // namespace hactor
